import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Runtime, startRuntime } from '../runtime.ts';
import { API_NAME, apiTemplate, STAGE } from './api-template.fixture.ts';

let folder: string;
let runtime: Runtime;
let api: string;
let warnings: string[];

const FUNCTION = `exports.handler = async (event) => {
  if (event.queryStringParameters?.answer) return JSON.parse(event.queryStringParameters.answer);
  if (event.queryStringParameters?.fails) throw new Error('on purpose');
  return { statusCode: 201, headers: { 'X-From': 'function' }, body: JSON.stringify(event) };
};`;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'apigateway-'));
  mkdirSync(path.join(folder, 'bundle'));
  writeFileSync(path.join(folder, 'bundle', 'index.cjs'), FUNCTION);
  warnings = [];
  runtime = await startRuntime({
    synthesize: () => [{ stackName: 'Stack', template: apiTemplate() }],
    assetFolder: () => path.join(folder, 'bundle'),
    stateFolder: path.join(folder, 'state'),
    port: 0,
    warn: (line) => void warnings.push(line),
  });
  api = runtime.services.apigateway.urlOf(API_NAME, STAGE);
});

afterAll(async () => {
  await runtime.stop();
  rmSync(folder, { recursive: true });
});

const post = (where: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(api + where, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

const STREAM_ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/events';

/** What has been put on the stream, in order. */
function records(): readonly { readonly partitionKey: string; readonly data: string }[] {
  const { kinesis } = runtime.services;
  return kinesis
    .shards(STREAM_ARN)
    .flatMap(({ shardId }) => kinesis.read(STREAM_ARN, shardId, undefined, 10_000, 100_000_000))
    .map(({ partitionKey, data }) => ({ partitionKey, data: data.toString('utf8') }));
}

describe('an integration with Kinesis', () => {
  it('puts what the template writes on the stream, and answers by the response template', async () => {
    const response = await post(
      '/events',
      '{"id":"a-1","text":"it\'s \\"ü\\" €/😀","n":12345678901234567890,"x":1.50}',
      {
        'idempotency-key': 'key-1',
      },
    );

    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-put-by')).toBe('gateway');
    expect(await response.json()).toEqual({ shard: 'shardId-000000000000', key: 'key-1' });
    expect(records().at(-1)).toEqual({
      partitionKey: 'a-1',
      data: '{"id":"a-1","text":"it\'s \\"ü\\" €/😀","n":12345678901234567890,"x":1.50}',
    });
  });

  it('maps an error of Kinesis by its status and its type', async () => {
    runtime.services.kinesis.faults.set({ throttleRate: 1 });
    const throttled = await post('/events', '{"id":"a"}');
    runtime.services.kinesis.faults.set({ errorRate: 1 });
    const failed = await post('/events', '{"id":"a"}');
    runtime.services.kinesis.faults.clear();

    expect([throttled.status, await throttled.json()]).toEqual([
      429,
      { reason: 'ProvisionedThroughputExceededException' },
    ]);
    expect([failed.status, await failed.json()]).toEqual([503, { reason: 'InternalFailure' }]);
  });
});
