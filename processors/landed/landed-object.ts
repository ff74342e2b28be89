/** A Parquet object that has landed in a table's partition: its rows, counted once. */
import { landedKey, partitionLedgerKey } from '../books/keys.ts';
import type { StateTablePort } from '../books/state-table.ts';
import type { TablePartition } from '../partition-of-key.ts';
import { enterOnce } from './enter-once.ts';
import type { StoredObject } from './objects.ts';

export interface LandedObject {
  readonly object: StoredObject;
  readonly partition: TablePartition;
  readonly rows: number;
  /** Epoch milliseconds. */
  readonly landedAtMs: number;
}

/** @returns whether it was new */
export function enterLanded(table: StateTablePort, landed: LandedObject): Promise<boolean> {
  const { object, rows, landedAtMs } = landed;
  const { table: name, values } = landed.partition;
  const partition = values.join('T');
  return enterOnce(
    table,
    {
      kind: 'put',
      key: landedKey(name, object.key),
      when: 'new',
      attributes: { rows, bytes: object.sizeBytes, partition, etag: object.etag, landed_at: landedAtMs },
    },
    [{ kind: 'update', key: partitionLedgerKey(name, partition), add: { landed: rows, objects: 1 } }],
  );
}
