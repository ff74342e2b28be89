/** Folds the journals of a stream's shards into the ledger, in turns, until nothing is left or the time is up. */
import { CHECKPOINTS, type ShardRef, type StreamRef, streamPartition } from '../../processors/books/keys.ts';
import type { StateItem } from '../../processors/books/state-table.ts';
import { createShardFold, type FoldPorts, type ShardFold, type ShardFoldReport } from './shard-fold.ts';

const CURSORS = { from: 'cursor#', to: 'cursor#~' } as const;

/**
 * A shard whose fold stops, for a missing entry or a table that does not answer, is reported; the others go on.
 * @returns a report a shard that had something to fold
 * @throws StateUnavailable when the shards cannot be listed
 */
export async function foldLedger(stream: StreamRef, ports: FoldPorts): Promise<readonly ShardFoldReport[]> {
  const partition = streamPartition(stream);
  const checkpoints = await ports.table.query(partition, CHECKPOINTS);
  const cursors = new Map(
    (await ports.table.query(partition, CURSORS)).map((item) => [item.sk.slice(CURSORS.from.length), item]),
  );
  const folds = checkpoints.flatMap((checkpoint): ShardFold[] => {
    const shard: ShardRef = { ...stream, shardId: checkpoint.sk.slice(CHECKPOINTS.from.length) };
    const cursor = cursors.get(shard.shardId);
    return isFolded(checkpoint, cursor) ? [] : [createShardFold(shard, checkpoint, cursor, ports)];
  });
  let active: readonly ShardFold[] = folds;
  while (active.length > 0 && !ports.isTimeUp()) {
    const more: ShardFold[] = [];
    // One after the other: shards add to the same items, and transactions on one item get in each other's way.
    for (const fold of active) if (ports.isTimeUp() || (await fold.step())) more.push(fold);
    active = more;
  }
  return folds.map((fold) => fold.report());
}

function isFolded(checkpoint: StateItem, cursor: StateItem | undefined): boolean {
  const { position } = checkpoint.attributes;
  return position === undefined || position === cursor?.attributes.position;
}
