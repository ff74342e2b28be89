import { MISDELIVERED } from '../../processors/books/keys.ts';
import { FAILED_EVENTS } from '../../processors/stages/route.ts';
import type { FailureCode } from '../../schemas/failure.ts';
import { createRecordIdentity, padSequence, type RecordIdentity } from '../../streams/position.ts';
import { covers, type ParkedRange } from '../reconcile/parked-ranges.ts';
import type { ReconcilePorts } from '../reconcile/ports.ts';
import type { ReconcileSettings } from '../reconcile/reconcile.ts';
import type { TraceSubject } from '../reconcile/request.ts';
import { findShards, type ShardSource } from '../reconcile/shard-source.ts';
import { createTapeJudge } from '../reconcile/tape-events.ts';
import { createTapeFinder, type FoundEvent } from './find-on-tape.ts';
import { type JournalPlace, journalPlaceOf, replayCarrierOf } from './journal-place.ts';
import { parkedAgain } from './parked-again.ts';
import type { FoundRow, RowPlace, RowsPort } from './ports.ts';
import { isUnsent, tell, type Whereabouts, whereOf } from './whereabouts.ts';

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

const FILED_WHOLE: FailureCode = 'FUNCTION_KILLED';

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
  const judgeOptions = { ...settings, datasets: [...settings.datasets.values()], table: ports.table };
  const judge = createTapeJudge(judgeOptions);
  const tapeOptions = { sources, streamName: settings.streamName, isTimeUp: ports.isTimeUp };
  const finder = createTapeFinder({ ...tapeOptions, judge });
  const identity = createRecordIdentity(settings.streamName);

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
    const position = rows[0]?.position ?? event?.position ?? '';
    const [shardId = '', sequenceNumber = '', subsequence = '0'] = position.split(':');
    const source = sources.find(
      (each) => each.shard.shardId === shardId && each.tape.keysAt(sequenceNumber).length > 0,
    );
    const known = source ?? sources.find((each) => each.shard.shardId === shardId);
    const playedAt = await replayCarrierOf(ports.table, shardId, sequenceNumber);
    const journal = await journalOf(playedAt ?? `${shardId}:${sequenceNumber}`, known, sources, identity, ports);
    const parked = await parkedAt(known, sequenceNumber, journal !== null || rows.length > 0);
    // A Kinesis record that kills the function is filed alone, as one event, whatever is in it.
    const isFiledWhole = journal?.records === 1 && journal.events === 1 && Number(subsequence) > 0;
    const held = rows.length > 0 || !isFiledWhole ? rows : await wholeRow(shardId, sequenceNumber);
    const [row] = held;
    const places: (RowPlace & { table: string })[] = [];
    for (const found of uniquePartitions(held)) {
      lookedAt.push(`the objects of ${found.table} ${found.values.join('T')}`);
      for (const place of await ports.rows.locate(found)) places.push({ table: found.table, ...place });
    }
    const misdelivered =
      row || !event
        ? null
        : await misdeliveredIn(
            new Set([event.place?.table, event.dataset, FAILED_EVENTS]),
            isFiledWhole ? identity.forRecord(shardId, sequenceNumber).textOf(0) : recordId,
          );
    const settled = row || !journal || misdelivered !== null ? event : await settledEvent(position, event);
    const where = whereOf(row, settled, { journal, parked, known, sequenceNumber, misdelivered });
    return {
      recordId,
      where,
      told: tell(where, { row, event: settled, parked, places, misdelivered }),
      shardId,
      sequenceNumber,
      subsequenceNumber: Number(subsequence),
      eventId: row?.eventId ?? event?.eventId ?? null,
      dataset: (row?.failure === undefined ? row?.table : undefined) ?? event?.dataset ?? null,
      runId: row?.runId ?? (event?.runId || null),
      rows: places,
      failure: row?.failure ?? event?.failure ?? null,
      tape: (await known?.tape.holdersOf(sequenceNumber)) ?? [],
      journal,
      parked,
      misdelivered,
      playedAt,
    };
  }

  /** Where it was given up: last, as long as it is neither counted nor at rest. */
  async function parkedAt(source: ShardSource | undefined, sequence: string, isSettled: boolean) {
    const first = await parkedIn(source, sequence, ports.documents);
    if (isSettled || first?.status !== 'redriven' || source === undefined) return first;
    lookedAt.push('the documents that wait to be redriven, for what was played again');
    return (await parkedAgain(sources, source.shard.shardId, sequence, ports.documents)) ?? first;
  }

  async function wholeRow(shardId: string, sequence: string): Promise<readonly FoundRow[]> {
    lookedAt.push(`the row of the whole record ${shardId}:${sequence}`);
    const rows = await ports.rows.find({ shardId, sequence, subsequence: 0 });
    return rows.filter(({ failure }) => failure?.code === FILED_WHOLE);
  }

  /** One that has no row, and is counted: below another threshold it may have come to its claim, which another holds. */
  async function settledEvent(position: string, event: FoundEvent | undefined): Promise<FoundEvent | undefined> {
    if (event === undefined || isUnsent(event.outcome)) return event;
    const lenientJudge = createTapeJudge({ ...judgeOptions, qualityThreshold: 0 });
    const lenient = (await createTapeFinder({ ...tapeOptions, judge: lenientJudge }).at(position)).get(event.recordId);
    return lenient && isUnsent(lenient.outcome) ? lenient : event;
  }

  /** @returns the error object that has it: at another threshold it may have been of another table */
  async function misdeliveredIn(tables: ReadonlySet<unknown>, recordId: string): Promise<string | null> {
    const waiting = (await ports.table.query(MISDELIVERED)).filter(
      ({ attributes: { table, status } }) => tables.has(table) && status !== 'redriven',
    );
    lookedAt.push(`${waiting.length} error objects of ${[...tables].filter(Boolean).join(', ')}`);
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
  identity: RecordIdentity,
  { table }: TracePorts,
): Promise<JournalPlace | null> {
  const [shardId, sequence = ''] = position.split(':');
  const candidates =
    own && own.shard.shardId === shardId ? [own] : sources.filter(({ shard }) => shard.shardId === shardId);
  for (const source of candidates) {
    const place = await journalPlaceOf(table, source, sequence, identity);
    if (place) return place;
  }
  return null;
}

/** Of several documents that span a place, one has it: records are given up for their age out of the middle of a batch. */
async function parkedIn(
  source: ShardSource | undefined,
  sequence: string,
  documents: TracePorts['documents'],
): Promise<TracedRecord['parked']> {
  const spanning = source?.parked.filter((range) => covers(range, sequence)) ?? [];
  const holding: ParkedRange[] = [];
  for (const range of spanning.length > 1 ? spanning : []) {
    const records = range.hasPayload ? await documents.parkedRecords(range.key) : undefined;
    if (records?.some(({ sequenceNumber }) => padSequence(sequenceNumber) === sequence)) holding.push(range);
  }
  const range = holding.find(({ status }) => status !== 'redriven') ?? holding[0] ?? spanning[0];
  return range ? { document: range.key, status: range.status } : null;
}

function uniquePartitions(rows: readonly FoundRow[]): readonly FoundRow[] {
  return [...new Map(rows.map((row) => [`${row.table} ${row.values.join('T')}`, row])).values()];
}
