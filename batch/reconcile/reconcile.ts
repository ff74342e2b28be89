/**
 * Reconciles: what entered, by the tape, with what was decided, by the journal, with what is at rest, by SQL; and names each
 * record that is not where it should be. Reads only.
 *
 * Held are the names of the tape's objects, the ledger's items, and the records of one journal entry; where rows are missing
 * or too much, up to 200,000 identities of each such partition.
 */
import { MISDELIVERED, runKey, runLedgerKey, UNKNOWN_DATASET } from '../../processors/books/keys.ts';
import { numberOf, type StateItem } from '../../processors/books/state-table.ts';
import { FAILED_EVENTS } from '../../processors/stages/route.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import { createRecordIdentity, padSequence } from '../../streams/position.ts';
import type { TapeConflict } from '../../streams/tape/play-tape.ts';
import { ANY_PARTITION, addSum, type BookSums, createBookSums, NOTHING, type TablePlace } from './book-sums.ts';
import { compareLedger, cursorOf, type LedgerSnapshot, partitionsOf, readLedger } from './compare-ledger.ts';
import { compareShard, type ShardComparison } from './compare-shard.ts';
import { compareTable, type TableBooks } from './compare-tables.ts';
import { nameRows } from './name-rows.ts';
import type { ReconcilePorts, Sum } from './ports.ts';
import { readJournal } from './read-journal.ts';
import { RefusedRequest } from './refused-request.ts';
import { FINDINGS_MAX, type Finding, NAMED_MAX, type ReconcileReport, residualsOf } from './report.ts';
import { createRowEvents } from './row-events.ts';
import { hourStartMs, isWhole, type Scope } from './scope.ts';
import type { LackingRange, UnkeptRange } from './shard-findings.ts';
import { findShards, type ShardSource } from './shard-source.ts';
import { createTapeJudge } from './tape-events.ts';

export interface ReconcileSettings {
  readonly streamName: string;
  readonly datasets: ReadonlyMap<string, Dataset>;
  /** The dataset of plain JSON. */
  readonly defaultDataset: string;
  /** The deployed one, 0 to 1. */
  readonly qualityThreshold: number;
}

export interface ReconcileRequest extends Scope {
  /**
   * How long records may be under way, milliseconds: what arrived in the hour that this reaches into, or later, is not
   * compared, and what arrived before and is not processed is overdue. Default: all is compared, and nothing is overdue.
   */
  readonly graceMs?: number;
  /** How far back from the end is compared, milliseconds, unless `fromMs` says it. Default: to the start. */
  readonly lastMs?: number;
}

/**
 * @throws RefusedRequest when there is no such run; StateUnavailable, ReadError when something that is to be compared cannot be
 * read
 */
export async function reconcile(
  request: ReconcileRequest,
  settings: ReconcileSettings,
  ports: ReconcilePorts,
): Promise<ReconcileReport> {
  const { table, tables, documents } = ports;
  const nowMs = ports.clock.now();
  const scope = scopeOf(request, nowMs);
  const overdueBeforeMs = request.graceMs === undefined ? {} : { overdueBeforeMs: nowMs - request.graceMs };
  const stream = await ports.streams.refOf(settings.streamName);
  const sources = await findShards(stream, scope, ports);
  const shardRefs = sources.map(({ shard }) => shard);
  const tableNames = [...settings.datasets.keys(), FAILED_EVENTS];
  const ledger = await readLedger(table, shardRefs, [...tableNames, UNKNOWN_DATASET]);
  const sums = createBookSums(scope);

  const findings: Finding[] = [];
  const compared: { readonly source: ShardSource; readonly comparison: ShardComparison }[] = [];
  for (const source of sources) {
    const comparison = await compareShard({
      shard: source.shard,
      scope,
      entries: readJournal(table, source.shard, source.firstEntry),
      isFromStart: source.firstEntry === '',
      tape: source.tape.play(undefined, (conflict) => void findings.push(conflictFinding(conflict))),
      identity: createRecordIdentity(settings.streamName),
      checkpoint: source.checkpoint,
      parked: source.parked,
      ...overdueBeforeMs,
      onEntry: (entry) => sums.add(entry, cursorOf(ledger, source.shard)),
    });
    compared.push({ source: { ...source, gaps: comparison.gaps, leftOut: comparison.leftOut }, comparison });
  }
  findings.push(...compared.flatMap(({ comparison }) => comparison.findings));
  for (const { comparison, source } of compared) {
    for (const lacking of comparison.lacking) findings.push(await nameLacking(lacking, source, ports));
    for (const unkept of comparison.unkept) findings.push(await nameUnkept(unkept, settings.streamName, ports));
  }
  if (isWhole(scope)) findings.push(...(await compareLedger(table, ledger, sums.folded, shardRefs)));

  const misdelivered = await waitingMisdelivered(ports);
  const comparisons = [];
  for (const name of tableNames) {
    comparisons.push(await compareTable(tableBooks(name, scope, sums, ledger, misdelivered), tables));
  }
  findings.push(...comparisons.flatMap((comparison) => comparison.findings));
  const judge = createTapeJudge({ ...settings, datasets: settings.datasets.values(), table });
  const eventsOf = createRowEvents({ shards: compared.map(({ source }) => source), table, judge, scope });
  const mismatches = comparisons.flatMap((comparison) => comparison.mismatches);
  const misdeliveredIds = async (place: TablePlace): Promise<ReadonlySet<string>> => {
    const ids = new Set<string>();
    for (const { sk } of misdelivered.get(place.table) ?? []) {
      for (const [id, eventTime] of await documents.misdeliveredIds(sk)) {
        const partition = eventTime && partitionOf(settings.datasets.get(place.table), eventTime);
        if (partition === '' || partition === place.partition) ids.add(id);
      }
    }
    return ids;
  };
  findings.push(...(await nameRows({ mismatches, scope, eventsOf, tables, misdelivered: misdeliveredIds })));
  findings.push(...[...misdelivered].map(([name, items]) => misdeliveredFinding(name, items)));
  const outcome: Outcome = { nowMs, scope, compared, comparisons, sums, findings };
  if (scope.runId !== undefined && comparedCount(outcome) === 0 && !(await isKnownRun(scope.runId, ports))) {
    throw new RefusedRequest(`there is no run ${scope.runId}`);
  }
  return reportOf(outcome);
}

/** One that nobody registered has a ledger all the same, of events that name it. */
async function isKnownRun(runId: string, { table }: ReconcilePorts): Promise<boolean> {
  return (await table.get(runKey(runId))) !== undefined || (await table.get(runLedgerKey(runId))) !== undefined;
}

function scopeOf({ graceMs, fromMs, toMs, lastMs, runId }: ReconcileRequest, nowMs: number): Scope {
  const end = toMs ?? (graceMs === undefined ? undefined : hourStartMs(nowMs - graceMs));
  const start = fromMs ?? (lastMs === undefined ? undefined : hourStartMs((end ?? nowMs) - lastMs));
  return {
    ...(start !== undefined && { fromMs: start }),
    ...(end !== undefined && { toMs: end }),
    ...(runId !== undefined && { runId }),
  };
}

function conflictFinding({ kind, shardId, position, given, other }: TapeConflict): Finding {
  const how = kind === 'differs' ? 'holds another record than' : 'spans it and lacks the record of';
  const message = `${shardId}: at ${position} the tape disagrees: ${other} ${how} ${given}`;
  // What one object lacks, the other has.
  const residual = kind === 'differs' ? 1 : 0;
  return { kind: 'tape_objects_differ', message, count: 1, residual, recordIds: [], shardId, to: position };
}

/** Rows tell which records are in the journal and not on the tape; what was dropped has none. */
async function nameLacking({ finding, had }: LackingRange, { shard }: ShardSource, { tables }: ReconcilePorts) {
  const { after = '', to = '' } = finding;
  const rows = await tables.between(shard.shardId, after, to, NAMED_MAX + had.size);
  const recordIds = rows.filter(({ position }) => !had.has(position.split(':')[1] ?? '')).map((row) => row.recordId);
  return { ...finding, recordIds: [...new Set(recordIds)].slice(0, NAMED_MAX) };
}

/** The document has the records. */
async function nameUnkept({ finding, document, had }: UnkeptRange, streamName: string, { documents }: ReconcilePorts) {
  const identity = createRecordIdentity(streamName);
  const gone = (await documents.parkedRecords(document))?.filter((each) => !had.has(padSequence(each.sequenceNumber)));
  const recordIds = gone?.map(({ shardId, sequenceNumber }) => identity.forRecord(shardId, sequenceNumber).textOf(0));
  return { ...finding, recordIds: (recordIds ?? []).slice(0, NAMED_MAX) };
}

/** Error objects that are not redriven, by table. */
async function waitingMisdelivered({ table }: ReconcilePorts): Promise<ReadonlyMap<string, readonly StateItem[]>> {
  const waiting = (await table.query(MISDELIVERED)).filter(({ attributes }) => attributes.status !== 'redriven');
  return Map.groupBy(waiting, ({ attributes }) => String(attributes.table));
}

/** @param eventTime `2026-01-01T05:00:00.000`, or so */
function partitionOf(dataset: Dataset | undefined, eventTime: string): string {
  if (dataset === undefined) return ANY_PARTITION;
  const [day, hour] = [eventTime.slice(0, 10), eventTime.slice(11, 13)];
  return dataset.definition.partition === 'hour' ? `${day}T${hour}` : day;
}

function documentsOf(items: readonly StateItem[]): number {
  return items.reduce((sum, item) => sum + numberOf(item, 'documents'), 0);
}

function misdeliveredFinding(table: string, items: readonly StateItem[]): Finding {
  const count = documentsOf(items);
  const message = `${table}: Firehose could not deliver ${count} documents, in ${items.length} objects from ${items[0]?.sk}; they wait to be redriven`;
  return { kind: 'misdelivered', message, count, residual: 0, recordIds: [], table };
}

/** The ledger is what should be there, and what it has not folded; in hours or a run of it, the journal. */
function tableBooks(
  table: string,
  scope: Scope,
  sums: BookSums,
  ledger: LedgerSnapshot,
  waiting: ReadonlyMap<string, readonly StateItem[]>,
): TableBooks {
  const misdelivered = documentsOf(waiting.get(table) ?? []);
  if (!isWhole(scope) || !ledger.isStill) {
    return { table, scope, expected: sums.expected.get(table) ?? new Map(), landed: undefined, misdelivered };
  }
  const expected = new Map<string, Sum>();
  const landed = new Map<string, number>();
  const merged = new Map([[table, expected]]);
  for (const [partition, { delivered, landed: rows }] of partitionsOf(ledger, table)) {
    if (delivered.count > 0 || delivered.fingerprint !== NOTHING.fingerprint) expected.set(partition, delivered);
    // Objects of `failed_events` have partitions of their own, which are compared together.
    const place = table === FAILED_EVENTS ? ANY_PARTITION : partition;
    landed.set(place, (landed.get(place) ?? 0) + rows);
  }
  for (const [partition, { count, fingerprint }] of sums.unfolded.get(table) ?? []) {
    addSum(merged, { table, partition }, { events: count, fingerprint });
  }
  return { table, scope, expected, landed, misdelivered };
}

interface Outcome {
  readonly nowMs: number;
  readonly scope: Scope;
  readonly compared: readonly { readonly comparison: ShardComparison }[];
  readonly comparisons: readonly Awaited<ReturnType<typeof compareTable>>[];
  readonly sums: BookSums;
  readonly findings: readonly Finding[];
}

function reportOf(outcome: Outcome): ReconcileReport {
  const { nowMs, scope, compared, comparisons, sums, findings } = outcome;
  const residuals = residualsOf(findings);
  const oldestMs = compared.flatMap(({ comparison }) => comparison.oldestInFlightMs ?? []);
  const iso = (epochMs: number | undefined) => (epochMs === undefined ? null : new Date(epochMs).toISOString());
  const bySeverity = findings.toSorted((a, b) => Math.sign(b.residual) - Math.sign(a.residual));
  const residual = residuals.records + residuals.ledger + residuals.rows;
  const arrivedMs = compared.flatMap(({ comparison }) => comparison.lastArrivedMs ?? []);
  return {
    residual,
    residuals,
    at: new Date(nowMs).toISOString(),
    scope: { from: iso(scope.fromMs), to: iso(scope.toMs), runId: scope.runId ?? null },
    shards: compared.map(({ comparison }) => comparison.figures),
    datasets: sums.datasets(),
    tables: comparisons.map(({ figures }) => figures),
    duplicatesAtRest: comparisons.reduce((sum, { duplicates }) => sum + duplicates, 0),
    isEmpty: residual === 0 && comparedCount(outcome) === 0,
    lastArrivedAt: iso(arrivedMs.length === 0 ? undefined : Math.max(...arrivedMs)),
    inFlight: {
      records: compared.reduce((sum, { comparison }) => sum + comparison.figures.inFlightRecords, 0),
      oldestArrivedAt: iso(oldestMs.length === 0 ? undefined : Math.min(...oldestMs)),
    },
    lag: { entries: sums.lagEntries() },
    findings: bySeverity.slice(0, FINDINGS_MAX),
    findingsLeftOff: Math.max(0, findings.length - FINDINGS_MAX),
  };
}

/** Records, events and rows that were held against something. What lies beyond the checkpoint is only told. */
function comparedCount({ scope, compared, comparisons, sums }: Outcome): number {
  const received = sums.datasets().reduce((sum, dataset) => sum + dataset.received, 0);
  const events = comparisons.reduce((sum, { figures }) => sum + figures.expected + figures.rows, received);
  // Entries are of all runs, and parked batches of all hours.
  if (scope.runId !== undefined) return events;
  return compared.reduce((sum, { comparison: { figures } }) => {
    return sum + figures.journalRecords + (isWhole(scope) ? figures.parkedRecords : 0);
  }, events);
}
