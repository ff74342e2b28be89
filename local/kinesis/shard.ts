/** The shards of a stream: which part of the hash keys each takes, and which shards it came from. */
import { z } from 'zod';
import { HASH_KEY_MAX, type HashKey, parseHashKey } from './hash-key.ts';

/** A shard as it is kept on disk. Hash keys are decimal texts, both ends inclusive. */
export const Shard = z.object({
  shardId: z.string(),
  /** Of the shard that was split, or one of the two that were merged. */
  parentShardId: z.string().optional(),
  /** The other one of the two that were merged. */
  adjacentParentShardId: z.string().optional(),
  startingHashKey: z.string(),
  endingHashKey: z.string(),
  madeAtMs: z.number(),
  /** A closed shard takes no more records. */
  closedAtMs: z.number().optional(),
});
export type Shard = Readonly<z.infer<typeof Shard>>;

export function shardIndexOf(shardId: string): number {
  return Number(shardId.slice(shardId.indexOf('-') + 1));
}

export function shardIdOf(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`;
}

/** Shards that a shard came from, whether or not they are still listed. */
export function parentsOf({ parentShardId, adjacentParentShardId }: Shard): readonly string[] {
  return [parentShardId, adjacentParentShardId].filter((parent) => parent !== undefined);
}

/** Shards of a new stream: equal parts, what is left over goes to the last. */
export function initialShards(count: number, madeAtMs: number): Shard[] {
  const share = (HASH_KEY_MAX + 1n) / BigInt(count);
  return Array.from({ length: count }, (_, index) => ({
    shardId: shardIdOf(index),
    startingHashKey: (share * BigInt(index)).toString(),
    endingHashKey: (index === count - 1 ? HASH_KEY_MAX : share * BigInt(index + 1) - 1n).toString(),
    madeAtMs,
  }));
}

/** @returns what finds the open shard of a hash key. @throws Error when no open shard begins at 0 */
export function shardRouter(shards: readonly Shard[]): (hashKey: HashKey) => string {
  const open = shards
    .filter((shard) => shard.closedAtMs === undefined)
    .map((shard) => ({ shardId: shard.shardId, start: parseHashKey(shard.startingHashKey) ?? '' }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const [first] = open;
  if (!first || first.start !== parseHashKey('0')) throw new Error('The open shards do not begin at hash key 0.');
  return (hashKey) => {
    let low = 0;
    let high = open.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((open[middle]?.start ?? '') <= hashKey) low = middle;
      else high = middle;
    }
    return (open[low] ?? first).shardId;
  };
}
