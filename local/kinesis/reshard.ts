/**
 * Splits and merges of shards. Pure: each takes all shards of a stream and gives all that there are afterwards, the closed
 * ones included. The ranges of the open ones are a partition of the hash keys before and after.
 *
 * Source: https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html
 */
import { HASH_KEY_MAX } from './hash-key.ts';
import { type Shard, shardIdOf, shardIndexOf } from './shard.ts';

/** Closes a shard, and opens one for its hash keys below `newStartingHashKey` and one for the others. */
export function splitShard(
  shards: readonly Shard[],
  shard: Shard,
  newStartingHashKey: bigint,
  nowMs: number,
): readonly Shard[] {
  const parents = { parentShardId: shard.shardId };
  const { startingHashKey, endingHashKey } = shard;
  return replace(shards, [shard], nowMs, [
    { ...parents, startingHashKey, endingHashKey: (newStartingHashKey - 1n).toString() },
    { ...parents, startingHashKey: newStartingHashKey.toString(), endingHashKey },
  ]);
}

/** Closes two shards of which the first ends where the second begins, and opens one for the hash keys of both. */
export function mergeShards(shards: readonly Shard[], shard: Shard, adjacent: Shard, nowMs: number): readonly Shard[] {
  const parents = { parentShardId: shard.shardId, adjacentParentShardId: adjacent.shardId };
  return replace(shards, [shard, adjacent], nowMs, [
    { ...parents, startingHashKey: shard.startingHashKey, endingHashKey: adjacent.endingHashKey },
  ]);
}

/**
 * Splits and merges until there are `count` open shards of equal size. Shards in between, which live for no time, are
 * made where `count` is no multiple or divisor of the open shards there are, as on AWS.
 */
export function scaleUniformly(shards: readonly Shard[], count: number, nowMs: number): readonly Shard[] {
  const share = (HASH_KEY_MAX + 1n) / BigInt(count);
  // A third of the hash keys is no whole number of sixths. A bound that is off by the remainder stays where it is: a split
  // and a merge for a handful of hash keys would be of no use to anybody.
  const slack = share >> 20n;
  let now = shards;
  const bounds = [0n];
  for (let index = 1; index < count; index++) {
    const wanted = share * BigInt(index);
    const open = openInOrder(now);
    const near = open.map(startOf).find((start) => distance(start, wanted) <= slack);
    bounds.push(near ?? wanted);
    const holder = open.find((shard) => startOf(shard) < wanted && wanted <= endOf(shard));
    if (near === undefined && holder) now = splitShard(now, holder, wanted, nowMs);
  }
  for (const [index, from] of bounds.entries()) {
    const to = bounds[index + 1] ?? HASH_KEY_MAX + 1n;
    const within = (shard: Shard): boolean => from <= startOf(shard) && startOf(shard) < to;
    let [first, second] = openInOrder(now).filter(within);
    while (first && second) {
      now = mergeShards(now, first, second, nowMs);
      [first, second] = openInOrder(now).filter(within);
    }
  }
  return now;
}

const distance = (one: bigint, other: bigint): bigint => (one < other ? other - one : one - other);
const startOf = (shard: Shard): bigint => BigInt(shard.startingHashKey);
const endOf = (shard: Shard): bigint => BigInt(shard.endingHashKey);

function openInOrder(shards: readonly Shard[]): readonly Shard[] {
  return shards
    .filter((shard) => shard.closedAtMs === undefined)
    .sort((one, other) => (startOf(one) < startOf(other) ? -1 : 1));
}

type Child = Omit<Shard, 'shardId' | 'madeAtMs'>;

function replace(
  shards: readonly Shard[],
  parents: readonly Shard[],
  nowMs: number,
  children: readonly Child[],
): readonly Shard[] {
  // Sequence numbers begin with this time and rise from parent to child, also when the clock was set back.
  const madeAtMs = shards.reduce((latest, shard) => Math.max(latest, shard.madeAtMs), nowMs);
  const nextIndex = shards.reduce((next, shard) => Math.max(next, shardIndexOf(shard.shardId) + 1), 0);
  return [
    ...shards.map((shard) => (parents.includes(shard) ? { ...shard, closedAtMs: madeAtMs } : shard)),
    ...children.map((child, order) => ({ ...child, shardId: shardIdOf(nextIndex + order), madeAtMs })),
  ];
}
