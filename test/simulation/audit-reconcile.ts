/**
 * Reconciling, asked of the world at rest: what it finds must be what the world knows, no more and no less.
 */

import type { ReconcilePorts, TapePort } from '../../batch/reconcile/ports.ts';
import { type ReconcileSettings, reconcile } from '../../batch/reconcile/reconcile.ts';
import type { Finding, FindingKind, ReconcileReport } from '../../batch/reconcile/report.ts';
import { readMisdelivered } from '../../batch/redrive/misdelivered-documents.ts';
import { MISDELIVERED, PARKED } from '../../processors/books/keys.ts';
import { readParkedRecords } from '../../processors/landed/parked-records.ts';
import { tableOf } from './audit.ts';
import type { World } from './audit-at-rest.ts';
import type { ParkedDocument } from './audit-objects.ts';
import { orders, payments, readings } from './datasets.ts';
import type { AcceptedRow } from './firehose.ts';
import { ARCHIVE_BUCKET, PROCESSED_BUCKET, type SimulatedObjects } from './objects.ts';
import { STREAM_CREATED_AT_MS } from './processor.ts';
import { STREAM_ARN, STREAM_NAME, type StreamedRecord } from './stream.ts';
import { createTablesAtRest, type RowAtRest, type TablesAtRest } from './tables-at-rest.ts';
import { Violation } from './violation.ts';

export interface ReconciledWorld extends World {
  readonly objects: SimulatedObjects;
  readonly tape: TapePort;
  /** Documents of what the processor gave up, and the tape. */
  readonly parked: readonly ParkedDocument[];
  readonly nowMs: number;
  /** The one that is deployed. */
  readonly qualityThreshold: number;
}

/** Whatever the books say, these say that something is lost, or was made up. */
const NEVER: ReadonlySet<FindingKind> = new Set([
  'journal_entry_missing',
  'journal_entries_overlap',
  'checkpoint_differs',
  'records_not_in_journal',
  'records_not_on_tape',
  'parked_not_on_tape',
  'records_differ',
  'tape_objects_differ',
  'records_overdue',
  'ledger_differs',
  'landed_differs',
]);

/** @throws Violation */
export async function auditReconcile(world: ReconciledWorld): Promise<void> {
  const atRest = createTablesAtRest(world.firehose.objects);
  const report = await reconcile({}, settingsOf(world), portsOf(world, atRest));
  const broken = (what: string): Violation => {
    const found = report.findings.map(({ kind, message }) => `${kind}: ${message}`).join('\n  ');
    return new Violation('reconcile finds what there is to find', `${what}\n  ${found}`);
  };
  const isNever = ({ kind, residual }: Finding) =>
    // An object of a batch whose middle was given up in between lacks what an earlier one has.
    NEVER.has(kind) && (kind !== 'tape_objects_differ' || residual > 0 || world.scenario.recordAgeMsMax < 0);
  const never = report.findings.find(isNever);
  if (never) throw broken(never.kind);
  checkFigures(world, report, broken);
  const duplicates = duplicatesOf(atRest);
  if (report.duplicatesAtRest !== duplicates) {
    throw broken(`${report.duplicatesAtRest} duplicates at rest, and there are ${duplicates}`);
  }
  await checkRows(world, atRest, await waitingRecords(world), report, broken);
  const waiting = await waitingDocuments(world);
  const misdelivered = report.tables.reduce((sum, table) => sum + table.misdelivered, 0);
  if (misdelivered !== waiting) throw broken(`${misdelivered} documents wait, it says, and ${waiting} do`);
}

function checkFigures({ stream, audit }: World, { shards }: ReconcileReport, broken: (what: string) => Violation) {
  for (const { shardId } of stream.shards) {
    const records = stream.records.filter((record) => record.shardId === shardId);
    const counted = records.filter((record) => audit.accountOf(record).countedBy !== undefined).length;
    const expected = [records.length, counted, records.length - counted, 0].join();
    const of = shards.find((shard) => shard.shardId === shardId);
    const { tapeRecords = 0, journalRecords = 0, parkedRecords = 0, inFlightRecords = 0 } = of ?? {};
    const said = [tapeRecords, journalRecords, parkedRecords, inFlightRecords].join();
    if (said !== expected)
      throw broken(`${shardId}: on the tape, counted, parked, under way: ${said}, not ${expected}`);
  }
}

/** Rows beyond one a record of a partition. */
function duplicatesOf({ all }: TablesAtRest): number {
  const names = all.map(({ table, partition, accepted }) => `${table} ${partition} ${accepted.recordId}`);
  return names.length - new Set(names).size;
}

/**
 * Rows are missing nowhere. Some are too much: where an earlier attempt put them, before the record came to be decided
 * otherwise.
 */
async function checkRows(
  world: ReconciledWorld,
  { all }: TablesAtRest,
  waiting: ReadonlySet<StreamedRecord>,
  report: ReconcileReport,
  broken: (what: string) => Violation,
): Promise<void> {
  const early = all.filter((row) => isOf(world, row, waiting) && !isDecided(world, row.accepted));
  const late = all.filter((row) => !isDecided(world, row.accepted) && !isOf(world, row, waiting));
  const extra = new Set(late.map(nameOf));
  // Of what was given up, a row may be there from before: it is told of where the sums show it (docs/reconcile.md).
  const untold = new Set(late.filter((row) => wasParked(world, row)).map(nameOf));
  const told = report.findings.filter(({ kind }) => ROW_KINDS.has(kind));
  if (extra.size > untold.size && told.length === 0) throw broken(`it does not tell of ${[...extra].join(', ')}`);
  // What differs is named at the threshold of the day, and by code that does not die of what is poison.
  const isNamed = isJudgedAlike(world);
  if (!isNamed && extra.size + early.length + (await undeliveredEarly(world)) > 0) return;
  const named = new Set(told.flatMap(({ table, recordIds }) => recordIds.map((id) => `${table} ${id}`)));
  // Of a record that waits, what was filed in vain is too much, and what it delivered comes to be counted.
  const allowed = new Set([...extra, ...early.map(nameOf)]);
  if (allowed.size === 0 && told.length > 0) throw broken('nothing is where it should not be');
  if (allowed.size === untold.size && told.length === 0) return;
  const isSame =
    [...extra].every((name) => named.has(name) || untold.has(name)) && [...named].every((name) => allowed.has(name));
  if (!isSame) throw broken(`it names ${[...named].join(', ')} as too much, which are ${[...extra].join(', ')}`);
}

const ROW_KINDS: ReadonlySet<FindingKind> = new Set(['rows_missing', 'rows_extra', 'rows_differ']);

function isJudgedAlike({ scenario, stream, audit }: World): boolean {
  const isAlike = (record: StreamedRecord) => audit.accountOf(record).decision !== 'killed' && !audit.isPoison(record);
  return scenario.deploys.length === 0 && stream.records.every(isAlike);
}

function nameOf({ table, accepted }: RowAtRest): string {
  return `${table} ${accepted.recordId}`;
}

function isOf({ plays }: World, { accepted }: RowAtRest, records: ReadonlySet<StreamedRecord>): boolean {
  const event = plays.eventOf(accepted.recordId);
  return event !== undefined && records.has(event.record);
}

function wasParked({ plays }: World, { accepted }: RowAtRest): boolean {
  const event = plays.eventOf(accepted.recordId);
  return event !== undefined && plays.wasParked(event.record);
}

function isDecided({ audit, plays }: World, { table, recordId }: Pick<AcceptedRow, 'table' | 'recordId'>): boolean {
  const event = plays.eventOf(recordId);
  const standing = event && plays.standingOf(event.record);
  if (event === undefined || standing?.decision === undefined) return false;
  return tableOf({ ...event, record: standing.record }, standing.decision, audit.judge) === table;
}

/** As they first came: those that wait to be played again. */
export async function waitingRecords({ table, parked, audit }: ReconciledWorld): Promise<ReadonlySet<StreamedRecord>> {
  const items = await table.query(PARKED);
  // A document of the tape's consumer is played by nobody.
  const ended: ReadonlySet<unknown> = new Set(['redriven', 'tape_parked']);
  const keys = new Set(items.filter(({ attributes }) => !ended.has(attributes.status)).map(({ sk }) => sk));
  const waiting = parked.filter(({ key }) => keys.has(key)).flatMap(({ records }) => records);
  const open = waiting.filter((record) => audit.accountOf(record).isParked);
  return new Set(open.map((record) => record.replay?.first ?? record));
}

async function waitingDocuments(world: World): Promise<number> {
  return (await misdeliveredRows(world)).length;
}

/** What Firehose could not deliver, and the books do not count there: of records that wait, or decided otherwise. */
async function undeliveredEarly(world: World): Promise<number> {
  return (await misdeliveredRows(world)).filter((row) => !isDecided(world, row)).length;
}

async function misdeliveredRows({ table, firehose }: World) {
  const redriven = new Set(
    (await table.query(MISDELIVERED)).filter(({ attributes }) => attributes.status === 'redriven').map(({ sk }) => sk),
  );
  const waiting = firehose.objects.filter(({ key }) => key.startsWith('errors/') && !redriven.has(key));
  return waiting.flatMap(({ rows }) => rows);
}

export function settingsOf({ qualityThreshold }: ReconciledWorld): ReconcileSettings {
  const datasets = new Map([orders, readings, payments].map((dataset) => [dataset.name, dataset]));
  return { streamName: STREAM_NAME, datasets, defaultDataset: orders.name, qualityThreshold };
}

export function portsOf(world: ReconciledWorld, { tables }: TablesAtRest): ReconcilePorts {
  const { table, objects, tape, nowMs } = world;
  return {
    table,
    tape,
    tables,
    streams: { refOf: async () => ({ streamArn: STREAM_ARN, createdAtMs: STREAM_CREATED_AT_MS }) },
    documents: {
      parkedRecords: async (key) => readParkedRecords(objects.read(ARCHIVE_BUCKET, key).toString()),
      misdeliveredIds: async (key) => new Map(misdeliveredIds(objects.read(PROCESSED_BUCKET, key).toString())),
    },
    clock: { now: () => nowMs },
  };
}

function misdeliveredIds(text: string): readonly [string, string][] {
  return readMisdelivered(text).map((document) => {
    const row = JSON.parse(document.toString());
    return [String(row._record_id), String(row._event_time ?? '')];
  });
}
