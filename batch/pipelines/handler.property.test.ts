import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTestApi, proxyEvent } from '../../test/support/batch/pipelines-api.ts';

const RUNS = 1_000;

const path = fc.oneof(
  fc.constantFrom('/pipelines', '/pipelines/a/records', '/pipelines/a/complete', '/pipelines/a', '/', ''),
  fc.webPath(),
);
const method = fc.oneof(fc.constantFrom('GET', 'POST', 'DELETE'), fc.string());
const likeABody = fc.record(
  {
    source: fc.oneof(fc.constantFrom('api', 's3', 'backfill'), fc.jsonValue()),
    data_type: fc.oneof(fc.constantFrom('json', 'ndjson', 'csv'), fc.jsonValue()),
    priority: fc.oneof(fc.constantFrom('low', 'normal', 'high'), fc.jsonValue()),
    metadata: fc.oneof(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.jsonValue()),
    records: fc.oneof(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }), fc.jsonValue()),
    key: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
    prefix: fc.jsonValue(),
  },
  { requiredKeys: ['source'] },
);
const body = fc.oneof(
  likeABody.map((value) => JSON.stringify(value)),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.json(), fc.nat()).map(([text, cut]) => text.slice(0, cut % (text.length + 1))),
  fc.constantFrom(
    '{"source":"api","records":[1e999]}',
    '{"source":"api","source":"s3"}',
    '{"__proto__":{"source":"api"}}',
  ),
);

it('answers any request by a status below 500 and a reason, or 501 for what is not there yet', async () => {
  await fc.assert(
    fc.asyncProperty(method, path, body, fc.boolean(), async (asked, at, text, isBase64Encoded) => {
      const event = { ...proxyEvent(asked, at, { body: text }), isBase64Encoded };

      const { status, body: answer } = await createTestApi().answerTo(event);

      if (status < 300) expect(answer.pipeline_id ?? answer.pipelines).toBeDefined();
      else {
        expect(status === 501 || (status >= 400 && status < 500)).toBe(true);
        expect(answer).toEqual({ error: { code: expect.any(String), message: expect.stringMatching(/.{10}/) } });
      }
    }),
    { numRuns: RUNS },
  );
});

it('puts each record on the stream as it came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 9 }), async (records) => {
      const api = createTestApi();

      const { status } = await api.call('POST', '/pipelines', { body: { source: 'api', records } });

      expect(status).toBe(201);
      const put = api.putChunks.flatMap(({ data }) => JSON.parse(data.toString()));
      expect(put).toEqual(JSON.parse(JSON.stringify(records)));
    }),
    { numRuns: RUNS / 10 },
  );
});

it('takes an event of any shape', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        httpMethod: fc.oneof(fc.constant('POST'), fc.anything()),
        path: fc.oneof(fc.constant('/pipelines'), fc.anything()),
        headers: fc.anything(),
        queryStringParameters: fc.anything(),
        requestContext: fc.anything(),
        body: fc.anything(),
        isBase64Encoded: fc.anything(),
      }),
      async (event) => {
        expect((await createTestApi().answerTo(event)).status).toBeLessThan(500);
      },
    ),
    { numRuns: RUNS / 4 },
  );
});
