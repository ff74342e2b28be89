import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { API_NAME, apiTemplate, KEY_VALUE, LOG_GROUP, STAGE } from '../../test/support/local/api-template.ts';
import { type Runtime, startRuntime } from '../runtime.ts';

let folder: string;
let runtime: Runtime;
let api: string;
let warnings: string[];
let accessLog: string[];

const FUNCTION = `exports.handler = async (event) => {
  const { answer, fails } = event.queryStringParameters ?? {};
  if (event.resource === '/impatient') await new Promise((resolve) => setTimeout(resolve, 500));
  if (fails) throw new Error('on purpose');
  if (answer) return JSON.parse(answer);
  return { statusCode: 201, headers: { 'X-From': 'function' }, body: JSON.stringify(event) };
};`;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'apigateway-'));
  mkdirSync(path.join(folder, 'bundle'));
  writeFileSync(path.join(folder, 'bundle', 'index.cjs'), FUNCTION);
  warnings = [];
  accessLog = [];
  runtime = await startRuntime({
    synthesize: () => [{ stackName: 'Stack', template: apiTemplate() }],
    assetFolder: () => path.join(folder, 'bundle'),
    stateFolder: path.join(folder, 'state'),
    port: 0,
    warn: (line) => void warnings.push(line),
    onLog: (group, message) => void (group === LOG_GROUP && accessLog.push(message)),
  });
  api = runtime.services.apigateway.urlOf(API_NAME, STAGE);
});

afterAll(async () => {
  await runtime.stop();
  rmSync(folder, { recursive: true });
});

const JSON_TYPE = { 'content-type': 'application/json' };

const post = (where: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(api + where, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } });

async function get(where: string, headers: Record<string, string> = {}): Promise<readonly [number, unknown]> {
  const response = await fetch(api + where, { headers });
  return [response.status, await response.json()];
}

const STREAM_ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/events';

let lastRead: string | undefined;

/** What was put on the stream last, since this was asked. */
function lastRecord(): { readonly partitionKey: string; readonly data: string } | undefined {
  const { kinesis } = runtime.services;
  const [shard] = kinesis.shards(STREAM_ARN);
  const found = kinesis.read(STREAM_ARN, shard?.shardId ?? '', lastRead, 1_000, 100_000_000).at(-1);
  lastRead = found?.sequenceNumber ?? lastRead;
  return found && { partitionKey: found.partitionKey, data: found.data.toString('utf8') };
}

describe('the path of a request', () => {
  it.each([
    ['a literal part, before any other', '/events/fixed', { fixed: true, colour: 'blue' }],
    ['a named part, decoded', '/events/a%20b', { named: 'a b' }],
    ['the rest of a path', '/events/a/b/c', { rest: 'a/b/c', method: 'GET' }],
    ['the rest, below a literal part', '/events/fixed/more', { rest: 'fixed/more', method: 'GET' }],
    ['a slash at the end, which is not looked at', '/events/fixed/', { fixed: true, colour: 'blue' }],
  ])('is found by %s', async (_claim, where, body) => {
    expect(await get(where)).toEqual([200, body]);
  });

  it('passes over a resource that has not its method', async () => {
    const response = await fetch(`${api}/events/fixed`, { method: 'PUT', body: '{}', headers: JSON_TYPE });

    expect(await response.json()).toEqual({ rest: 'fixed', method: 'PUT' });
  });

  it.each(['/nowhere', '', '/', '/events'])('that is %j and has no method gets 403', async (where) => {
    const response = await fetch(api + where);

    expect(response.status).toBe(403);
    expect(response.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    expect(await response.json()).toEqual({ message: 'Missing Authentication Token' });
  });

  it('under the host of an API begins with the stage, and other stages and APIs are forbidden', async () => {
    const id = runtime.services.apigateway.apis()[0]?.id;
    const root = runtime.endpoint;

    expect(api).toBe(`${root}/_aws/execute-api/${id}/prod`);
    expect((await fetch(`${root}/_aws/execute-api/${id}/dev/events/fixed`)).status).toBe(403);
    expect((await fetch(`${root}/_aws/execute-api/other/prod/events/fixed`)).status).toBe(403);
    expect(warnings.at(-1)).toMatch(/names no API and stage\. APIs: .*test-api: prod/);
  });
});

describe('an integration with Kinesis', () => {
  it('puts what the template writes on the stream, and answers by the response template', async () => {
    const body = '{"id":"a-1","text":"it\'s \\"ü\\" €/😀","n":12345678901234567890,"x":1.50}';
    const response = await post('/events', body, { 'idempotency-key': 'key-1' });

    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-put-by')).toBe('gateway');
    expect(await response.json()).toEqual({ shard: 'shardId-000000000000', key: 'key-1' });
    expect(lastRecord()).toEqual({ partitionKey: 'a-1', data: body });
  });

  it('maps an error of Kinesis by its status and its type', async () => {
    runtime.services.kinesis.faults.set({ throttleRate: 1 });
    const throttled = await post('/events', '{"id":"a"}');
    runtime.services.kinesis.faults.set({ errorRate: 1 });
    const failed = await post('/events', '{"id":"a"}');
    runtime.services.kinesis.faults.clear();
    const tooLarge = await post('/events', JSON.stringify({ id: 'a', text: 'x'.repeat(2_000_000) }));

    expect([throttled.status, await throttled.json()]).toEqual([
      429,
      { reason: 'ProvisionedThroughputExceededException' },
    ]);
    expect([failed.status, await failed.json()]).toEqual([503, { reason: 'InternalFailure' }]);
    expect([tooLarge.status, await tooLarge.json()]).toEqual([400, { reason: 'ValidationException' }]);
  });

  it('fails as the switch of API Gateway says', async () => {
    runtime.faults('execute-api').set({ errorRate: 1 });
    const failed = await get('/events/fixed');
    runtime.faults('execute-api').clear();

    expect(failed).toEqual([500, { message: 'Internal server error' }]);
  });
});

describe('a body', () => {
  it.each([
    ['without what is required', '{}', '[object has missing required properties (["id"])]'],
    [
      'of another type',
      '[]',
      '[instance type (array) does not match any allowed primitive type (allowed: ["object"])]',
    ],
    ['with a text that is too short', '{"id":""}', '[/id: string "" is too short (length: 0, required minimum: 1)]'],
    ['that is empty', '', expect.stringContaining('request body is not JSON')],
    ['that is cut off', '{"id":"a"', expect.stringContaining('request body is not JSON')],
    ['that nests too deep', `{"id":${'['.repeat(5_000)}`, expect.stringContaining('nesting depth (5001)')],
  ])('%s gets 400 with the reason, by the gateway response', async (_claim, body, reason) => {
    const response = await post('/events', body);

    expect(response.status).toBe(400);
    expect(response.headers.get('x-refused')).toBe('body');
    expect(await response.json()).toEqual({ message: 'Invalid request body', reason, at: '/events' });
  });

  it('of another content type gets 415, and a charset does not matter', async () => {
    const body = '{"id":"a"}';

    expect((await post('/events', body, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(202);
    const refused = await post('/events', body, { 'content-type': 'text/plain' });
    expect([refused.status, await refused.json()]).toEqual([415, { message: 'Unsupported Media Type' }]);
  });

  it('of more than 10 MB gets 413', async () => {
    const response = await post('/events', Buffer.alloc(10 * 1024 * 1024 + 1, ' '));

    expect([response.status, await response.json()]).toEqual([413, { message: 'Request Too Long' }]);
  });

  it('is a 4xx or a record that arrives intact, whatever it holds', async () => {
    const value = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc
        .record({ note: fc.oneof(fc.string({ unit: 'binary' }), VTL), id: fc.jsonValue() })
        .map((each) => JSON.stringify(each)),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '{"n":1e400}',
        '{"n":-0.0,"m":123456789012345678901234567890}',
        '{"__proto__":{"a":1},"constructor":2}',
      ),
    );
    await fc.assert(
      fc.asyncProperty(value, async (body) => {
        const response = await post('/echo', body.toWellFormed());
        const answered = await response.text();
        const given = parsed(body.toWellFormed() || '{}');
        if (given === undefined) {
          expect([response.status, answered]).toEqual([400, expect.stringContaining('Could not parse request body')]);
          return;
        }
        expect([response.status, answered]).toEqual([200, '{}']);
        const record = parsed(lastRecord()?.data ?? '');
        const note = noteOf(given.value);
        expect(record).toEqual({
          value: note === undefined ? { json: given.value, note: expect.anything() } : { json: given.value, note },
        });
      }),
      { numRuns: 50 },
    );
  });
});

const VTL = fc
  .array(
    fc.constantFrom(
      '$input.body',
      '#set($x = 1)',
      '#end',
      '"',
      "'",
      '\\',
      '\\u0022',
      '${',
      '}',
      ',"injected":true',
      '/',
      '\n',
      '#foreach(',
    ),
  )
  .map((parts) => parts.join(''));

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** The text that the template was to escape; undefined where it is something else, which Java writes in its own way. */
function noteOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('note' in value)) return undefined;
  return typeof value.note === 'string' ? value.note : undefined;
}

describe('a method', () => {
  it('refuses a request without its parameters, naming them', async () => {
    expect(await get('/asking?from=here')).toEqual([400, { message: 'Missing required request parameters: [X-Who]' }]);
    expect(await get('/asking')).toEqual([400, { message: 'Missing required request parameters: [from, X-Who]' }]);
    expect(await get('/asking?from=here', { 'x-who': 'me' })).toEqual([200, {}]);
  });

  it('answers 500 for a template that fails, and says why to whoever runs it', async () => {
    expect(await get('/broken')).toEqual([500, { message: 'Internal server error' }]);
    expect(warnings.at(-1)).toBe(
      'API Gateway test-api GET /broken: the response template failed: a string has no method explode locally',
    );
  });

  it('is throttled by the bucket of its setting, on the shared clock', async () => {
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await get('/slow'))[0]);
    runtime.clock.advance(1_000);

    expect(statuses).toEqual([200, 200, 429]);
    expect((await get('/slow'))[0]).toBe(200);
    expect((await get('/events/fixed'))[0]).toBe(200);
  });

  it('asks for a key, and holds it to its plan', async () => {
    const key = { 'x-api-key': KEY_VALUE };

    expect(await get('/keyed')).toEqual([403, { message: 'Forbidden' }]);
    expect(await get('/keyed', { 'x-api-key': 'another-key-of-twenty' })).toEqual([403, { message: 'Forbidden' }]);
    const [first] = [await get('/keyed', key), await get('/keyed', key)];
    expect(first).toEqual([200, { key: expect.stringMatching(/^[a-z0-9]{10}$/) }]);
    expect(await get('/keyed', key)).toEqual([429, { message: 'Too Many Requests' }]);
    runtime.clock.advance(5_000);
    expect((await get('/keyed', key))[0]).toBe(200);
    expect(await get('/keyed', key)).toEqual([429, { message: 'Limit Exceeded' }]);
    runtime.clock.advance(86_400_000);
    expect((await get('/keyed', key))[0]).toBe(200);
  });

  it('writes a line of the access log for each request', async () => {
    accessLog.length = 0;
    await get('/events/fixed');
    await get('/nowhere');

    expect(accessLog.map((line) => JSON.parse(line))).toEqual([
      { path: '/events/fixed', status: '200', user: '-' },
      { path: '-', status: '403', user: '-' },
    ]);
  });
});

describe('a function behind an API', () => {
  it('gets the event of version 1.0, and its answer is the answer', async () => {
    const response = await post('/function/a%2Fb?x=1&x=2&y=%C3%BC', '{"a":"ü"}', { 'x-custom': 'c' });
    const event = await response.json();

    expect(response.status).toBe(201);
    expect(response.headers.get('x-from')).toBe('function');
    expect(event).not.toHaveProperty('headers.content-length');
    expect(event).toMatchObject({
      resource: '/function/{id}',
      path: '/function/a%2Fb',
      httpMethod: 'POST',
      headers: { 'content-type': 'application/json', 'x-custom': 'c' },
      multiValueHeaders: { 'x-custom': ['c'] },
      queryStringParameters: { x: '2', y: 'ü' },
      multiValueQueryStringParameters: { x: ['1', '2'], y: ['ü'] },
      pathParameters: { id: 'a/b' },
      stageVariables: { colour: 'blue' },
      requestContext: {
        resourcePath: '/function/{id}',
        httpMethod: 'POST',
        stage: 'prod',
        path: '/prod/function/a%2Fb',
        protocol: 'HTTP/1.1',
        requestId: response.headers.get('x-amzn-requestid'),
        identity: { sourceIp: '127.0.0.1' },
        accountId: '000000000000',
      },
      body: '{"a":"ü"}',
      isBase64Encoded: false,
    });
  });

  it('gets null for what a request does not have', async () => {
    const [, event] = await get('/function/a');

    expect(event).toMatchObject({ queryStringParameters: null, multiValueQueryStringParameters: null, body: null });
  });

  it.each([
    ['no object', '"text"'],
    ['a member that is not known', '{"statusCode":200,"status":1}'],
    ['a body that is no text', '{"statusCode":200,"body":{}}'],
    ['a header that is a number', '{"statusCode":200,"headers":{"x-n":1}}'],
    ['a status that is none', '{"statusCode":"fine"}'],
  ])('gets 502 for an answer that is %s', async (_claim, answer) => {
    expect(await get(`/function/a?answer=${encodeURIComponent(answer)}`)).toEqual([
      502,
      { message: 'Internal server error' },
    ]);
    expect(warnings.at(-1)).toContain('a malformed Lambda proxy response');
  });

  it('may leave out all but what it has to say', async () => {
    const response = await fetch(
      `${api}/function/a?answer=${encodeURIComponent('{"multiValueHeaders":{"X-A":["1","2"]}}')}`,
    );

    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([200, '1, 2', '']);
  });

  it('gets 502 when it throws, and 504 when it is slow', async () => {
    expect(await get('/function/a?fails=1')).toEqual([502, { message: 'Internal server error' }]);
    expect(await get('/impatient')).toEqual([504, { message: 'Endpoint request timed out' }]);
  });
});

it('lets unsigned requests through where IAM is not enforced', async () => {
  const response = await post('/signed', '{}');

  expect([response.status, await response.json()]).toEqual([200, { user: '' }]);
});
