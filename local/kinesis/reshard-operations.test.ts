import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import {
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  type ListShardsCommandInput,
  MergeShardsCommand,
  PutRecordsCommand,
  type Shard,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  entry,
  type RunningKinesis,
  startKinesis,
  temporaryFolder,
  texts,
} from '../../test/support/local/running-kinesis.ts';

const HASH_KEY_MAX = '340282366920938463463374607431768211455';
const HALF = '170141183460469231731687303715884105728';
const HOUR_MS = 3_600_000;
const StreamName = 'stream';
const ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/stream';

let temporary: ReturnType<typeof temporaryFolder>;
let kinesis: RunningKinesis;

beforeEach(async () => {
  temporary = temporaryFolder();
  kinesis = await startKinesis(temporary.folder, { warn: () => undefined });
});

afterEach(async () => {
  await kinesis.stop();
  temporary.remove();
});

const id = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;

const split = (index: number, NewStartingHashKey = HALF) =>
  kinesis.client.send(new SplitShardCommand({ StreamName, ShardToSplit: id(index), NewStartingHashKey }));

const merge = (index: number, adjacent: number) =>
  kinesis.client.send(
    new MergeShardsCommand({ StreamName, ShardToMerge: id(index), AdjacentShardToMerge: id(adjacent) }),
  );

const scale = (TargetShardCount: number) =>
  kinesis.client.send(new UpdateShardCountCommand({ StreamName, TargetShardCount, ScalingType: 'UNIFORM_SCALING' }));

async function list(input: Partial<ListShardsCommandInput> = {}): Promise<readonly Shard[]> {
  return (await kinesis.client.send(new ListShardsCommand({ StreamName, ...input }))).Shards ?? [];
}

async function idsOf(input?: Partial<ListShardsCommandInput>): Promise<readonly number[]> {
  return (await list(input)).map(({ ShardId = '' }) => Number(ShardId.slice(-3)));
}

async function summary() {
  const { StreamDescriptionSummary } = await kinesis.client.send(new DescribeStreamSummaryCommand({ StreamName }));
  return StreamDescriptionSummary;
}

/** Into the lowest and the highest hash key. */
async function putAtBothEnds(data: string): Promise<readonly (string | undefined)[]> {
  const { Records } = await kinesis.put([
    { ...entry('low', data), ExplicitHashKey: '0' },
    { ...entry('high', data), ExplicitHashKey: HASH_KEY_MAX },
  ]);
  return (Records ?? []).map(({ ShardId }) => ShardId);
}

describe('a split', () => {
  it('closes the shard and opens two, as DescribeStream, its summary and ListShards tell', async () => {
    await kinesis.makeStream();
    await split(0, '5');

    const shards = await list();
    expect(shards).toEqual([
      {
        ShardId: id(0),
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: HASH_KEY_MAX },
        SequenceNumberRange: {
          StartingSequenceNumber: expect.stringMatching(/^49\d{54}$/),
          EndingSequenceNumber: expect.stringMatching(/^49\d{54}$/),
        },
      },
      {
        ShardId: id(1),
        ParentShardId: id(0),
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: '4' },
        SequenceNumberRange: { StartingSequenceNumber: expect.stringMatching(/^49\d{54}$/) },
      },
      {
        ShardId: id(2),
        ParentShardId: id(0),
        HashKeyRange: { StartingHashKey: '5', EndingHashKey: HASH_KEY_MAX },
        SequenceNumberRange: { StartingSequenceNumber: expect.stringMatching(/^49\d{54}$/) },
      },
    ]);
    const described = await kinesis.client.send(new DescribeStreamCommand({ StreamName }));
    expect(described.StreamDescription?.Shards).toEqual(shards);
    expect(await summary()).toMatchObject({ OpenShardCount: 2, StreamStatus: 'ACTIVE' });
  });

  it('sends records to the children by their hash keys, with sequence numbers above those of the parent', async () => {
    await kinesis.makeStream();
    await putAtBothEnds('before');
    await split(0);

    expect(await putAtBothEnds('after')).toEqual([id(1), id(2)]);

    const [parent, ...children] = await list();
    const ending = parent?.SequenceNumberRange?.EndingSequenceNumber ?? '';
    const last = kinesis.service.tip(ARN, id(0)) ?? '';
    expect(BigInt(ending) > BigInt(last)).toBe(true);
    for (const { SequenceNumberRange } of children)
      expect(BigInt(SequenceNumberRange?.StartingSequenceNumber ?? 0) > BigInt(ending)).toBe(true);
  });

  it('leaves the records of the parent to be read, and tells of the children at the end', async () => {
    await kinesis.makeStream();
    const waiting = await kinesis.iterator({ ShardIteratorType: 'LATEST' });
    await putAtBothEnds('before');
    await split(0);

    const first = await kinesis.get(await kinesis.iterator(), 1);
    expect(texts(first)).toEqual(['before']);
    expect(first.ChildShards).toBeUndefined();
    const last = await kinesis.get(first.NextShardIterator, 1);
    expect(texts(last)).toEqual(['before']);
    expect(last.NextShardIterator).toBeUndefined();
    expect(last.MillisBehindLatest).toBe(0);
    expect(last.ChildShards).toEqual([
      {
        ShardId: id(1),
        ParentShards: [id(0)],
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: (BigInt(HALF) - 1n).toString() },
      },
      {
        ShardId: id(2),
        ParentShards: [id(0)],
        HashKeyRange: { StartingHashKey: HALF, EndingHashKey: HASH_KEY_MAX },
      },
    ]);
    expect(texts(await kinesis.get(waiting))).toEqual(['before', 'before']);
  });

  it('lets a reader begin at its EndingSequenceNumber, where there is nothing', async () => {
    await kinesis.makeStream();
    await putAtBothEnds('before');
    await split(0);
    const [parent] = await list();
    const StartingSequenceNumber = parent?.SequenceNumberRange?.EndingSequenceNumber;

    const iterator = await kinesis.iterator({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber });

    expect(await kinesis.get(iterator)).toMatchObject({ Records: [], ChildShards: [{}, {}] });
  });

  it.each([
    ['at its first hash key but one', '1', 'is not both greater than one plus the shard'],
    ['at its last hash key', HASH_KEY_MAX, 'is not both greater than one plus the shard'],
    ['beyond it', '9'.repeat(39), 'is not both greater than one plus the shard'],
  ])('is refused %s', async (_where, newStartingHashKey, message) => {
    await kinesis.makeStream();

    await expect(split(0, newStartingHashKey)).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining(message),
    });
    expect(await idsOf()).toEqual([0]);
  });

  it('is taken at the third hash key and at the last but one', async () => {
    await kinesis.makeStream();

    await split(0, '2');
    await split(2, (BigInt(HASH_KEY_MAX) - 1n).toString());

    expect(await summary()).toMatchObject({ OpenShardCount: 3 });
  });

  it.each([
    ['a hash key that is no number', () => split(0, 'x'), 'ValidationException'],
    ['a shard that is not there', () => split(1), 'ResourceNotFoundException'],
    [
      'a stream that is not there',
      () =>
        kinesis.client.send(
          new SplitShardCommand({ StreamName: 'other', ShardToSplit: id(0), NewStartingHashKey: HALF }),
        ),
      'ResourceNotFoundException',
    ],
  ])('of %s is refused', async (_what, attempt, name) => {
    await kinesis.makeStream();

    await expect(attempt()).rejects.toMatchObject({ name });
  });

  it('of a shard that is closed is refused', async () => {
    await kinesis.makeStream();
    await split(0);

    await expect(split(0)).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining('has already been merged or split'),
    });
  });

  it('that comes while another is not done is refused, and the stream is UPDATING', async () => {
    await kinesis.makeStream();
    const answers = await Promise.allSettled([split(0), summary(), split(0, '7')]);

    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.name] : []));
    // Whether the second comes in time is up to the network; either way there is one split.
    expect([['ResourceInUseException'], ['InvalidArgumentException']]).toContainEqual(refused);
    expect(await idsOf()).toEqual([0, 1, 2]);
  });

  it('that the disk does not take fails, and changes nothing', async () => {
    await kinesis.makeStream();
    const inTheWay = path.join(temporary.folder, 'stream.stream', 'stream.json.new');
    mkdirSync(inTheWay);

    await expect(split(0)).rejects.toMatchObject({ name: 'InternalFailure' });
    expect(await idsOf()).toEqual([0]);
    expect(await summary()).toMatchObject({ StreamStatus: 'ACTIVE' });
    expect(await putAtBothEnds('x')).toEqual([id(0), id(0)]);

    rmdirSync(inTheWay);
    await split(0);
    expect(await idsOf()).toEqual([0, 1, 2]);
  });
});

describe('a merge', () => {
  it('closes two neighbours and opens one of both', async () => {
    await kinesis.makeStream({ ShardCount: 2 });
    await putAtBothEnds('before');
    await merge(0, 1);

    expect((await list()).at(-1)).toMatchObject({
      ShardId: id(2),
      ParentShardId: id(0),
      AdjacentParentShardId: id(1),
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: HASH_KEY_MAX },
    });
    expect(await putAtBothEnds('after')).toEqual([id(2), id(2)]);
    const iterator = await kinesis.iterator({ ShardId: id(1) });
    expect(await kinesis.get(iterator)).toMatchObject({
      ChildShards: [{ ShardId: id(2), ParentShards: [id(0), id(1)] }],
    });
  });

  it.each([
    ['two that have a shard between them', 0, 2],
    ['two the wrong way round', 1, 0],
    ['one with itself', 0, 0],
  ])('of %s is refused', async (_what, shard, adjacent) => {
    await kinesis.makeStream({ ShardCount: 3 });

    await expect(merge(shard, adjacent)).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining('are not an adjacent pair of shards eligible for merging'),
    });
  });
});

describe('UpdateShardCount', () => {
  it('doubles and halves, and says from how many to how many', async () => {
    await kinesis.makeStream({ ShardCount: 2 });

    expect(await scale(4)).toMatchObject({ StreamName, StreamARN: ARN, CurrentShardCount: 2, TargetShardCount: 4 });
    expect(await idsOf({ ShardFilter: { Type: 'AT_LATEST' } })).toEqual([2, 3, 4, 5]);
    expect(await scale(2)).toMatchObject({ CurrentShardCount: 4, TargetShardCount: 2 });
    expect(await summary()).toMatchObject({ OpenShardCount: 2 });
  });

  it.each([
    ['more than double', 3, 7, 'UpdateShardCount cannot scale up over double your current open shard count'],
    ['less than half', 3, 1, 'UpdateShardCount cannot scale down below half your current open shard count'],
    ['more than a stream may have', 3, 1_001, 'at most 1000'],
  ])('refuses %s', async (_what, from, to, message) => {
    await kinesis.makeStream({ ShardCount: from });

    await expect(scale(to)).rejects.toMatchObject({
      name: 'LimitExceededException',
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['no shard at all', { TargetShardCount: 0, ScalingType: 'UNIFORM_SCALING' as const }],
    ['another way of scaling', { TargetShardCount: 2, ScalingType: 'OTHER' as 'UNIFORM_SCALING' }],
  ])('refuses %s', async (_what, input) => {
    await kinesis.makeStream();

    const attempt = kinesis.client.send(new UpdateShardCountCommand({ StreamName, ...input }));

    await expect(attempt).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

it.each([
  ['SplitShard', () => split(0)],
  ['MergeShards', () => merge(0, 1)],
  ['UpdateShardCount', () => scale(8)],
])('%s is refused for a stream on demand', async (_name, attempt) => {
  await kinesis.makeStream({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } });

  await expect(attempt()).rejects.toMatchObject({ name: 'ValidationException' });
});

describe('retention', () => {
  it('ends a closed shard with its last record: it is in no listing and cannot be read', async () => {
    await kinesis.makeStream();
    await putAtBothEnds('before');
    const iterator = await kinesis.iterator();
    const figures = () => kinesis.service.figures(StreamName);
    const before = figures();
    kinesis.clock.advance(23 * HOUR_MS);
    await split(0);
    kinesis.clock.advance(23 * HOUR_MS);
    expect(await idsOf()).toEqual([0, 1, 2]);

    kinesis.clock.advance(2 * HOUR_MS);

    expect(await idsOf()).toEqual([1, 2]);
    expect((await list())[0]?.ParentShardId).toBe(id(0));
    await expect(kinesis.iterator()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(kinesis.get(iterator)).rejects.toMatchObject({ name: 'ExpiredIteratorException' });
    expect(kinesis.service.read(ARN, id(0), undefined, 10, 10)).toEqual([]);
    expect(figures()).toEqual(before);
    expect(readdirSync(path.join(temporary.folder, 'stream.stream')).sort()).toEqual([id(1), id(2), 'stream.json']);
  });

  it('refuses an iterator of a shard that expires meanwhile', async () => {
    await kinesis.makeStream();
    await split(0);
    kinesis.clock.advance(24 * HOUR_MS - 1_000);
    const iterator = await kinesis.iterator();
    kinesis.clock.advance(2_000);

    await expect(kinesis.get(iterator)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('filters by what was open when', async () => {
    await kinesis.makeStream();
    const madeAt = new Date(kinesis.clock.now());
    kinesis.clock.advance(HOUR_MS);
    await split(0);
    kinesis.clock.advance(HOUR_MS);

    expect(await idsOf({ ShardFilter: { Type: 'AT_TRIM_HORIZON' } })).toEqual([0]);
    expect(await idsOf({ ShardFilter: { Type: 'AT_LATEST' } })).toEqual([1, 2]);
    expect(await idsOf({ ShardFilter: { Type: 'AT_TIMESTAMP', Timestamp: madeAt } })).toEqual([0]);
    expect(await idsOf({ ShardFilter: { Type: 'FROM_TIMESTAMP', Timestamp: madeAt } })).toEqual([0, 1, 2]);
    expect(
      await idsOf({ ShardFilter: { Type: 'FROM_TIMESTAMP', Timestamp: new Date(kinesis.clock.now() - 1_000) } }),
    ).toEqual([1, 2]);
  });
});

describe('a restart', () => {
  async function restart(): Promise<void> {
    await kinesis.stop();
    kinesis = await startKinesis(temporary.folder, { warn: () => undefined });
    await kinesis.makeStream();
  }

  it('keeps the lineage, the records of closed shards, and their end', async () => {
    await kinesis.makeStream();
    await putAtBothEnds('before');
    await split(0);
    await putAtBothEnds('between');
    const before = await list();

    await restart();

    expect(await list()).toEqual(before);
    expect(await putAtBothEnds('after')).toEqual([id(1), id(2)]);
    const closed = await kinesis.get(await kinesis.iterator());
    expect(texts(closed)).toEqual(['before', 'before']);
    expect(closed.NextShardIterator).toBeUndefined();
    await merge(1, 2);
    expect(await idsOf()).toEqual([0, 1, 2, 3]);
  });

  it('keeps what was counted in shards that have expired, and the ids go on', async () => {
    await kinesis.makeStream();
    await putAtBothEnds('x');
    await split(0);
    kinesis.clock.advance(25 * HOUR_MS);
    expect(await idsOf()).toEqual([1, 2]);

    await restart();

    expect(kinesis.service.figures(StreamName)).toEqual({ records: 2, bytes: 2 });
    await merge(1, 2);
    expect(await idsOf()).toEqual([1, 2, 3]);
  });

  it('clears away a folder of an expired shard that a killed process left', async () => {
    await kinesis.makeStream();
    await split(0);
    kinesis.clock.advance(25 * HOUR_MS);
    expect(await idsOf()).toEqual([1, 2]);
    const left = path.join(temporary.folder, 'stream.stream', id(0));
    mkdirSync(left);

    await restart();

    expect(readdirSync(path.dirname(left))).not.toContain(id(0));
  });
});

it('after a kill in the midst of reshards there is a whole stream that has all that was answered', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', RESHARD_FOR_EVER, temporary.folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: path.join(import.meta.dirname, '../..'),
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > 60) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const answered = output.split('\n').slice(0, -1);
  await kinesis.makeStream();

  const shards = kinesis.service.shards(ARN);
  const kept = new Set(
    shards
      .flatMap(({ shardId }) => kinesis.service.read(ARN, shardId, undefined, 1e6, 1e9))
      .map((one) => one.sequenceNumber),
  );
  expect(answered.filter((sequenceNumber) => !kept.has(sequenceNumber))).toEqual([]);
  expect(shards.length).toBeGreaterThan(3);
  const open = (await list({ ShardFilter: { Type: 'AT_LATEST' } }))
    .map(({ HashKeyRange }) => [BigInt(HashKeyRange?.StartingHashKey ?? 0), BigInt(HashKeyRange?.EndingHashKey ?? 0)])
    .sort(([one = 0n], [other = 0n]) => (one < other ? -1 : 1));
  expect(open.map(([from]) => from)).toEqual([0n, ...open.slice(0, -1).map(([, to = 0n]) => to + 1n)]);
  expect(open.at(-1)?.[1]?.toString()).toBe(HASH_KEY_MAX);
});

/** Puts records while the stream is scaled up and down, and prints the sequence number of each that was answered. */
const RESHARD_FOR_EVER = `
  import { UpdateShardCountCommand } from '@aws-sdk/client-kinesis';
  import { startKinesis, entry } from './test/support/local/running-kinesis.ts';
  const kinesis = await startKinesis(process.argv[1]);
  await kinesis.makeStream();
  const put = async (call) => {
    for (;;) {
      const answer = await kinesis.put([entry(String(call)), entry('large' + call, 'x'.repeat(call * 20_000))]);
      for (const record of answer.Records) process.stdout.write(record.SequenceNumber + '\\n');
    }
  };
  const scale = async () => {
    for (let count = 2; ; count = 3 - count) {
      await kinesis.client.send(
        new UpdateShardCountCommand({ StreamName: 'stream', TargetShardCount: count, ScalingType: 'UNIFORM_SCALING' }),
      );
    }
  };
  for (let call = 0; call < 4; call++) void put(call);
  void scale();
`;

it('keeps the order of each key from parents to children while shards are split and merged under the puts', async () => {
  await kinesis.makeStream({ ShardCount: 2 });
  const sent = new Map<string, string[]>();
  let isResharding = true;
  const produce = async (key: string): Promise<void> => {
    const ofKey: string[] = [];
    sent.set(key, ofKey);
    for (let count = 0; isResharding; count++) {
      const data = `${count} ${'x'.repeat((count % 3) * 20_000)}`;
      const put = new PutRecordsCommand({ StreamName, Records: [entry(key, data)] });
      expect((await kinesis.client.send(put)).FailedRecordCount).toBe(0);
      ofKey.push(data);
    }
  };
  const producing = ['a', 'b', 'c', 'd', 'e'].map(produce);
  for (const count of [4, 3, 5, 3, 2, 1, 2]) await scale(count);
  isResharding = false;
  await Promise.all(producing);

  // In the order of their ids, shards come after their parents.
  const read = kinesis.service
    .shards(ARN)
    .flatMap(({ shardId }) => kinesis.service.read(ARN, shardId, undefined, 1e6, 1e9));
  for (const [key, ofKey] of sent) {
    expect(read.filter(({ partitionKey }) => partitionKey === key).map(({ data }) => data.toString())).toEqual(ofKey);
  }
});

it('gives no iterator of a shard that there never was', async () => {
  await kinesis.makeStream();
  const command = new GetShardIteratorCommand({ StreamName, ShardId: id(9), ShardIteratorType: 'LATEST' });

  await expect(kinesis.client.send(command)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
