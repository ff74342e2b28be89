import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type Answer,
  type AwsJsonServer,
  clientOptions,
  startAwsJsonServer,
} from '../../test/support/processors/aws-json-server.ts';
import { PayloadError } from '../ports.ts';
import { createS3Payload } from './s3-payload.ts';

const servers: AwsJsonServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function payloads(answer: (index: number) => Answer, attemptTimeoutMs?: number, now: () => number = () => 0) {
  const server = await startAwsJsonServer((_request, index) => answer(index));
  servers.push(server);
  const client = new S3Client({ ...clientOptions(server.endpoint), forcePathStyle: true, maxAttempts: 1 });
  return { port: createS3Payload(client, { now }, { attemptTimeoutMs }), requests: server.requests };
}

const PAYLOAD = { uri: 's3://archive/failed-payloads/2026-06-01/ab', bytes: Buffer.from('whole'), recordIndex: 3 };

describe('a large payload', () => {
  test("is put under its URI's key, whole", async () => {
    const { port, requests } = await payloads(() => ({}));

    await port.keep(PAYLOAD, 60_000);

    expect(requests).toMatchObject([
      { method: 'PUT', path: expect.stringMatching(/^\/archive\/failed-payloads\/2026-06-01\/ab(\?|$)/) },
    ]);
    expect(requests[0]?.body.includes('whole')).toBe(true);
  });

  test('that S3 refuses is a PayloadError with its cause', async () => {
    const { port } = await payloads(() => ({ status: 403 }));

    const error: unknown = await port.keep(PAYLOAD, 60_000).catch((e) => e);

    expect(error).toBeInstanceOf(PayloadError);
    expect(error).toMatchObject({ cause: { $metadata: { httpStatusCode: 403 } } });
  });

  test.each([
    ['runs out', 100],
    ['has run out', -5],
  ])('is given up when the time %s', async (_, deadlineMs) => {
    const { port } = await payloads(() => ({ silent: true }));

    await expect(port.keep(PAYLOAD, deadlineMs)).rejects.toThrow(PayloadError);
  });

  test('is put again on another connection when the first goes silent', async () => {
    const { port, requests } = await payloads((index) => (index === 0 ? { silent: true } : {}), 500);

    await port.keep(PAYLOAD, 60_000);

    expect(requests.map(({ body }) => body.includes('whole'))).toEqual([true, true]);
  });

  test('is given up when silence lasts until the time runs out', async () => {
    const { port, requests } = await payloads(
      () => ({ silent: true }),
      200,
      () => 200 * requests.length,
    );

    await expect(port.keep(PAYLOAD, 500)).rejects.toThrow(PayloadError);

    // The last attempt has half the time, and may be over before its request arrives.
    expect(requests.length).toBeGreaterThanOrEqual(2);
    expect(requests.length).toBeLessThanOrEqual(3);
  });

  test('with another URI is an error of the program', async () => {
    const { port } = await payloads(() => ({}));

    await expect(port.keep({ ...PAYLOAD, uri: 'file:///ab' }, 60_000)).rejects.toThrow(
      'payload URI: received file:///ab, allowed: s3://bucket/key',
    );
  });
});
