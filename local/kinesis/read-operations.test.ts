import {
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  ListShardsCommand,
  ListStreamsCommand,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  entry,
  type RunningKinesis,
  startKinesis,
  temporaryFolder,
  texts,
} from '../../test/support/local/running-kinesis.ts';

const HOUR_MS = 3_600_000;
const FIVE_MINUTES_MS = 300_000;

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

const putTexts = async (...keys: string[]): Promise<string[]> => {
  const answer = await kinesis.put(keys.map((key) => entry('key', key)));
  return answer.Records?.map((record) => record.SequenceNumber ?? '') ?? [];
};

const from = async (input: Parameters<RunningKinesis['iterator']>[0]): Promise<string[]> =>
  texts(await kinesis.get(await kinesis.iterator(input)));

describe('a shard iterator', () => {
  it('begins at the trim horizon, or behind the newest record', async () => {
    await kinesis.makeStream();
    await putTexts('a');
    const horizon = await kinesis.iterator({ ShardIteratorType: 'TRIM_HORIZON' });
    const latest = await kinesis.iterator({ ShardIteratorType: 'LATEST' });
    await putTexts('b');

    expect(texts(await kinesis.get(horizon))).toEqual(['a', 'b']);
    expect(texts(await kinesis.get(latest))).toEqual(['b']);
  });

  it('begins at a sequence number, behind it, or at the first of the shard', async () => {
    await kinesis.makeStream();
    const [, b] = await putTexts('a', 'b', 'c');
    const shards = await kinesis.client.send(new ListShardsCommand({ StreamName: 'stream' }));
    const starting = shards.Shards?.[0]?.SequenceNumberRange?.StartingSequenceNumber;

    expect(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: b })).toEqual(['b', 'c']);
    expect(await from({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: b })).toEqual(['c']);
    expect(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: starting })).toHaveLength(3);
    expect(await from({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: starting })).toHaveLength(
      3,
    );
  });

  it('begins at a time', async () => {
    await kinesis.makeStream();
    await putTexts('early');
    kinesis.clock.advance(60_000);
    const Timestamp = new Date(kinesis.clock.now() - 1_000);
    await putTexts('late');

    expect(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp })).toEqual(['late']);
    expect(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(0) })).toEqual(['early', 'late']);
  });

  it.each([
    ['a sequence number that is missing', { ShardIteratorType: 'AT_SEQUENCE_NUMBER' }, 'InvalidArgumentException'],
    [
      'a sequence number of another stream',
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: '4912' },
      'InvalidArgumentException',
    ],
    ['a time that is missing', { ShardIteratorType: 'AT_TIMESTAMP' }, 'InvalidArgumentException'],
    [
      'a time to come',
      { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(Date.now() + 1e6) },
      'InvalidArgumentException',
    ],
    ['a shard that is not there', { ShardId: 'shardId-000000000009' }, 'ResourceNotFoundException'],
  ] as const)('refuses %s', async (_name, input, name) => {
    await kinesis.makeStream();

    await expect(kinesis.iterator(input)).rejects.toMatchObject({ name });
  });

  it('expires after five minutes of the clock', async () => {
    await kinesis.makeStream();
    const iterator = await kinesis.iterator();

    kinesis.clock.advance(FIVE_MINUTES_MS - 5_000);
    const { NextShardIterator } = await kinesis.get(iterator);
    kinesis.clock.advance(5_001);

    await expect(kinesis.get(iterator)).rejects.toMatchObject({ name: 'ExpiredIteratorException' });
    expect((await kinesis.get(NextShardIterator)).Records).toEqual([]);
  });

  it('survives a restart', async () => {
    await kinesis.makeStream();
    await putTexts('a', 'b');
    const { NextShardIterator } = await kinesis.get(await kinesis.iterator(), 1);
    await kinesis.stop();
    kinesis = await startKinesis(temporary.folder);
    await kinesis.makeStream();

    expect(texts(await kinesis.get(NextShardIterator))).toEqual(['b']);
  });

  it('is not taken when it was tampered with', async () => {
    await kinesis.makeStream();
    const iterator = await kinesis.iterator();
    const bytes = Buffer.from(iterator, 'base64');
    bytes[bytes.length - 2] = 0x37;

    for (const bad of ['x', 'AAAAAAAA', bytes.toString('base64')])
      await expect(kinesis.get(bad)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });
});

describe('GetRecords', () => {
  it('pages by its limit, and tells how far behind the answer is', async () => {
    await kinesis.makeStream();
    await putTexts('a', 'b', 'c');
    kinesis.clock.advance(5_000);

    const first = await kinesis.get(await kinesis.iterator(), 2);
    const second = await kinesis.get(first.NextShardIterator, 2);
    const third = await kinesis.get(second.NextShardIterator);

    expect([first, second, third].map(texts)).toEqual([['a', 'b'], ['c'], []]);
    expect(first.MillisBehindLatest).toBeGreaterThanOrEqual(5_000);
    expect([second.MillisBehindLatest, third.MillisBehindLatest]).toEqual([0, 0]);
    expect(third.NextShardIterator).toBeTruthy();
  });

  it('gives the arrival by the clock, to the millisecond', async () => {
    await kinesis.makeStream();
    kinesis.clock.advance(HOUR_MS);
    await putTexts('a');

    const arrival = (await kinesis.get(await kinesis.iterator())).Records?.[0]?.ApproximateArrivalTimestamp?.getTime();

    expect(Math.abs((arrival ?? 0) - kinesis.clock.now())).toBeLessThan(5_000);
  });

  it('no longer gives what the retention period is over for, and tells an old iterator nothing of it', async () => {
    await kinesis.makeStream({ ShardCount: 1, RetentionPeriodHours: 48 });
    const [first] = await putTexts('old');
    kinesis.clock.advance(47 * HOUR_MS);
    await putTexts('new');
    expect(await from({})).toEqual(['old', 'new']);

    kinesis.clock.advance(HOUR_MS + 60_000);

    expect(await from({})).toEqual(['new']);
    expect(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: first })).toEqual(['new']);
    expect(kinesis.service.figures('stream')).toEqual({ records: 2, bytes: 6 });
  });

  it('is throttled after five reads a second when limits are enforced', async () => {
    await kinesis.stop();
    kinesis = await startKinesis(temporary.folder, { enforceShardLimits: true });
    await kinesis.makeStream();
    const iterator = await kinesis.iterator();

    const reads = await Promise.allSettled(Array.from({ length: 12 }, () => kinesis.get(iterator)));

    const refused = reads.filter((read) => read.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.reason).toMatchObject({ name: 'ProvisionedThroughputExceededException' });
  });
});

describe('ListShards', () => {
  it('gives each shard once over its pages', async () => {
    await kinesis.makeStream({ ShardCount: 5 });
    const shards: Shard[] = [];
    let page = await kinesis.client.send(new ListShardsCommand({ StreamName: 'stream', MaxResults: 2 }));
    shards.push(...(page.Shards ?? []));
    while (page.NextToken) {
      page = await kinesis.client.send(new ListShardsCommand({ NextToken: page.NextToken, MaxResults: 2 }));
      shards.push(...(page.Shards ?? []));
    }

    expect(shards.map((shard) => shard.ShardId)).toEqual([0, 1, 2, 3, 4].map((index) => `shardId-00000000000${index}`));
    expect(shards[0]).toEqual({
      ShardId: 'shardId-000000000000',
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: '68056473384187692692674921486353642290' },
      SequenceNumberRange: { StartingSequenceNumber: expect.stringMatching(/^49\d{54}$/) },
    });
  });

  it('begins behind a shard, and keeps to a filter', async () => {
    await kinesis.makeStream({ ShardCount: 3 });
    const list = async (input: object): Promise<number | undefined> =>
      (await kinesis.client.send(new ListShardsCommand({ StreamName: 'stream', ...input }))).Shards?.length;

    expect(await list({ ExclusiveStartShardId: 'shardId-000000000000' })).toBe(2);
    expect(await list({ ShardFilter: { Type: 'AT_LATEST' } })).toBe(3);
    expect(await list({ ShardFilter: { Type: 'AFTER_SHARD_ID', ShardId: 'shardId-000000000001' } })).toBe(1);
    await expect(list({ ShardFilter: { Type: 'AFTER_SHARD_ID' } })).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });

  it('refuses a token with a stream, one of its own making, and one older than five minutes', async () => {
    await kinesis.makeStream({ ShardCount: 2 });
    const { NextToken } = await kinesis.client.send(new ListShardsCommand({ StreamName: 'stream', MaxResults: 1 }));
    const list = (input: object) => kinesis.client.send(new ListShardsCommand(input));

    await expect(list({ StreamName: 'stream', NextToken })).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    await expect(list({ NextToken: 'x' })).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    kinesis.clock.advance(FIVE_MINUTES_MS + 1);
    await expect(list({ NextToken })).rejects.toMatchObject({ name: 'ExpiredNextTokenException' });
  });
});

it('describes a stream in full and in short', async () => {
  await kinesis.makeStream({ ShardCount: 3, RetentionPeriodHours: 96, MaxRecordSizeInKiB: 2048 });
  const common = {
    StreamName: 'stream',
    StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/stream',
    StreamStatus: 'ACTIVE',
    StreamModeDetails: { StreamMode: 'PROVISIONED' },
    RetentionPeriodHours: 96,
    EncryptionType: 'NONE',
    StreamCreationTimestamp: expect.any(Date),
  };

  const full = await kinesis.client.send(new DescribeStreamCommand({ StreamName: 'stream', Limit: 2 }));
  const short = await kinesis.client.send(new DescribeStreamSummaryCommand({ StreamName: 'stream' }));

  expect(full.StreamDescription).toMatchObject({ ...common, HasMoreShards: true });
  expect(full.StreamDescription?.Shards).toHaveLength(2);
  expect(short.StreamDescriptionSummary).toMatchObject({ ...common, OpenShardCount: 3, MaxRecordSizeInKiB: 2048 });
});

it('lists streams in pages', async () => {
  for (const name of ['c', 'a', 'b']) await kinesis.makeStream({ ShardCount: 1 }, name);

  const first = await kinesis.client.send(new ListStreamsCommand({ Limit: 2 }));
  const second = await kinesis.client.send(new ListStreamsCommand({ NextToken: first.NextToken }));
  const byName = await kinesis.client.send(new ListStreamsCommand({ ExclusiveStartStreamName: 'a' }));

  expect([first.StreamNames, first.HasMoreStreams]).toEqual([['a', 'b'], true]);
  expect([second.StreamNames, second.HasMoreStreams, second.NextToken]).toEqual([['c'], false, undefined]);
  expect(byName.StreamSummaries?.map((stream) => stream.StreamName)).toEqual(['b', 'c']);
});
