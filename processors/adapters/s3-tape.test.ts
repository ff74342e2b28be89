import { spawnSync } from 'node:child_process';
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { playTape, type TapeObject } from '../../streams/tape/play-tape.ts';
import { tapeHourPrefix } from '../../streams/tape/tape-key.ts';
import { parseTapeMetadata } from '../../streams/tape/tape-object.ts';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';
import { kinesisEvent, sequenceOf } from '../../test/support/processors/kinesis-event.ts';
import { PayloadError } from '../ports.ts';
import { createTapeHandler } from '../tape.ts';
import { createS3Tape } from './s3-tape.ts';

let s3: S3Endpoint;
let handler: ReturnType<typeof createTapeHandler>;
const clock = { now: Date.now };
const CONTEXT = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 };
const payloads = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => Buffer.from([first + i, 0, 255]));
const SHARD_EVENT = kinesisEvent(payloads(0, 11));
const batch = (first: number, count: number) => ({ Records: SHARD_EVENT.Records.slice(first, first + count) });

async function keys(): Promise<string[]> {
  const listed = await s3.client.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: tapeHourPrefix('2026-06-01T12') }),
  );
  return (listed.Contents ?? []).map(({ Key }) => Key ?? '');
}

async function bytesOf(Key: string): Promise<Uint8Array> {
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}

async function* objects(): AsyncGenerator<TapeObject> {
  for (const key of await keys()) yield { key, read: () => bytesOf(key) };
}

beforeAll(async () => {
  s3 = await openS3Endpoint();
});

beforeEach(() => {
  handler = createTapeHandler('DataPipeline', {
    tape: createS3Tape(s3.client, BUCKET, clock),
    streams: { createdAtMs: async () => 1_700_000_000_000 },
    clock,
    log: () => {},
  });
});

afterAll(() => s3.close());

describe('the tape in S3', () => {
  test('is listed by hour of arrival, says in its metadata what it holds, and is read by other tools', async () => {
    expect(await handler(batch(0, 3), CONTEXT)).toEqual({ batchItemFailures: [] });

    const [key = '', ...others] = await keys();
    expect(others).toEqual([]);
    const {
      Metadata = {},
      ContentEncoding,
      ContentType,
    } = await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }));
    expect({ ContentEncoding, ContentType }).toEqual({ ContentEncoding: undefined, ContentType: 'application/gzip' });
    expect(parseTapeMetadata(Metadata)).toMatchObject({
      streamArn: 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream',
      records: 3,
      bytes: 9,
    });
    const { stdout } = spawnSync('zcat', { input: await bytesOf(key) });
    expect(
      stdout
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).sequenceNumber),
    ).toEqual([0, 1, 2].map(sequenceOf));
  });

  test('is played once, in order, from what a batch, its retry and its halves have left', async () => {
    const [before] = await keys();
    await handler(batch(0, 3), CONTEXT);
    expect(await keys()).toEqual([before]);
    for (const [first, count] of [
      [3, 6],
      [3, 3],
      [6, 3],
      [6, 5],
    ] as const)
      await handler(batch(first, count), CONTEXT);

    const played = await Array.fromAsync(playTape(objects()));

    expect(await keys()).toHaveLength(5);
    expect(played.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      Array.from({ length: 11 }, (_, i) => sequenceOf(i)),
    );
    expect(played.map(({ data }) => data)).toEqual(payloads(0, 11));
  });

  test('is not known to be kept in a bucket that there is none of', async () => {
    const tape = createS3Tape(s3.client, 'no-such-bucket', clock);

    const refused: unknown = await tape
      .keep({ key: 'tape/x', body: Buffer.from('x'), metadata: {} }, Date.now() + 10_000)
      .catch((error) => error);

    expect(refused).toBeInstanceOf(PayloadError);
    expect(refused).toMatchObject({
      message: expect.stringContaining('a tape object could not be kept: NoSuchBucket'),
    });
  });
});
