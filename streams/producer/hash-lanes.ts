/**
 * Cuts the hash key space into lanes: slices whose records the producer keeps in order, and whose keys may share an
 * aggregate.
 *
 * Kinesis routes a record by the MD5 of its partition key, an unsigned 128-bit integer, big-endian, which lies in the
 * range of one shard. A lane never crosses a shard's bounds, so a consumer that drops what does not belong to its shard
 * (fan-out, KCL) drops nothing of an aggregate. Hash keys are compared as 32 hex digits: text order is numeric order.
 */
import { hash } from 'node:crypto';
import type { ShardRange } from './put-records-port.ts';

/** Keys whose lane is remembered; past it the memory starts afresh. One MD5 takes 0.5 µs, a look-up 0.03. */
const KEYS_REMEMBERED_MAX = 10_000;

const HASH_KEY_COUNT = 1n << 128n;
const HEX_DIGITS = 32;

/** A slice of the hash key space. */
export interface HashSlice {
  /** Its first hash key, decimal: routes to its shard whatever the partition key. */
  readonly explicitHashKey: string;
  /** The shard it lies in; `undefined` where no shard is known. */
  readonly shardId: string | undefined;
}

export interface HashLanes {
  readonly slices: readonly HashSlice[];
  /** The lane of a partition key, an index in `slices`. */
  laneOf(partitionKey: string): number;
}

/** The hash key of a partition key, as 32 hex digits. */
export function hashKeyOf(partitionKey: string): string {
  return hash('md5', partitionKey, 'hex');
}

/** Lanes within shards: each shard's range cut into `lanesPerShard` slices of one size. */
export function lanesOfShards(shards: readonly ShardRange[], lanesPerShard: number): HashLanes {
  const shardByStart = new Map<bigint, string | undefined>();
  for (const shard of shards) {
    const first = BigInt(shard.startingHashKey);
    const size = BigInt(shard.endingHashKey) - first + 1n;
    for (const start of sliceStarts(first, size, lanesPerShard)) shardByStart.set(start, shard.shardId);
  }
  return createHashLanes(shardByStart);
}

/** Lanes where no shard is known: the whole hash key space cut into `laneCount` slices of one size. */
export function lanesWithoutShards(laneCount: number): HashLanes {
  const starts = sliceStarts(0n, HASH_KEY_COUNT, laneCount);
  return createHashLanes(new Map(starts.map((start) => [start, undefined])));
}

function sliceStarts(first: bigint, size: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => first + (size * BigInt(i)) / BigInt(count));
}

function createHashLanes(shardByStart: ReadonlyMap<bigint, string | undefined>): HashLanes {
  const sorted = [...shardByStart].sort(([a], [b]) => (a < b ? -1 : 1));
  const starts = sorted.map(([start]) => start.toString(16).padStart(HEX_DIGITS, '0'));
  const laneByKey = new Map<string, number>();

  return {
    slices: sorted.map(([start, shardId]) => ({ explicitHashKey: String(start), shardId })),
    laneOf(partitionKey) {
      let lane = laneByKey.get(partitionKey);
      if (lane === undefined) {
        lane = lastAtOrBelow(starts, hashKeyOf(partitionKey));
        if (laneByKey.size >= KEYS_REMEMBERED_MAX) laneByKey.clear();
        laneByKey.set(partitionKey, lane);
      }
      return lane;
    },
  };
}

/** The index of the last start that is not above `hashKey`; 0 when all are. */
function lastAtOrBelow(starts: readonly string[], hashKey: string): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? '') <= hashKey) low = middle;
    else high = middle - 1;
  }
  return low;
}
