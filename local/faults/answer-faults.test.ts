import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningServices, startServices } from '../../test/support/local/running-services.ts';

let running: RunningServices;
let url: string;

beforeAll(async () => {
  running = await startServices();
  url = `${running.endpoint}/_local/faults`;
});

afterEach(() => fetch(url, { method: 'DELETE' }));
afterAll(() => running.stop());

async function call(method: string, body?: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('/_local/faults', () => {
  it('switches on what it is given, shows it, and ends it', async () => {
    const wanted = { kinesis: { errorRate: 0.1, operations: ['PutRecords'] }, s3: { latencyMs: { min: 1, max: 5 } } };

    expect(await call('PUT', JSON.stringify(wanted))).toEqual({ status: 200, body: wanted });
    expect(running.services.kinesis.faults.settings).toEqual(wanted.kinesis);
    expect(await call('GET')).toEqual({ status: 200, body: wanted });
    expect(await call('DELETE')).toEqual({ status: 200, body: {} });
    expect(running.services.kinesis.faults.settings).toBeUndefined();
  });

  it('puts the whole in place of what was on', async () => {
    await call('PUT', '{"kinesis":{"errorRate":1}}');
    await call('PUT', '{"lambda":{"killRate":0.5,"functions":["a"]}}');

    expect((await call('GET')).body).toEqual({ lambda: { killRate: 0.5, functions: ['a'] } });
  });

  it.each([
    ['{"kinesis":{"errorRate":2}}', 'kinesis.errorRate: a number from 0 to 1 is allowed, received 2'],
    [
      '{"kinesi":{}}',
      'There is no service "kinesi". Services here: athena, dynamodb, events, execute-api, firehose, glue, kinesis,',
    ],
    ['{"athena":{"partialRate":1}}', 'athena.partialRate: this service has no such fault'],
    ['{"kinesis":1}', 'kinesis: an object of errorRate, '],
    ['[]', 'The body has to be a JSON object by service, such as {"kinesis": {"errorRate": 0.1, '],
    ['errorRate=1', 'received "errorRate=1"'],
    ['', 'received ""'],
  ])('refuses %j by saying what is allowed, and switches nothing', async (body, message) => {
    await call('PUT', '{"s3":{"errorRate":1}}');

    // As curl sends it.
    expect(await call('PUT', body, FORM)).toEqual({
      status: 400,
      body: { __type: 'ValidationException', message: expect.stringContaining(message) },
    });
    expect((await call('GET')).body).toEqual({ s3: { errorRate: 1 } });
  });

  it('switches no service when another one is refused', async () => {
    const { status } = await call('PUT', '{"s3":{"errorRate":1},"kinesis":{"errorRate":2}}');

    expect(status).toBe(400);
    expect(running.services.s3.faults.settings).toBeUndefined();
  });

  it('names the methods that it takes', async () => {
    expect(await call('POST', '{}')).toMatchObject({
      status: 405,
      body: { message: '/_local/faults takes GET, PUT and DELETE, received POST.' },
    });
  });

  it('is closed to pages of other sites', async () => {
    const { status } = await call('PUT', '{"s3":{"errorRate":1}}', { origin: 'https://evil.example' });

    expect(status).toBe(403);
    expect(running.services.s3.faults.settings).toBeUndefined();
  });

  it('itself does not fail while everything else does', async () => {
    await call('PUT', '{"s3":{"errorRate":1}}');

    expect((await call('GET')).status).toBe(200);
    expect((await fetch(`${running.endpoint}/subject/key`)).status).toBe(500);
  });
});
