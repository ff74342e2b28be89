/** The journal's entry that counts a record, and the record that played another again. */
import { type JournalEntry, readJournalEntry } from '../../processors/books/journal-entry.ts';
import { claimKey, journalPartition } from '../../processors/books/keys.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { formatPosition, padSequence, type RecordIdentity } from '../../streams/position.ts';
import { judgeEntry, type TapePlace } from '../reconcile/judge-entry.ts';
import { covers } from '../reconcile/parked-ranges.ts';
import { placeBefore } from '../reconcile/place-before.ts';
import type { ShardSource } from '../reconcile/shard-source.ts';

export interface JournalPlace {
  readonly shardId: string;
  /** First and last sequence number of the records that it counts, padded. */
  readonly from: string;
  readonly to: string;
  readonly records: number;
  /** Of those records. */
  readonly events: number;
  /** Of the invocation, for its log. */
  readonly requestId: string;
  /** Attempts that were begun since the entry before. */
  readonly attempts: number;
  /** Of the code and settings that decided. */
  readonly version: string;
  /** ISO 8601 */
  readonly committedAt: string;
}

/**
 * The entry that counts the record at a place; undefined: none does, though one may span it.
 * @param sequence padded
 */
export async function journalPlaceOf(
  table: StateTablePort,
  source: ShardSource,
  sequence: string,
  identity: RecordIdentity,
): Promise<JournalPlace | undefined> {
  const { shard } = source;
  const [item] = await table.query(journalPartition(shard), { from: sequence, limit: 1 });
  const entry = item && readJournalEntry(shard, item);
  // What lies before the first record of an entry was left out by it.
  if (entry === undefined || entry.from > sequence) return undefined;
  if (await isLeftOut(entry, source, sequence, identity)) return undefined;
  const { from, to, records, requestId, attempts, version, committedAtMs } = entry;
  const events = entry.groups.reduce((sum, group) => sum + group.events, 0);
  const committedAt = new Date(committedAtMs).toISOString();
  return { shardId: shard.shardId, from, to, records, events, requestId, attempts, version, committedAt };
}

/** Of a batch single records may be given up for their age: the tape tells whether the entry that spans one counts it. */
async function isLeftOut(
  entry: JournalEntry,
  { tape, parked }: ShardSource,
  sequence: string,
  identity: RecordIdentity,
): Promise<boolean> {
  if (!parked.some((range) => covers(range, sequence))) return false;
  const places: TapePlace[] = [];
  for await (const { shardId, sequenceNumber, arrivedAtMs } of tape.play([
    { after: placeBefore(entry.from), to: entry.to },
  ])) {
    const ids = identity.forRecord(shardId, sequenceNumber);
    const position = padSequence(sequenceNumber);
    places.push({ position, fingerprint: ids.first32(0), recordId: ids.textOf(0), arrivedAtMs });
  }
  return judgeEntry(entry, places, parked).leftOut.includes(sequence);
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
