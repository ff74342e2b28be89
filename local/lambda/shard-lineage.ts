/**
 * Which shards of a stream may be read: children only after their parents, so that the order by partition key holds over
 * a split and a merge. Pure: the local runtime and the simulator go by the same rule.
 *
 * Source: https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
 */

export interface LineageShard {
  readonly shardId: string;
  /** None for a shard that the stream was made with, one after a split, two after a merge. */
  readonly parents: readonly string[];
}

/**
 * The shards that may be read now: those that are not drained themselves, and whose parents all are. A parent that is not
 * among `shards` has expired with its records, or was never to be read, and holds up nobody.
 *
 * @param shards all that are listed or still in work, in any order
 * @param drained ids of shards that are closed and whose every record is done with; none of an open shard
 * @returns ids in the order of `shards`
 */
export function readableShards(shards: readonly LineageShard[], drained: ReadonlySet<string>): readonly string[] {
  const unfinished = new Set(shards.map(({ shardId }) => shardId).filter((shardId) => !drained.has(shardId)));
  return shards
    .filter(({ shardId, parents }) => unfinished.has(shardId) && !parents.some((parent) => unfinished.has(parent)))
    .map(({ shardId }) => shardId);
}
