/**
 * Which shards ListShards gives.
 * Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html
 */
import { z } from 'zod';
import type { Shard } from './shard.ts';

/** `Timestamp` in epoch seconds. */
export const ShardFilter = z.discriminatedUnion('Type', [
  z.object({ Type: z.literal('AFTER_SHARD_ID'), ShardId: z.string() }),
  z.object({ Type: z.literal('AT_TRIM_HORIZON') }),
  z.object({ Type: z.literal('FROM_TRIM_HORIZON') }),
  z.object({ Type: z.literal('AT_LATEST') }),
  z.object({ Type: z.literal('AT_TIMESTAMP'), Timestamp: z.number() }),
  z.object({ Type: z.literal('FROM_TIMESTAMP'), Timestamp: z.number() }),
]);
export type ShardFilter = Readonly<z.infer<typeof ShardFilter>>;

/** @param horizonMs time of the oldest record that the stream still keeps */
export function matchesFilter(shard: Shard, filter: ShardFilter, horizonMs: number): boolean {
  const wasOpenAt = (timeMs: number): boolean => shard.madeAtMs <= timeMs && wasOpenAfter(timeMs);
  const wasOpenAfter = (timeMs: number): boolean => shard.closedAtMs === undefined || shard.closedAtMs >= timeMs;
  switch (filter.Type) {
    case 'AFTER_SHARD_ID':
      return shard.shardId > filter.ShardId;
    case 'AT_LATEST':
      return shard.closedAtMs === undefined;
    case 'AT_TRIM_HORIZON':
      // A stream younger than its retention begins with the shards that it was made with.
      return wasOpenAt(horizonMs) || (shard.parentShardId === undefined && wasOpenAfter(horizonMs));
    case 'FROM_TRIM_HORIZON':
      return wasOpenAfter(horizonMs);
    case 'AT_TIMESTAMP':
      return wasOpenAt(filter.Timestamp * 1000);
    case 'FROM_TIMESTAMP':
      return wasOpenAfter(Math.max(filter.Timestamp * 1000, horizonMs));
  }
}
