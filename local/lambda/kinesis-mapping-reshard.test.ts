import { mkdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { entry, type RunningKinesis, startKinesis, temporaryFolder } from '../../test/support/local/running-kinesis.ts';
import type { StreamReader, StreamShard } from '../ports.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import type { InvocationOutcome } from './function-pool.ts';
import type { KinesisEventRecord } from './kinesis-event.ts';
import { createKinesisMapping, type KinesisMapping } from './kinesis-mapping.ts';
import type { KinesisMappingDefinition } from './mapping-definition.ts';

const StreamName = 'stream';
const STREAM_ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/stream';
const HALF = (2n ** 127n).toString();
const HASH_KEY_MAX = (2n ** 128n - 1n).toString();
const HOUR_MS = 3_600_000;

/** What the function says to data of one shard, given by its index. */
type Handler = (data: readonly string[], shardIndex: number) => boolean | Promise<boolean>;

let temporary: ReturnType<typeof temporaryFolder>;
let kinesis: RunningKinesis;
let opened: KinesisMapping[];
/** Records that the function succeeded with, as `<shard>:<data>`. */
let seen: string[];

beforeEach(async () => {
  temporary = temporaryFolder();
  kinesis = await startKinesis(temporary.folder, { warn: () => undefined });
  opened = [];
  seen = [];
});

afterEach(async () => {
  for (const mapping of opened) await mapping.stop();
  await kinesis.stop();
  temporary.remove();
});

const id = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;
const outcome = { requestId: 'r', log: '' };
const checkpoints = (): CheckpointStore => new CheckpointStore(temporary.folder, 'mapping', STREAM_ARN);

function open(
  handler: Handler = () => true,
  overrides: Partial<KinesisMappingDefinition> = {},
  streams: StreamReader = kinesis.service,
): KinesisMapping {
  const invoke = async (event: object): Promise<InvocationOutcome> => {
    const { Records } = event as { readonly Records: readonly KinesisEventRecord[] };
    const data = Records.map((record) => Buffer.from(record.kinesis.data, 'base64').toString());
    const shardIndex = Number(Records[0]?.eventID.split(':')[0]?.slice(-3));
    if (!(await handler(data, shardIndex)))
      return { ...outcome, kind: 'failed', functionError: 'Unhandled', payload: '' };
    seen.push(...data.map((text) => `${shardIndex}:${text}`));
    return { ...outcome, kind: 'returned', payload: 'null' };
  };
  const refuse = async (): Promise<never> => {
    throw new Error('Nothing is to be discarded.');
  };
  const mapping = createKinesisMapping({
    definition: {
      source: 'kinesis',
      id: 'mapping',
      arn: '',
      functionName: 'subject',
      eventSourceArn: STREAM_ARN,
      enabled: true,
      startingPosition: 'TRIM_HORIZON',
      startingTimestampMs: 0,
      onFailureArn: undefined,
      settings: {
        batchSize: 10,
        batchingWindowMs: 0,
        retriesMax: -1,
        recordAgeMsMax: -1,
        bisects: false,
        reportsItemFailures: false,
      },
      ...overrides,
    },
    streams,
    invoke,
    destinations: {
      objects: { put: refuse, get: refuse, fileOf: () => undefined, keys: () => [] },
      queues: { send: refuse, receive: refuse, delete: refuse, release: refuse, depth: refuse },
    },
    checkpoints: checkpoints(),
    clock: kinesis.clock,
    region: 'us-east-1',
    functionArn: '',
    roleArn: '',
    warn: () => undefined,
  });
  opened.push(mapping);
  mapping.start();
  return mapping;
}

async function settled(mapping: KinesisMapping): Promise<void> {
  do await sleep(5);
  while (!mapping.idle());
}

/** To the lowest hash key, or to the highest. */
async function put(data: string, ExplicitHashKey = '0'): Promise<void> {
  const Data = Buffer.from(data);
  await kinesis.client.send(new PutRecordCommand({ StreamName, PartitionKey: 'k', Data, ExplicitHashKey }));
}

const split = (index: number, NewStartingHashKey = HALF) =>
  kinesis.client.send(new SplitShardCommand({ StreamName, ShardToSplit: id(index), NewStartingHashKey }));

const merge = (index: number, adjacent: number) =>
  kinesis.client.send(
    new MergeShardsCommand({ StreamName, ShardToMerge: id(index), AdjacentShardToMerge: id(adjacent) }),
  );

describe('over a split', () => {
  it('reads the children, which are found while it runs, once the parent is drained', async () => {
    await kinesis.makeStream();
    let isBlocked = true;
    const mapping = open((_data, shardIndex) => shardIndex !== 0 || !isBlocked);
    await put('1');
    await split(0);
    await put('2');
    await put('3', HASH_KEY_MAX);
    await settled(mapping);
    expect(seen).toEqual([]);

    isBlocked = false;
    kinesis.clock.advance(60_000);
    await settled(mapping);

    expect(seen.toSorted()).toEqual(['0:1', '1:2', '2:3']);
    expect(seen[0]).toBe('0:1');
  });

  it('is not idle between the last record of the parent and the first of a child', async () => {
    await kinesis.makeStream();
    let release: () => void = () => undefined;
    const mapping = open(
      (_data, shardIndex) =>
        shardIndex > 0 ||
        new Promise((resolve) => {
          release = () => resolve(true);
        }),
    );
    await put('1');
    await split(0);
    await put('2');
    await sleep(20);
    const looks: boolean[] = [];

    release();
    while (seen.length < 2) {
      looks.push(mapping.idle());
      await new Promise(setImmediate);
    }

    expect(looks).not.toContain(true);
  });

  it('tells of children that wait, and of no shard that is drained', async () => {
    await kinesis.makeStream();
    let isBlocked = true;
    const mapping = open(() => !isBlocked);
    await put('1');
    await split(0);
    await put('2');
    await settled(mapping);
    kinesis.clock.advance(20);

    expect(mapping.lag()).toEqual([
      { shardId: id(0), behindRecords: 1, millisBehind: expect.any(Number) },
      { shardId: id(1), behindRecords: undefined, millisBehind: expect.any(Number) },
      { shardId: id(2), behindRecords: 0, millisBehind: 0 },
    ]);
    expect(mapping.lag()[1]?.millisBehind).toBeGreaterThanOrEqual(20);

    isBlocked = false;
    kinesis.clock.advance(60_000);
    await settled(mapping);
    expect(mapping.lag()).toEqual([
      { shardId: id(1), behindRecords: 0, millisBehind: 0 },
      { shardId: id(2), behindRecords: 0, millisBehind: 0 },
    ]);
  });

  it('waits for a parent that has not ended although a child has got records', async () => {
    const stream = new SplittingStream();
    const mapping = open(() => true, {}, stream);
    await settled(mapping);
    stream.split();
    stream.put(id(1), '2');
    await settled(mapping);
    expect(seen).toEqual([]);

    stream.put(id(0), '1');
    stream.end();
    await settled(mapping);

    expect(seen).toEqual(['0:1', '1:2']);
  });
});

describe('over a merge', () => {
  it('reads the child once both parents are drained', async () => {
    await kinesis.makeStream({ ShardCount: 2 });
    let blocked = 1;
    const mapping = open((_data, shardIndex) => shardIndex !== blocked);
    await put('1');
    await put('2', HASH_KEY_MAX);
    await merge(0, 1);
    await put('3');
    await settled(mapping);
    expect(seen).toEqual(['0:1']);

    blocked = -1;
    kinesis.clock.advance(60_000);
    await settled(mapping);

    expect(seen).toEqual(['0:1', '1:2', '2:3']);
  });
});

describe('a mapping that begins on a stream that was resharded', () => {
  beforeEach(async () => {
    await kinesis.makeStream();
    await put('1');
    await split(0);
    await put('2');
    await merge(1, 2);
    await put('3');
  });

  it('with TRIM_HORIZON reads the closed parents first', async () => {
    await settled(open());

    expect(seen).toEqual(['0:1', '1:2', '3:3']);
  });

  it('with LATEST reads what comes now, also in children that come later', async () => {
    const mapping = open(undefined, { startingPosition: 'LATEST' });
    await settled(mapping);
    await put('4');
    await split(3);
    await put('5');
    await settled(mapping);

    expect(seen).toEqual(['3:4', '4:5']);
  });

  it('with LATEST leaves nothing out that comes while it is stopped, not even in a child of that time', async () => {
    await open(undefined, { startingPosition: 'LATEST' }).stop();
    await put('4');
    await split(3);
    await put('5');

    await settled(open(undefined, { startingPosition: 'LATEST' }));

    expect(seen).toEqual(['3:4', '4:5']);
  });

  it('with AT_TIMESTAMP passes over what came earlier, in whichever shard', async () => {
    kinesis.clock.advance(HOUR_MS);
    const startingTimestampMs = kinesis.clock.now();
    await put('4');
    await split(3);
    await put('5');

    await settled(open(undefined, { startingPosition: 'AT_TIMESTAMP', startingTimestampMs }));

    expect(seen).toEqual(['3:4', '4:5']);
  });
});

describe('checkpoints', () => {
  it('let a restart in mid-reshard go on where it was: no record twice, none left out', async () => {
    await kinesis.makeStream();
    const first = open((_data, shardIndex) => shardIndex !== 1);
    await put('1');
    await split(0);
    await put('2');
    await put('3', HASH_KEY_MAX);
    await settled(first);
    await first.stop();
    await merge(1, 2);
    await put('4');

    await settled(open());

    expect(seen).toEqual(['0:1', '2:3', '1:2', '3:4']);
  });

  it('that the disk does not take hold up the children: a restart must not bring the parent after them', async () => {
    await kinesis.makeStream();
    const mapping = open();
    const inTheWay = path.join(temporary.folder, 'checkpoints-mapping.json.new');
    mkdirSync(inTheWay);
    await put('1');
    await split(0);
    await put('2');
    await settled(mapping);
    expect(seen).toEqual(['0:1']);

    rmdirSync(inTheWay);
    kinesis.clock.advance(1_000);
    await settled(mapping);

    expect(seen).toEqual(['0:1', '1:2']);
  });

  it.each(['LATEST', 'TRIM_HORIZON'] as const)(
    'of drained shards are dropped once these have expired, and %s goes on all the same',
    async (startingPosition) => {
      await kinesis.makeStream();
      const first = open(undefined, { startingPosition });
      await put('1');
      await split(0);
      await settled(first);
      expect(checkpoints().get(id(0))).toMatch(/^49/);

      kinesis.clock.advance(26 * HOUR_MS);

      expect(checkpoints().get(id(0))).toBeUndefined();
      await first.stop();
      await put('2');
      await settled(open(undefined, { startingPosition }));
      expect(seen).toEqual(['0:1', '1:2']);
    },
  );

  it('of a shard that expired with a batch in work are kept until it is done, and its children wait', async () => {
    await kinesis.makeStream();
    let isBlocked = true;
    const mapping = open((_data, shardIndex) => shardIndex !== 0 || !isBlocked);
    await put('1');
    await split(0);
    await settled(mapping);
    kinesis.clock.advance(26 * HOUR_MS);
    await put('2');
    await settled(mapping);
    expect(kinesis.service.shards(STREAM_ARN).map(({ shardId }) => shardId)).toEqual([id(1), id(2)]);
    expect(seen).toEqual([]);

    isBlocked = false;
    kinesis.clock.advance(60_000);
    await settled(mapping);

    expect(seen).toEqual(['0:1', '1:2']);
    kinesis.clock.advance(HOUR_MS);
    expect(checkpoints().get(id(0))).toBeUndefined();
  });
});

it('keeps the order of each key, with nothing lost and nothing twice, while the stream is scaled under the puts', async () => {
  await kinesis.makeStream({ ShardCount: 2 });
  const keys = ['a', 'b', 'c', 'd', 'e'];
  let batches = 0;
  // Some batches fail and are tried again, on the clock that is driven below.
  const mapping = open(() => ++batches % 4 !== 0);
  let isResharding = true;
  const sent = new Map<string, string[]>(keys.map((key) => [key, []]));
  const producing = keys.map(async (key) => {
    for (let count = 0; isResharding; count++) {
      expect((await kinesis.put([entry(key, `${key}${count}`)])).FailedRecordCount).toBe(0);
      sent.get(key)?.push(`${key}${count}`);
    }
  });
  for (const TargetShardCount of [4, 3, 6, 3, 2, 1, 2]) {
    const ScalingType = 'UNIFORM_SCALING';
    await kinesis.client.send(new UpdateShardCountCommand({ StreamName, TargetShardCount, ScalingType }));
    await sleep(10);
    kinesis.clock.advance(1_000);
  }
  isResharding = false;
  await Promise.all(producing);
  const total = [...sent.values()].flat().length;
  for (let step = 0; seen.length < total && step < 200; step++) {
    await settled(mapping);
    kinesis.clock.advance(1_000);
  }
  await settled(mapping);

  const data = seen.map((each) => each.split(':')[1] ?? '');
  for (const key of keys) expect(data.filter((each) => each.startsWith(key))).toEqual(sent.get(key));
  expect(data).toHaveLength(total);
  expect(mapping.lag().map(({ behindRecords }) => behindRecords)).toEqual([0, 0]);
});

/** A stream whose reshard takes as long as a test wants it to. */
class SplittingStream implements StreamReader {
  #shards: StreamShard[] = [{ shardId: id(0), parents: [], isEnded: false }];
  readonly #records: { readonly shardId: string; readonly sequenceNumber: string; readonly data: string }[] = [];
  #listener: (shardId: string) => void = () => undefined;

  put(shardId: string, data: string): void {
    this.#records.push({ shardId, sequenceNumber: String(this.#records.length + 1), data });
    this.#listener(shardId);
  }

  /** The children are there, and the parent has not ended. Nobody is told yet. */
  split(): void {
    for (const index of [1, 2]) this.#shards.push({ shardId: id(index), parents: [id(0)], isEnded: false });
  }

  end(): void {
    this.#shards = this.#shards.map((shard) => ({ ...shard, isEnded: shard.parents.length === 0 }));
    for (const { shardId } of this.#shards) this.#listener(shardId);
  }

  shards(): readonly StreamShard[] {
    return this.#shards;
  }

  read(_arn: string, shardId: string, after = '0') {
    return this.#records
      .filter((record) => record.shardId === shardId && record.sequenceNumber > after)
      .map(({ sequenceNumber, data }) => ({
        sequenceNumber,
        partitionKey: 'k',
        data: Buffer.from(data),
        arrivedAtMs: Date.now(),
      }));
  }

  tip(_arn: string, shardId: string): string | undefined {
    return this.#records.findLast((record) => record.shardId === shardId)?.sequenceNumber;
  }

  onRecords(_arn: string, listener: (shardId: string) => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }
}
