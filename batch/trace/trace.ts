/**
 * Where a record is now, and how it came there: from its identity, its place on the stream, or the place of its row. Every
 * answer says what was looked at. Reads only.
 */
import type { Outcome } from '../../processors/books/journal-entry.ts';
import { MISDELIVERED } from '../../processors/books/keys.ts';
import { padSequence } from '../../streams/position.ts';
import { covers } from '../reconcile/parked-ranges.ts';
import type { ReconcilePorts } from '../reconcile/ports.ts';
import type { ReconcileSettings } from '../reconcile/reconcile.ts';
import type { TraceSubject } from '../reconcile/request.ts';
import { findShards, type ShardSource } from '../reconcile/shard-source.ts';
import { createTapeJudge } from '../reconcile/tape-events.ts';
import { createTapeFinder, type FoundEvent } from './find-on-tape.ts';
import { type JournalPlace, journalPlaceOf, replayCarrierOf } from './journal-place.ts';
import type { FoundRow, RowPlace, RowsPort } from './ports.ts';

/** Where a record is: at rest, or why it is not. */
export type Whereabouts =
  | 'delivered'
  | 'quarantined'
  | 'dropped'
  | 'duplicate'
  | 'parked'
  | 'misdelivered'
  | 'in flight'
  | 'unknown';

export interface TracedRecord {
  readonly recordId: string;
  readonly where: Whereabouts;
  /** One sentence for a person. */
  readonly told: string;
  readonly shardId: string;
  /** Padded. */
  readonly sequenceNumber: string;
  readonly subsequenceNumber: number;
  readonly eventId: string | null;
  readonly dataset: string | null;
  readonly runId: string | null;
  /** Its rows, several when it was sent twice. */
  readonly rows: readonly (RowPlace & { readonly table: string })[];
  readonly failure: FoundRow['failure'] | null;
  /** Objects of the tape that hold the Kinesis record. */
  readonly tape: readonly string[];
  /** The entry that counts it. */
  readonly journal: JournalPlace | null;
  /** The on-failure document that has it, and how far its redrive is. */
  readonly parked: { readonly document: string; readonly status: string } | null;
  /** Error object of Firehose that has it. */
  readonly misdelivered: string | null;
  /** Where the record that played it again stands, when it was. */
  readonly playedAt: string | null;
}

export interface TraceReport {
  readonly subject: TraceSubject;
  readonly records: readonly TracedRecord[];
  /** What was looked at, in order. */
  readonly lookedAt: readonly string[];
}

export interface TracePorts extends ReconcilePorts {
  readonly rows: RowsPort;
  /** Whether to look no further. */
  readonly isTimeUp: () => boolean;
}

/** Records that one answer tells of. */
const RECORDS_MAX = 100;

/** @throws StateUnavailable, ReadError */
export async function trace(
  subject: TraceSubject,
  settings: ReconcileSettings,
  ports: TracePorts,
): Promise<TraceReport> {
  const lookedAt: string[] = [];
  const sources = await findShards(await ports.streams.refOf(settings.streamName), {}, ports);
  const judge = createTapeJudge({ ...settings, datasets: settings.datasets.values(), table: ports.table });
  const finder = createTapeFinder({ sources, judge, streamName: settings.streamName, isTimeUp: ports.isTimeUp });

  async function rowsOf(id: string): Promise<readonly FoundRow[]> {
    lookedAt.push(`the rows of all tables, by SQL, for ${id}`);
    const [shardId = '', sequence = '', sub] = id.split(':');
    if (sequence !== '') {
      const subsequence = sub === undefined ? undefined : Number(sub);
      return ports.rows.find({ shardId, sequence: padSequence(sequence), subsequence });
    }
    return ports.rows.find(id.includes('-') ? { eventId: id } : { recordId: id });
  }

  async function tracedId(id: string): Promise<readonly TracedRecord[]> {
    const rows = await rowsOf(id);
    const events = await eventsOf(id, rows);
    const byId = Map.groupBy(rows, ({ recordId }) => recordId);
    const ids = [...new Set([...byId.keys(), ...events.keys()])].slice(0, RECORDS_MAX);
    return Promise.all(ids.map((recordId) => traced(recordId, byId.get(recordId) ?? [], events.get(recordId))));
  }

  /** What the tape says: of the place where it is known, else of all of it. */
  async function eventsOf(id: string, rows: readonly FoundRow[]): Promise<ReadonlyMap<string, FoundEvent>> {
    if (id.includes(':')) {
      lookedAt.push(`the tape at ${id}`);
      return finder.at(id);
    }
    if (rows.length > 0) {
      const events = new Map<string, FoundEvent>();
      for (const position of new Set(rows.map((row) => row.position))) {
        lookedAt.push(`the tape at ${position}`);
        for (const [recordId, event] of await finder.at(position)) events.set(recordId, event);
      }
      return events;
    }
    const { events, told } = await finder.search(id);
    lookedAt.push(told);
    return events;
  }

  async function traced(
    recordId: string,
    rows: readonly FoundRow[],
    event: FoundEvent | undefined,
  ): Promise<TracedRecord> {
    const [row] = rows;
    const position = row?.position ?? event?.position ?? '';
    const [shardId = '', sequenceNumber = '', subsequence = '0'] = position.split(':');
    const source = sources.find(
      (each) => each.shard.shardId === shardId && each.tape.keysAt(sequenceNumber).length > 0,
    );
    const known = source ?? sources.find((each) => each.shard.shardId === shardId);
    const playedAt = await replayCarrierOf(ports.table, shardId, sequenceNumber);
    const journal = await journalOf(playedAt ?? `${shardId}:${sequenceNumber}`, known, sources, ports);
    const parked = parkedOf(known, sequenceNumber);
    const places: (RowPlace & { table: string })[] = [];
    for (const found of uniquePartitions(rows)) {
      lookedAt.push(`the objects of ${found.table} ${found.values.join('T')}`);
      for (const place of await ports.rows.locate(found)) places.push({ table: found.table, ...place });
    }
    const misdelivered = row || !event?.place ? null : await misdeliveredIn(event.place.table, recordId);
    const where = whereOf(row, event, { journal, parked, known, sequenceNumber, misdelivered });
    return {
      recordId,
      where,
      told: tell(where, { row, event, parked, places, misdelivered }),
      shardId,
      sequenceNumber,
      subsequenceNumber: Number(subsequence),
      eventId: row?.eventId ?? event?.eventId ?? null,
      dataset: (row?.failure === undefined ? row?.table : undefined) ?? event?.dataset ?? null,
      runId: row?.runId ?? (event?.runId || null),
      rows: places,
      failure: row?.failure ?? event?.failure ?? null,
      tape: known?.tape.keysAt(sequenceNumber) ?? [],
      journal,
      parked,
      misdelivered,
      playedAt,
    };
  }

  /** @returns the error object that has it */
  async function misdeliveredIn(table: string, recordId: string): Promise<string | null> {
    const waiting = (await ports.table.query(MISDELIVERED)).filter(
      ({ attributes }) => attributes.table === table && attributes.status !== 'redriven',
    );
    lookedAt.push(`${waiting.length} error objects of ${table}`);
    for (const { sk } of waiting) if ((await ports.documents.misdeliveredIds(sk)).has(recordId)) return sk;
    return null;
  }

  if ('objectKey' in subject) {
    const place = { object: subject.objectKey, row: subject.row };
    lookedAt.push(`row ${subject.row} of ${subject.objectKey}`);
    const identity = await ports.rows.readIdentity(place);
    if (identity === undefined) return { subject, records: [], lookedAt };
    return { subject, records: await tracedId(identity.position), lookedAt };
  }
  return { subject, records: await tracedId(subject.id), lookedAt };
}

/** Where it is counted: at the place of what played it again, or its own. */
async function journalOf(
  position: string,
  own: ShardSource | undefined,
  sources: readonly ShardSource[],
  { table }: TracePorts,
): Promise<JournalPlace | null> {
  const [shardId, sequence = ''] = position.split(':');
  const candidates =
    own && own.shard.shardId === shardId ? [own] : sources.filter(({ shard }) => shard.shardId === shardId);
  for (const { shard } of candidates) {
    const place = await journalPlaceOf(table, shard, sequence);
    if (place) return place;
  }
  return null;
}

function parkedOf(source: ShardSource | undefined, sequence: string): TracedRecord['parked'] {
  const range = source?.parked.find((each) => covers(each, sequence));
  return range ? { document: range.key, status: range.status } : null;
}

interface Standing {
  readonly journal: JournalPlace | null;
  readonly parked: TracedRecord['parked'];
  readonly known: ShardSource | undefined;
  readonly sequenceNumber: string;
  readonly misdelivered: string | null;
}

function whereOf(row: FoundRow | undefined, event: FoundEvent | undefined, standing: Standing): Whereabouts {
  if (row) return row.failure ? 'quarantined' : 'delivered';
  const { journal, parked, known, sequenceNumber } = standing;
  if (standing.misdelivered !== null) return 'misdelivered';
  if (parked && parked.status !== 'redriven' && !journal) return 'parked';
  // What is counted and should have a row, and has none, is not where the books say.
  if (journal) return isUnsent(event?.outcome) ? event.outcome : 'unknown';
  if (event && known && sequenceNumber > known.end) return 'in flight';
  return 'unknown';
}

function isUnsent(outcome: Outcome | undefined): outcome is 'dropped' | 'duplicate' {
  return outcome === 'dropped' || outcome === 'duplicate';
}

interface Told {
  readonly row: FoundRow | undefined;
  readonly event: FoundEvent | undefined;
  readonly parked: TracedRecord['parked'];
  readonly places: readonly RowPlace[];
  readonly misdelivered: string | null;
}

function tell(where: Whereabouts, { row, event, parked, places, misdelivered }: Told): string {
  const at = places.map(({ object, row: index }) => `row ${index} of ${object}`).join(', and ');
  switch (where) {
    case 'delivered':
      return at === '' ? 'delivered: SQL finds its row, in no object that can be read' : `delivered: ${at}`;
    case 'quarantined':
      return `quarantined by ${row?.failure?.stage} (${row?.failure?.code}): ${at}`;
    case 'dropped':
      return `dropped by the dataset's transform: ${event?.reason}`;
    case 'duplicate':
      return `a duplicate: ${event?.heldBy ?? 'another record'} holds the claim`;
    case 'parked':
      return `parked in ${parked?.document}: Lambda gave its batch up, and it waits to be redriven`;
    case 'misdelivered':
      return `misdelivered in ${misdelivered}: Firehose could not deliver it, and it waits to be redriven`;
    case 'in flight':
      return 'on the tape, and beyond the checkpoint: it is not processed yet';
    case 'unknown':
      return event?.place
        ? `counted, and its row in ${event.place.table} ${event.place.partition} is not there (yet)`
        : 'neither rows nor books tell where it is';
  }
}

function uniquePartitions(rows: readonly FoundRow[]): readonly FoundRow[] {
  return [...new Map(rows.map((row) => [`${row.table} ${row.values.join('T')}`, row])).values()];
}
