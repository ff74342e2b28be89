import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NAMES } from '../../infra/names.ts';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from '../../streams/codecs/decode-context.ts';
import { decodeRecord } from '../../streams/codecs/decode-record.ts';
import { fuzzApi } from '../fuzz/fuzz-api.ts';
import { readStream } from '../support/local/read-stream.ts';
import { type RunningApi, type RunningApiOptions, startApi } from '../support/local/running-api.ts';
import { signRequest } from '../support/local/sign-request.ts';

const FLIGHT = { date: 978_332_100_000, delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };
const TEXT = JSON.stringify(FLIGHT);
const FUZZED_REQUESTS = 300;

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:test',
});

async function post(api: RunningApi, route: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(api.url + route, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const answer: unknown = await response.json();
  return { status: response.status, answer };
}

/** A refusal, as every answer that is no success is. */
const refusal = (error: string, reason: unknown = expect.stringMatching(/./)) =>
  expect.objectContaining({ error, reason, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });

async function recordAt(api: RunningApi, answer: unknown) {
  const { shardId, sequenceNumber } = Object(answer);
  for await (const record of readStream(api.kinesis, NAMES.stream)) {
    if (record.shardId === shardId && record.sequenceNumber === sequenceNumber) return record;
  }
  throw new Error(`no record at ${shardId} ${sequenceNumber}`);
}

async function withApi(options: RunningApiOptions, act: (api: RunningApi) => Promise<void>): Promise<void> {
  const api = await startApi(options);
  try {
    await act(api);
  } finally {
    await api.stop();
  }
}

describe('the events API', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(async () => {
    expect(api.warnings).toEqual([]);
    await api.stop();
  });

  it('puts an event on the stream under the key of its dataset, and says where', async () => {
    const { status, answer } = await post(api, '/events/flights', TEXT, { 'Idempotency-Key': `it's "one" \\` });

    expect(status).toBe(200);
    expect(answer).toEqual({
      id: `it's "one" \\`,
      shardId: expect.stringMatching(/^shardId-/),
      sequenceNumber: expect.stringMatching(/^\d{56}$/),
    });
    const { partitionKey, data } = await recordAt(api, answer);
    expect(partitionKey).toBe('LAX');
    expect(decodeRecord(data, context)).toMatchObject([
      {
        kind: 'event',
        dataset: { name: 'flights' },
        id: `it's "one" \\`,
        source: '/api/events/flights',
        value: FLIGHT,
      },
    ]);
  });

  it('puts a batch as one record, whose events are judged one by one', async () => {
    const { status, answer } = await post(api, '/events/flights/batch', `[${TEXT}, 5]`, { 'idempotency-key': 'b' });

    expect(status).toBe(200);
    expect(decodeRecord((await recordAt(api, answer)).data, context)).toMatchObject([
      { kind: 'event', id: 'b/0', source: '/api/events/flights/batch', value: FLIGHT },
      { kind: 'event', id: 'b/1', source: '/api/events/flights/batch', value: 5 },
    ]);
  });

  it.each<[string, string, string, Record<string, string>, number, ReturnType<typeof refusal>]>([
    ['no JSON', '/events/flights', '{', {}, 400, refusal('BAD_REQUEST_BODY')],
    ['no body', '/events/flights', '', {}, 400, refusal('BAD_REQUEST_BODY')],
    [
      'a field of a wrong type',
      '/events/flights',
      JSON.stringify({ ...FLIGHT, delay: 'late' }),
      {},
      400,
      refusal('BAD_REQUEST_BODY', expect.stringContaining('delay')),
    ],
    ['a batch that is no array', '/events/flights/batch', TEXT, {}, 400, refusal('BAD_REQUEST_BODY')],
    ['a batch of nothing', '/events/flights/batch', '[]', {}, 400, refusal('BAD_REQUEST_BODY')],
    [
      'a key that is too long',
      '/events/flights',
      TEXT,
      { 'Idempotency-Key': 'k'.repeat(256) },
      400,
      refusal('BAD_IDEMPOTENCY_KEY'),
    ],
    ['another path', '/flights', TEXT, {}, 403, refusal('MISSING_AUTHENTICATION_TOKEN')],
    [
      'a record over 1 MiB',
      '/events/flights/batch',
      `["${'x'.repeat(800_000)}"]`,
      {},
      413,
      refusal('RECORD_TOO_LARGE'),
    ],
    [
      'a body over 10 MB',
      '/events/flights',
      ' '.repeat(11_000_000),
      {},
      413,
      expect.objectContaining({ message: 'Request Too Long' }),
    ],
    ['a wrong type', '/events/flights', TEXT, { 'content-type': 'text/csv' }, 415, refusal('UNSUPPORTED_MEDIA_TYPE')],
  ])('refuses %s with the reason', async (_what, route, body, headers, status, answer) => {
    expect(await post(api, route, body, headers)).toEqual({ status, answer });
  });

  it('takes a body of 780,000 bytes, as its refusals say', async () => {
    const body = `["${'x'.repeat(780_000 - 4)}"]`;

    expect((await post(api, '/events/earthquakes/batch', body, { 'Idempotency-Key': 'k'.repeat(255) })).status).toBe(
      200,
    );
  });

  it.each(['/events/trains', '/events/trains/batch'])('answers %s with the datasets there are', async (route) => {
    const { status, answer } = await post(api, route, TEXT);

    expect(status).toBe(404);
    expect(answer).toMatchObject({ error: 'UNKNOWN_DATASET', datasets: [...datasets.keys()] });
  });

  it.each([
    ['takes no more', { throttleRate: 1 }, 429, 'THROTTLED'],
    ['fails', { errorRate: 1 }, 503, 'STREAM_UNAVAILABLE'],
  ])('says to try again when the stream %s', async (_what, faults, status, error) => {
    api.runtime.faults('kinesis').set({ ...faults, operations: ['PutRecord'] });
    try {
      expect(await post(api, '/events/flights', TEXT)).toEqual({
        status,
        answer: refusal(error, expect.stringMatching(/try again/i)),
      });
    } finally {
      api.runtime.faults('kinesis').clear();
    }
  });

  it('refuses with a reason or puts intact whatever a client sends, and nothing of it becomes a field', async () => {
    const seed = Date.now() % 2 ** 31;

    const { statuses, violations, records } = await fuzzApi(api, { seed, requests: FUZZED_REQUESTS });

    expect({ seed, violations }).toEqual({ seed, violations: [] });
    expect([...statuses.keys()].sort()).toEqual(expect.arrayContaining([200, 400]));
    expect(records).toBe(statuses.get(200));
  }, 180_000);
});

describe('who may call', () => {
  it('is who signs, where IAM is enforced', async () => {
    await withApi({ enforceIam: true }, async (api) => {
      const url = `${api.url}/events/flights`;
      const signed = (secretAccessKey: string) => signRequest({ method: 'POST', url, body: TEXT, secretAccessKey });

      expect(await post(api, '/events/flights', TEXT)).toEqual({
        status: 403,
        answer: refusal('MISSING_AUTHENTICATION_TOKEN'),
      });
      expect((await post(api, '/events/flights', TEXT, signed('another'))).status).toBe(403);
      expect((await post(api, '/events/flights', TEXT, signed('local'))).status).toBe(200);
    });
  });

  it('is who has a key, where the settings say so', async () => {
    await withApi({ api: { authorization: 'api-key' } }, async (api) => {
      const key = api.runtime.services.apigateway.keyValueOf(NAMES.api);
      const send = (headers: Record<string, string>) => post(api, '/events/flights', TEXT, headers);

      expect(await send({})).toEqual({ status: 403, answer: refusal('INVALID_API_KEY') });
      expect(await send({ 'x-api-key': `${key}x` })).toEqual({ status: 403, answer: refusal('INVALID_API_KEY') });
      expect((await send({ 'x-api-key': key })).status).toBe(200);
    });
  });

  it('is told to wait beyond the throttling of the stage', async () => {
    await withApi({ api: { throttling: { requestsPerSecond: 1, burst: 2 } } }, async (api) => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => post(api, '/events/flights', TEXT)));

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
      expect(answers).toContainEqual({ status: 429, answer: refusal('THROTTLED', expect.stringContaining('later')) });
    });
  });
});
