/**
 * Folds the journal of one shard into the ledger. What entries come to is added in the very transaction that moves the
 * shard's cursor past them, from the very place that was read: however often a fold is cut off, repeated or run twice at
 * once, each entry counts once.
 */
import { cursorKey, journalPartition, type ShardRef } from '../../processors/books/keys.ts';
import {
  ConditionFailed,
  numberOf,
  type StateItem,
  type StateTablePort,
  StateUnavailable,
  type StateWrite,
} from '../../processors/books/state-table.ts';
import type { ClockPort } from '../../processors/ports.ts';
import { type Cursor, cursorUpdate, readCursor } from './cursor.ts';
import type { Gain } from './gains.ts';
import { JournalFinding, type LedgerTransaction, ledgerTransactions, missingEntry } from './ledger-transactions.ts';
import { minuteWrite } from './minute-gain.ts';

/** Entries that are read at once: 400 KB each at most. */
const PAGE_ENTRIES = 50;

export interface FoldPorts {
  readonly table: StateTablePort;
  readonly clock: ClockPort;
  /** Whether to begin no other transaction. */
  readonly isTimeUp: () => boolean;
}

/** Where a shard stands. */
export interface ShardFoldReport {
  readonly shardId: string;
  /** That this fold has folded whole, and Kinesis records in them. */
  readonly entries: number;
  readonly records: number;
  /** Entries that were there when the fold began, and are not folded. */
  readonly lagEntries: number;
  /** When about the oldest of them was committed, epoch milliseconds; undefined: none is left. */
  readonly waitingSinceMs: number | undefined;
  /** Why the fold of the shard stopped, such as `missing journal entry after …`. */
  readonly finding: string | undefined;
}

export interface ShardFold {
  /** Reads some entries and folds them. @returns whether there may be more */
  step(): Promise<boolean>;
  report(): ShardFoldReport;
}

/**
 * @param checkpoint of the shard, read before the journal is
 * @param cursorItem undefined where there is none yet
 */
export function createShardFold(
  shard: ShardRef,
  checkpoint: StateItem,
  cursorItem: StateItem | undefined,
  { table, clock, isTimeUp }: FoldPorts,
): ShardFold {
  const end = typeof checkpoint.attributes.position === 'string' ? checkpoint.attributes.position : '';
  let cursor = readCursor(cursorItem);
  let [entries, records] = [0, 0];
  let waitingSinceMs: number | undefined = numberOf(checkpoint, 'updated_at');
  let finding: string | undefined;

  async function writeOf({ key, amounts, minute }: Gain): Promise<StateWrite> {
    if (minute) return minuteWrite(key, amounts, minute, await table.get(key));
    return { kind: 'update', key, add: Object.fromEntries(amounts), set: { updated_at: clock.now() } };
  }

  async function apply({ from, to, gains }: LedgerTransaction): Promise<void> {
    const writes = await Promise.all(gains.map(writeOf));
    await table.transact([cursorUpdate(shard, from, to, clock.now()), ...writes]);
    entries += to.entries - from.entries;
    records += to.records - from.records;
    cursor = to;
  }

  async function foldPage(): Promise<boolean> {
    // Its first entry is the one at the cursor, which is folded.
    const from = cursor.position === '' ? {} : { from: cursor.position };
    const page = await table.query(journalPartition(shard), { ...from, limit: PAGE_ENTRIES + 1 });
    const items = page.filter(({ sk }) => sk !== cursor.position);
    if (items.length === 0) {
      if (cursor.position < end) throw missingEntry(cursor.position);
      waitingSinceMs = undefined;
      return false;
    }
    try {
      for (const transaction of ledgerTransactions(shard, items, cursor)) {
        if (isTimeUp()) break;
        await apply(transaction);
      }
    } finally {
      const oldest = items.find(({ sk }) => sk > cursor.position) ?? items.at(-1);
      const committedAtMs = oldest?.attributes.committed_at;
      if (typeof committedAtMs === 'number') waitingSinceMs = committedAtMs;
    }
    return true;
  }

  /** Another fold was at work, or an answer got lost: this one goes on from where the cursor is. */
  async function reread(failed: ConditionFailed): Promise<boolean> {
    const now: Cursor = readCursor(await table.get(cursorKey(shard)));
    if (now.position === cursor.position && now.part === cursor.part) {
      finding = `an item of the ledger is written by another than its fold: ${failed.message}`;
      return false;
    }
    cursor = now;
    return true;
  }

  return {
    async step() {
      try {
        return await foldPage().catch((error: unknown) => {
          if (error instanceof ConditionFailed) return reread(error);
          throw error;
        });
      } catch (error) {
        if (!(error instanceof JournalFinding || error instanceof StateUnavailable)) throw error;
        finding = error.message;
        return false;
      }
    },
    report: () => ({
      shardId: shard.shardId,
      entries,
      records,
      lagEntries: Math.max(0, numberOf(checkpoint, 'entries') - cursor.entries),
      waitingSinceMs,
      finding,
    }),
  };
}
