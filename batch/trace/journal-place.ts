/** The journal's entry that counts a record, and the record that played another again. */
import { readJournalEntry } from '../../processors/books/journal-entry.ts';
import { claimKey, journalPartition, type ShardRef } from '../../processors/books/keys.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { formatPosition } from '../../streams/position.ts';

export interface JournalPlace {
  readonly shardId: string;
  /** First and last sequence number of the records that it counts, padded. */
  readonly from: string;
  readonly to: string;
  readonly records: number;
  /** Of the invocation, for its log. */
  readonly requestId: string;
  /** Attempts that were begun since the entry before. */
  readonly attempts: number;
  /** Of the code and settings that decided. */
  readonly version: string;
  /** ISO 8601 */
  readonly committedAt: string;
}

/** @param sequence padded */
export async function journalPlaceOf(
  table: StateTablePort,
  shard: ShardRef,
  sequence: string,
): Promise<JournalPlace | undefined> {
  const [item] = await table.query(journalPartition(shard), { from: sequence, limit: 1 });
  const entry = item && readJournalEntry(shard, item);
  // What lies before the first record of an entry was left out by it.
  if (entry === undefined || entry.from > sequence) return undefined;
  const { from, to, records, requestId, attempts, version, committedAtMs } = entry;
  const committedAt = new Date(committedAtMs).toISOString();
  return { shardId: shard.shardId, from, to, records, requestId, attempts, version, committedAt };
}

/** @returns `<shard>:<sequence number>:<subsequence>` of the Kinesis record that played it again; null when none did */
export async function replayCarrierOf(
  table: StateTablePort,
  shardId: string,
  sequence: string,
): Promise<string | null> {
  if (sequence === '') return null;
  const claim = await table.get(claimKey(`replay#${formatPosition(shardId, sequence, 0)}`));
  const owner = claim?.attributes.owner;
  return typeof owner === 'string' ? owner : null;
}
