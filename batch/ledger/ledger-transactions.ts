/**
 * Cuts a shard's journal entries into transactions of the ledger: several small entries in one, an entry that is too large
 * for one in parts. Pure. Entries are a chain: one that does not follow the one before is a finding, never passed over.
 */
import { type JournalEntry, readJournalEntry } from '../../processors/books/journal-entry.ts';
import type { ShardRef } from '../../processors/books/keys.ts';
import type { StateItem } from '../../processors/books/state-table.ts';
import { type Cursor, pastEntries } from './cursor.ts';
import { type Gain, type Gains, gainsOf, mergeGains, newItems, sortedGains } from './gains.ts';

/** Items that gain in one transaction, beside the cursor: amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
export const GAINS_MAX = 99;

export interface LedgerTransaction {
  /** Where the cursor stands before it, and after it. */
  readonly from: Cursor;
  readonly to: Cursor;
  /** At most `GAINS_MAX`. */
  readonly gains: readonly Gain[];
}

/** The journal of a shard is not as it must be; its message says where. A person has to look. */
export class JournalFinding extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JournalFinding';
  }
}

/**
 * @param items entries of the journal behind the cursor, in order
 * @throws JournalFinding once the transactions of what comes before it are taken
 */
export function* ledgerTransactions(
  shard: ShardRef,
  items: readonly StateItem[],
  start: Cursor,
): Generator<LedgerTransaction, void, undefined> {
  let cursor = start;
  let entries: JournalEntry[] = [];
  let gains: Gains = new Map();

  function* together(): Generator<LedgerTransaction, void, undefined> {
    if (entries.length === 0) return;
    const to = pastEntries(cursor, entries);
    yield { from: cursor, to, gains: sortedGains(gains) };
    cursor = to;
    entries = [];
    gains = new Map();
  }

  for (const item of items) {
    const entry = readEntry(shard, item);
    const after = entries.at(-1)?.to ?? cursor.position;
    const finding = Error.isError(entry) ? entry : entry.after === after ? undefined : missingEntry(after, entry);
    if (finding || Error.isError(entry)) {
      yield* together();
      throw finding;
    }
    const more = gainsOf(entry);
    if (gains.size + newItems(gains, more) > GAINS_MAX) yield* together();
    if (more.size > GAINS_MAX || cursor.part > 0) {
      yield* inParts(entry, sortedGains(more), cursor);
      cursor = pastEntries(cursor, [entry]);
    } else {
      entries.push(entry);
      mergeGains(gains, more);
    }
  }
  yield* together();
}

/** @param next the entry that was found instead; undefined when there is none */
export function missingEntry(after: string, next?: JournalEntry): JournalFinding {
  const follows = next ? `: ${next.to} follows ${next.after || START}` : '';
  return new JournalFinding(`missing journal entry after ${after || START}${follows}`);
}

const START = 'the start of the shard';

/** An entry by itself, from where the cursor says. */
function* inParts(
  entry: JournalEntry,
  gains: readonly Gain[],
  start: Cursor,
): Generator<LedgerTransaction, void, undefined> {
  if (start.part >= gains.length) {
    throw new JournalFinding(
      `journal entry ${entry.to}: ${start.part} items have gained by it, and it has ${gains.length}`,
    );
  }
  for (let from = start; from.position === start.position; ) {
    const part = from.part + GAINS_MAX;
    const to = part < gains.length ? { ...from, part } : pastEntries(from, [entry]);
    yield { from, to, gains: gains.slice(from.part, part) };
    from = to;
  }
}

function readEntry(shard: ShardRef, item: StateItem): JournalEntry | JournalFinding {
  try {
    return readJournalEntry(shard, item);
  } catch (error) {
    const reason = Error.isError(error) ? error.message : String(error);
    return new JournalFinding(`journal entry ${item.sk} cannot be read: ${reason}`);
  }
}
