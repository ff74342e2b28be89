import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { checkEntry } from './put-entry.ts';
import { RecordCache } from './record-cache.ts';
import { encodeFrames, type Frames } from './record-frame.ts';
import { mergeShards, splitShard } from './reshard.ts';
import type { Shard } from './shard.ts';
import { type Reshard, Stream } from './stream.ts';

const IDS = ['shardId-000000000000', 'shardId-000000000001', 'shardId-000000000002'] as const;
const LIMITS = { recordsMax: 100, bytesMax: 1e9 };

let folder: string;
let clock: Clock;
let stream: Stream;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'stream-'));
  clock = createClock();
  const definition = {
    name: 'stream',
    arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/stream',
    mode: 'PROVISIONED' as const,
    shardCount: 1,
    retentionHours: 24,
    recordBytesMax: 1024 * 1024,
  };
  const options = { cache: new RecordCache(1e6), segmentBytesMax: 1e6, warn: () => undefined };
  stream = new Stream({ folder, definition, clock, ...options });
});

afterEach(async () => {
  await stream.close();
  clock.stop();
  rmSync(folder, { recursive: true });
});

/** Large enough to be written while other things happen. */
function large(): Frames {
  const Data = Buffer.alloc(600_000).toString('base64');
  return encodeFrames([checkEntry({ Data, PartitionKey: 'k' }, '', 1024 * 1024)], clock.now());
}

const first = (shards: readonly Shard[]): Shard => shards[0] ?? fail();
const halve: Reshard = (shards, nowMs) => splitShard(shards, first(shards), 2n ** 127n, nowMs);

describe('a reshard', () => {
  it('sends what is put next to the children at once, and ends the parent after what was under way to it', async () => {
    const heard: string[] = [];
    stream.onRecords((shardId) => {
      const { isEnded } = stream.find(IDS[0]) ?? {};
      heard.push(`${shardId.at(-1)}: ${stream.read(IDS[0], 0, LIMITS).length} records, ended ${isEnded}`);
    });
    const appends = [stream.append(IDS[0], large()), stream.append(IDS[0], large())];

    const resharded = stream.reshard(halve);

    expect(stream.status).toBe('UPDATING');
    expect(stream.find(IDS[0])?.isEnded).toBe(false);
    expect(stream.route('0'.repeat(32))).toBe(IDS[1]);
    expect(stream.route('f'.repeat(32))).toBe(IDS[2]);
    await resharded;
    await Promise.all(appends);
    expect(stream.status).toBe('ACTIVE');
    expect(heard).toEqual([
      '0: 1 records, ended false',
      '0: 2 records, ended false',
      '0: 2 records, ended true',
      '1: 2 records, ended true',
      '2: 2 records, ended true',
    ]);
  });

  it('waits for writes that fail too', async () => {
    await stream.close();
    const append = stream.append(IDS[0], large());
    const failed = expect(append).rejects.toThrow();

    await stream.reshard(halve);

    await failed;
    expect(stream.find(IDS[0])?.isEnded).toBe(true);
  });

  it('takes nothing more into a closed shard', async () => {
    await stream.reshard(halve);

    await expect(stream.append(IDS[0], large())).rejects.toThrow('closed');
  });

  it('is one at a time', async () => {
    const resharded = stream.reshard(halve);
    await expect(stream.reshard(halve)).rejects.toThrow('being resharded');
    await resharded;
    const [, lower, upper] = stream.shards;
    if (!lower || !upper) throw new Error('There are no children.');

    await stream.reshard((shards, nowMs) => mergeShards(shards, lower, upper, nowMs));

    expect(stream.openShards).toHaveLength(1);
  });
});

function fail(): never {
  throw new Error('There is no shard.');
}
