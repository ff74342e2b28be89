/** Reads the journal of a shard page by page, in its order. */
import { type JournalEntry, readJournalEntry } from '../../processors/books/journal-entry.ts';
import { journalPartition, type ShardRef } from '../../processors/books/keys.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';

/** Entries that are held at once: 400 KB each at most. */
const PAGE_ENTRIES = 50;

/**
 * @param from sequence number, padded, of the first entry to read: the first that reaches to it. Default: the start
 * @throws StateUnavailable
 */
export async function* readJournal(table: StateTablePort, shard: ShardRef, from = ''): AsyncGenerator<JournalEntry> {
  let start = from;
  let read = '';
  for (;;) {
    const range = start === '' ? {} : { from: start };
    const items = await table.query(journalPartition(shard), { ...range, limit: PAGE_ENTRIES + 1 });
    for (const item of items) if (item.sk > read) yield readJournalEntry(shard, item);
    if (items.length <= PAGE_ENTRIES) return;
    read = items.at(-1)?.sk ?? '';
    start = read;
  }
}
