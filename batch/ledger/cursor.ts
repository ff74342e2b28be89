/** How far a shard's journal is folded. Only the fold writes it, always by compare-and-set of all it holds. */
import type { JournalEntry } from '../../processors/books/journal-entry.ts';
import { cursorKey, type ShardRef } from '../../processors/books/keys.ts';
import {
  numberOf,
  type StateAttributes,
  type StateItem,
  type StateUpdate,
} from '../../processors/books/state-table.ts';

export interface Cursor {
  /** Padded; `''` at the start of the shard. Entries up to this one are folded whole. */
  readonly position: string;
  /** How many items have already gained by the entry after that, in the order of their keys. */
  readonly part: number;
  /** Entries that are folded whole, and Kinesis records in them. */
  readonly entries: number;
  readonly records: number;
}

/** @param item undefined where nothing of the shard is folded yet */
export function readCursor(item: StateItem | undefined): Cursor {
  const position = item?.attributes.position;
  return {
    position: typeof position === 'string' ? position : '',
    part: numberOf(item, 'part'),
    entries: numberOf(item, 'entries'),
    records: numberOf(item, 'records'),
  };
}

/** The cursor once `entries` after it are folded whole too. */
export function pastEntries(cursor: Cursor, entries: readonly JournalEntry[]): Cursor {
  return {
    position: entries.at(-1)?.to ?? cursor.position,
    part: 0,
    entries: cursor.entries + entries.length,
    records: entries.reduce((sum, { records }) => sum + records, cursor.records),
  };
}

export function cursorUpdate(shard: ShardRef, from: Cursor, to: Cursor, nowMs: number): StateUpdate {
  const before = attributesOf(from);
  const after = attributesOf(to);
  return {
    kind: 'update',
    key: cursorKey(shard),
    expect: {
      position: before.position,
      part: before.part,
      entries: before.entries,
      records: before.records,
    },
    set: { ...after, updated_at: nowMs },
    remove: Object.keys(before).filter((name) => !(name in after)),
  };
}

/** What is nothing is not there. */
function attributesOf({ position, part, entries, records }: Cursor): StateAttributes {
  return {
    ...(position !== '' && { position }),
    ...(part > 0 && { part }),
    ...(entries > 0 && { entries }),
    ...(records > 0 && { records }),
  };
}
