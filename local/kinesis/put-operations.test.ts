import { randomBytes } from 'node:crypto';
import { KinesisClient, PutRecordCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  entry,
  type RunningKinesis,
  startKinesis,
  temporaryFolder,
  texts,
} from '../../test/support/local/running-kinesis.ts';

const MIB = 1024 * 1024;
const ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/stream';

let temporary: ReturnType<typeof temporaryFolder>;
let kinesis: RunningKinesis;

beforeEach(async () => {
  temporary = temporaryFolder();
  kinesis = await startKinesis(temporary.folder);
});

afterEach(async () => {
  await kinesis.stop();
  temporary.remove();
});

const everything = async (): Promise<string[]> => texts(await kinesis.get(await kinesis.iterator()));

/** Sends a call as it stands, past the client's own checks. */
async function send(operation: string, body: string): Promise<{ status: number; code: unknown; message: string }> {
  const response = await fetch(kinesis.endpoint, {
    method: 'POST',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=local/20261123/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0',
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Kinesis_20131202.${operation}`,
    },
    body,
  });
  const answer = JSON.parse(await response.text());
  return { status: response.status, code: answer.__type, message: answer.message };
}

describe('PutRecords', () => {
  it('answers each entry in its place, and keeps their order', async () => {
    await kinesis.makeStream();

    const answer = await kinesis.put(['a', 'b', 'c'].map((key) => entry(key)));

    const read = await kinesis.get(await kinesis.iterator());
    expect(answer).toMatchObject({ FailedRecordCount: 0 });
    expect(answer.EncryptionType).toBeUndefined();
    expect(answer.Records?.map((record) => [record.ShardId, record.SequenceNumber])).toEqual(
      read.Records?.map((record) => ['shardId-000000000000', record.SequenceNumber]),
    );
    expect(texts(read)).toEqual(['a', 'b', 'c']);
  });

  it('puts a key into the shard of its hash, or of the explicit hash key', async () => {
    await kinesis.makeStream({ ShardCount: 2 });

    const answer = await kinesis.put([
      // Its MD5 is 261578874264819908609102035485573088411, over half of 2^128.
      entry('1'),
      { ...entry('1'), ExplicitHashKey: '0' },
      { ...entry('1'), ExplicitHashKey: '340282366920938463463374607431768211455' },
    ]);

    expect(answer.Records?.map((record) => record.ShardId?.at(-1))).toEqual(['1', '0', '1']);
  });

  it('takes 500 records of 20 KB in one call, and gives them back in pages of at most 10 MiB', async () => {
    await kinesis.makeStream();
    const blobs = Array.from({ length: 500 }, (_, index) =>
      Buffer.concat([Buffer.from(`${index}:`), randomBytes(20_000)]),
    );

    const answer = await kinesis.put(blobs.map((blob, index) => entry(`ключ "${index}"`, blob)));
    const more = await kinesis.put(blobs.slice(0, 30).map((blob) => entry('key', blob)));

    const first = await kinesis.get(await kinesis.iterator());
    const second = await kinesis.get(first.NextShardIterator);
    const read = [...(first.Records ?? []), ...(second.Records ?? [])];
    const expected = [...blobs, ...blobs.slice(0, 30)];
    expect([answer.FailedRecordCount, more.FailedRecordCount]).toEqual([0, 0]);
    expect(read).toHaveLength(530);
    expect(read[499]?.PartitionKey).toBe('ключ "499"');
    expect(read.every((record, index) => expected[index]?.equals(record.Data ?? new Uint8Array()))).toBe(true);
    expect(first.Records?.reduce((sum, record) => sum + (record.Data?.length ?? 0), 0)).toBeLessThanOrEqual(10 * MIB);
    expect(first.Records?.length).toBeLessThan(530);
    expect(first.MillisBehindLatest).toBeGreaterThanOrEqual(0);
  });

  it('takes twenty calls of 500 records at once over HTTP/2, and keeps the order of each', async () => {
    await kinesis.makeStream({ ShardCount: 2 });
    const { endpoint } = kinesis;
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new KinesisClient({ endpoint, region: 'us-east-1', credentials });
    const calls = Array.from({ length: 20 }, (_, call) =>
      Array.from({ length: 500 }, (_, index) => entry(`${call % 7}`, `${call}:${index}:${'x'.repeat(300)}`)),
    );

    const answers = await Promise.all(
      calls.map((Records) => client.send(new PutRecordsCommand({ StreamName: 'stream', Records }))),
    );
    client.destroy();

    expect(answers.map((answer) => answer.FailedRecordCount)).toEqual(Array(20).fill(0));
    const byCall = new Map<string, number[]>();
    for (const { shardId } of kinesis.service.shards(ARN)) {
      for (const record of kinesis.service.read(ARN, shardId, undefined, 20_000, 1e9)) {
        const [call = '', index] = record.data.toString().split(':');
        byCall.set(call, [...(byCall.get(call) ?? []), Number(index)]);
      }
    }
    const inOrder = Array.from({ length: 500 }, (_, index) => index);
    expect([...byCall.values()]).toEqual(Array(20).fill(inOrder));
  });

  it('takes data of no bytes, and a key of 256 characters that take two units each', async () => {
    await kinesis.makeStream();

    const answer = await kinesis.put([entry('😀'.repeat(256), '')]);

    expect(answer.FailedRecordCount).toBe(0);
    expect((await kinesis.get(await kinesis.iterator())).Records?.[0]?.PartitionKey).toBe('😀'.repeat(256));
  });

  it.each([
    ['no entries', { Records: [] }, 'ValidationException'],
    ['501 entries', { Records: Array(501).fill({ Data: '', PartitionKey: 'k' }) }, 'ValidationException'],
    ['an entry without data', { Records: [{ PartitionKey: 'k' }] }, 'ValidationException'],
    ['an entry without key', { Records: [{ Data: '' }] }, 'ValidationException'],
    ['an empty key', { Records: [{ Data: '', PartitionKey: '' }] }, 'ValidationException'],
    ['a key of 257 characters', { Records: [{ Data: '', PartitionKey: 'k'.repeat(257) }] }, 'ValidationException'],
    ['a key that is a number', { Records: [{ Data: '', PartitionKey: 1 }] }, 'SerializationException'],
    ['an entry that is a text', { Records: ['x'] }, 'SerializationException'],
    ['data that is not base64', { Records: [{ Data: '!!!!', PartitionKey: 'k' }] }, 'SerializationException'],
    [
      'large data that is not base64',
      {
        Records: [
          { Data: 'AAAA'.repeat(20_000), PartitionKey: 'k' },
          { Data: 'A!AA'.repeat(20_000), PartitionKey: 'k' },
        ],
      },
      'SerializationException',
    ],
    [
      'an explicit hash key of 2^128',
      { Records: [{ Data: '', PartitionKey: 'k', ExplicitHashKey: '340282366920938463463374607431768211456' }] },
      'InvalidArgumentException',
    ],
    ['no stream', { StreamName: undefined, Records: [{ Data: '', PartitionKey: 'k' }] }, 'InvalidArgumentException'],
    [
      'a stream that is not there',
      { StreamName: 'none', Records: [{ Data: '', PartitionKey: 'k' }] },
      'ResourceNotFoundException',
    ],
    [
      'the ARN of another account',
      {
        StreamName: undefined,
        StreamARN: ARN.replace('000000000000', '111111111111'),
        Records: [{ Data: '', PartitionKey: 'k' }],
      },
      'ResourceNotFoundException',
    ],
  ])('refuses %s as a whole', async (_name, input, code) => {
    await kinesis.makeStream();

    const answer = await send('PutRecords', JSON.stringify({ StreamName: 'stream', ...input }));

    expect(answer).toMatchObject({ status: 400, code });
    expect(kinesis.service.figures('stream')).toEqual({ records: 0, bytes: 0 });
  });

  it('refuses a record over 1 MiB by its data, or by data and key, and takes one that fills it', async () => {
    await kinesis.makeStream();
    const put = (dataBytes: number) => kinesis.put([entry('key', Buffer.alloc(dataBytes))]);

    await expect(put(MIB + 1)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(`at 'records.1.member.data' failed`),
    });
    await expect(put(MIB - 2)).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining(`${MIB + 1} bytes`),
    });
    expect((await put(MIB - 3)).FailedRecordCount).toBe(0);
  });

  it('takes a record of 10 MiB where the stream allows it', async () => {
    await kinesis.makeStream({ ShardCount: 1, MaxRecordSizeInKiB: 10_240 });

    await kinesis.put([entry('key', Buffer.alloc(10 * MIB - 3, 'x'))]);

    expect((await everything())[0]).toHaveLength(10 * MIB - 3);
  });

  it('refuses more than 10 MiB of data and keys in one call', async () => {
    await kinesis.makeStream();
    const data = Buffer.alloc(MIB - 3);

    await expect(kinesis.put(Array.from({ length: 11 }, () => entry('key', data)))).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining('10 MB limit'),
    });
    expect((await kinesis.put(Array.from({ length: 10 }, () => entry('key', data)))).FailedRecordCount).toBe(0);
  });
});

describe('PutRecord', () => {
  it('takes a stream by its ARN', async () => {
    await kinesis.makeStream();

    const answer = await kinesis.client.send(new PutRecordCommand({ StreamARN: ARN, ...entry('a') }));

    expect(answer).toMatchObject({
      ShardId: 'shardId-000000000000',
      SequenceNumber: expect.stringMatching(/^49\d{54}$/),
    });
  });

  it('takes large data too', async () => {
    await kinesis.makeStream();

    await kinesis.client.send(new PutRecordCommand({ StreamName: 'stream', ...entry('a', 'x'.repeat(100_000)) }));

    expect((await everything())[0]).toHaveLength(100_000);
  });

  it('orders behind the number that it is given, and refuses one that was never given out', async () => {
    await kinesis.makeStream();
    const put = (SequenceNumberForOrdering?: string) =>
      kinesis.client.send(new PutRecordCommand({ StreamName: 'stream', ...entry('a'), SequenceNumberForOrdering }));
    const first = await put();

    const second = await put(first.SequenceNumber);

    expect((second.SequenceNumber ?? '') > (first.SequenceNumber ?? '')).toBe(true);
    await expect(put('49123')).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });
});

describe('faults', () => {
  it('reject entries inside the answer, and the rest is kept in order', async () => {
    await kinesis.makeStream();
    const draws = [0.9, 0.1, 0.9, 0.1];
    kinesis.service.faults.set({ partialRate: 0.5 }, () => draws.shift() ?? 1);

    const answer = await kinesis.put(['a', 'b', 'c', 'd'].map((key) => entry(key)));

    expect(answer.FailedRecordCount).toBe(2);
    expect(answer.Records?.map((record) => record.ErrorCode)).toEqual([
      undefined,
      'ProvisionedThroughputExceededException',
      undefined,
      'ProvisionedThroughputExceededException',
    ]);
    expect(answer.Records?.[1]).toEqual({
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: 'Rate exceeded for shard shardId-000000000000 in stream stream under account 000000000000.',
    });
    expect(await everything()).toEqual(['a', 'c']);
  });

  it('that reject entries leave PutRecord alone, which has none', async () => {
    await kinesis.makeStream();
    kinesis.service.faults.set({ partialRate: 1 });

    await kinesis.client.send(new PutRecordCommand({ StreamName: 'stream', ...entry('a') }));

    expect(await everything()).toEqual(['a']);
  });
});

it('throttles a shard that takes more than 1,000 records a second when limits are enforced', async () => {
  await kinesis.stop();
  kinesis = await startKinesis(temporary.folder, { enforceShardLimits: true });
  await kinesis.makeStream();
  const records = Array.from({ length: 500 }, (_, index) => entry(`${index}`));

  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => kinesis.put(records)));

  const failed = answers.flatMap((answer) => answer.Records ?? []).filter((record) => record.ErrorCode !== undefined);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed[0]?.ErrorCode).toBe('ProvisionedThroughputExceededException');
  expect(kinesis.service.figures('stream').records).toBe(3_000 - failed.length);
});

it.each([
  ['an operation that is not supported', 'RegisterStreamConsumer', 'RegisterStreamConsumer'],
  ['an operation that there is none of', 'Nonsense', 'Nonsense'],
])('refuses %s by name', async (_name, operation, named) => {
  expect(await send(operation, '{}')).toMatchObject({
    status: 400,
    code: 'UnknownOperationException',
    message: expect.stringContaining(named),
  });
});

it('says what to do to a client that speaks CBOR', async () => {
  const response = await fetch(kinesis.endpoint, {
    method: 'POST',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=local/20261123/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0',
      'content-type': 'application/x-amz-cbor-1.1',
      'x-amz-target': 'Kinesis_20131202.ListStreams',
    },
    body: Buffer.from([0xa0]),
  });

  expect([response.status, await response.text()]).toEqual([415, expect.stringContaining('AWS_CBOR_DISABLE')]);
});
