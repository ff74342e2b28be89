/** Runs one scenario from its first put until nothing is left to do, and says what was broken. */

import { MISDELIVERED, PARKED } from '../../processors/books/keys.ts';
import type { StateItem, StateTablePort } from '../../processors/books/state-table.ts';
import { createMemoryStateTable } from '../support/processors/memory-state-table.ts';
import { type Audit, createAudit } from './audit.ts';
import { auditAtRest } from './audit-at-rest.ts';
import { auditLedger } from './audit-ledger.ts';
import { auditObjects, type ParkedDocument } from './audit-objects.ts';
import { auditReconcile, type ReconciledWorld, waitingRecords } from './audit-reconcile.ts';
import { auditRuns, checkLanded } from './audit-runs.ts';
import { auditTrace } from './audit-trace.ts';
import { createCatalog, TAPE_FUNCTION } from './catalog.ts';
import { createSourceEvents } from './chunk-content.ts';
import { createConditions } from './conditions.ts';
import { createFirehose } from './firehose.ts';
import { createIngestion } from './ingestion.ts';
import { createLedger } from './ledger.ts';
import { createMapping } from './mapping.ts';
import { ARCHIVE_BUCKET, createObjects, errorsOf, PROCESSED_BUCKET, parkedDocumentOf, parquetOf } from './objects.ts';
import { createPipelinesApi } from './pipelines-api.ts';
import { createPlays } from './plays.ts';
import { createProcessor } from './processor.ts';
import { createProducers } from './producers.ts';
import { createRedrive } from './redrive.ts';
import type { Scenario } from './scenario.ts';
import { createStream, type StreamedRecord } from './stream.ts';
import { createTape } from './tape.ts';
import { Violation } from './violation.ts';
import { createVirtualTime } from './virtual-time.ts';

export interface RunOptions {
  /** Gets a line for each thing that happens. Default: none are made. */
  readonly onLine?: (line: string) => void;
  /** Stands in for the state table that is given: for tests that break it. */
  readonly wrapTable?: (table: StateTablePort) => StateTablePort;
  /** Gets the world when it is at rest: before what came back is redriven, if anything did, and at the end. */
  readonly onRest?: (world: ReconciledWorld) => Promise<void>;
}

export interface RunReport {
  readonly violation: Violation | undefined;
  readonly records: number;
  readonly events: number;
  readonly invocations: number;
  /** Documents that Firehose took more than once. */
  readonly rowsTwice: number;
  readonly parked: number;
  /** How long it went on, in its own time. */
  readonly lastedMs: number;
}

const START_MS = Date.UTC(2026, 5, 1, 11, 50);

export async function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<RunReport> {
  const { onLine, wrapTable = (table: StateTablePort) => table } = options;
  const time = createVirtualTime(START_MS);
  let violation: Violation | undefined;
  const say = (line: () => string) => {
    if (onLine && violation === undefined) onLine(`${String(time.now() - START_MS).padStart(8)} ${line()}`);
  };
  const conditions = createConditions({
    scenario,
    time,
    say,
    fail(found) {
      violation ??= found;
    },
  });
  const stream = createStream(scenario.shards, conditions.random('stream'), time.now);
  const table = wrapTable(createMemoryStateTable());
  const payloads = new Map<string, Buffer>();
  const objects = createObjects(conditions, conditions.random('objects'));
  const catalog = createCatalog(conditions, table, objects);
  const misdelivered: { readonly key: string; readonly atMs: number }[] = [];
  const firehose = createFirehose(conditions, ({ key, rows }) => {
    if (key.startsWith('errors/')) misdelivered.push({ key, atMs: time.now() });
    catalog.notify(
      objects.put(PROCESSED_BUCKET, key, key.startsWith('errors/') ? errorsOf(rows) : parquetOf(rows.length)),
    );
  });
  const parked: ParkedDocument[] = [];
  const audit = createAudit(conditions, firehose);
  const producers = createProducers(conditions, stream);
  let { qualityThreshold } = scenario;
  const processor = createProcessor({
    conditions,
    table,
    firehose,
    payloads,
    qualityThreshold: () => qualityThreshold,
    onInvoke: audit.onInvoke,
    onWritten: audit.onWritten,
    onAnswer: audit.onAnswer,
    onPoison: audit.onPoison,
  });
  const settings = {
    batchSize: scenario.batchSize,
    batchingWindowMs: scenario.batchingWindowMs,
    retriesMax: -1,
    recordAgeMsMax: scenario.recordAgeMsMax,
    bisects: true,
    reportsItemFailures: true,
  };
  const mapping = createMapping({
    name: 'processor mapping',
    conditions,
    stream,
    settings,
    invoke: processor.invoke,
    park(discard) {
      const key = `aws/lambda/mapping/${discard.shardId}/${parked.length}`;
      parked.push({ key, records: discard.records, atMs: time.now() });
      audit.onParked(discard.records);
      catalog.notify(objects.put(ARCHIVE_BUCKET, key, parkedDocumentOf(discard, 'processor', time.now())));
    },
  });

  const tape = createTape(conditions);
  const tapeParked = new Set<StreamedRecord>();
  const tapeMapping = createMapping({
    name: 'tape mapping',
    conditions,
    stream,
    settings: { ...settings, batchSize: TAPE_BATCH, bisects: false },
    invoke: tape.host.invoke,
    park(discard) {
      const { records } = discard;
      const key = `aws/lambda/tape-mapping/${discard.shardId}/${parked.length}`;
      parked.push({ key, records, atMs: time.now() });
      for (const record of records) tapeParked.add(record);
      catalog.notify(objects.put(ARCHIVE_BUCKET, key, parkedDocumentOf(discard, TAPE_FUNCTION, time.now())));
    },
  });
  const mappings = [mapping, tapeMapping];
  const events = createSourceEvents();
  const ingestion = createIngestion({ conditions, table, stream, events });
  const pipelinesApi = createPipelinesApi({ conditions, table, stream, events, runsQueue: ingestion.runsQueue });
  const ledger = createLedger(conditions, table, (writes) => {
    checkLanded({ table, stream, audit }, writes).catch((error: unknown) => {
      if (!(error instanceof Violation)) throw error;
      conditions.fail(error);
    });
  });
  producers.start();
  ingestion.start();
  pipelinesApi.start();
  ledger.schedule();
  for (const each of mappings) each.start();
  for (const { atMs, kind } of scenario.reshards) {
    time.after(atMs, () => {
      const made = stream.reshard(kind);
      say(
        () => `${kind}: ${made.map(({ shardId, parents }) => `${shardId} of ${parents.map((each) => each.shardId)}`)}`,
      );
    });
  }
  for (const { atMs, lag } of scenario.restarts) {
    time.after(atMs, () => {
      audit.onRestart();
      for (const each of mappings) each.restart(lag);
    });
  }
  for (const deploy of scenario.deploys) {
    time.after(deploy.atMs, () => {
      qualityThreshold = deploy.qualityThreshold;
      processor.deploy();
      tape.host.deploy();
      say(() => `deployed: quality threshold ${qualityThreshold}`);
    });
  }

  const redrive = createRedrive({ conditions, table, stream, firehose, objects, tape: tape.port, audit });
  for (const atMs of scenario.redrives) {
    time.after(atMs, () => {
      const keys = [...parked, ...misdelivered].filter((each) => isSettled(each, time.now(), scenario));
      redrive.invoke(keys.map(({ key }) => key));
    });
  }

  /** In portions, so that a broken promise ends it. */
  async function rest(untilMs: number): Promise<void> {
    for (let portion = time.now(); violation === undefined; portion += PORTION_MS) {
      if (await time.run(Math.min(portion, untilMs))) break;
      if (portion < untilMs) continue;
      const which = mappings.flatMap((each) => each.unfinished()).join(', ');
      const lastedMs = untilMs - START_MS;
      conditions.fail(new Violation('every run ends', `after ${lastedMs} ms: ${which || 'all shards are done'}`));
    }
    const unfinished = mappings.flatMap((each) => each.unfinished());
    if (violation === undefined && unfinished.length > 0) {
      conditions.fail(new Violation('no shard is blocked', unfinished.join(', ')));
    }
  }
  const restWithin = () => rest(time.now() + budgetMs(scenario, stream.shards.length));

  const worldAtRest = (): ReconciledWorld => ({
    ...{ scenario, stream, firehose, table, payloads, accepted: producers.accepted, audit, objects, parked },
    ...{ tape: tape.port, plays: createPlays(stream, audit), nowMs: time.now(), qualityThreshold },
  });

  async function askTrace(world: ReconciledWorld): Promise<void> {
    if (options.onRest) await options.onRest(world);
    else if (scenario.seed % TRACED_ONE_OF === 0) await auditTrace(world, TRACED_EVENTS);
  }

  // Nothing is at rest before the last fault has ended.
  time.after(calmFromMs(scenario) + 1, () => undefined);
  await rest(START_MS + calmFromMs(scenario) + budgetMs(scenario, stream.shards.length));
  const judging = async (judge: () => Promise<void>): Promise<void> => {
    if (violation !== undefined) return;
    await judge().catch((error: unknown) => {
      if (!(error instanceof Violation)) throw error;
      conditions.fail(error);
    });
  };
  await judging(async () => {
    ledger.invoke();
    await restWithin();
    if (violation !== undefined) return;
    const isWaiting = (await waitingKeys(table)).length > 0;
    if (isWaiting) {
      await auditReconcile(worldAtRest());
      await askTrace(worldAtRest());
    }
    for (let round = 0; isWaiting && round < REDRIVES_MAX && (await waitingKeys(table)).length > 0; round++) {
      redrive.invoke();
      await restWithin();
      if (violation !== undefined) return;
    }
    checkRedriven(await waitingKeys(table), parked, audit);
    const waiting = await waitingRecords(worldAtRest());
    const plays = createPlays(stream, audit);
    const isLost = (each: StreamedRecord) => !each.replay && !waiting.has(each) && plays.standingOf(each) === undefined;
    const lost = stream.records.find(isLost);
    if (lost)
      throw new Violation('what is parked is played again', `#${lost.index} is neither counted, nor does it wait`);
    ledger.invoke();
    await restWithin();
    if (!hasSources(scenario)) return;
    // A run moves on by a step a fold; one of which a chunk was filed whole is given up at last.
    for (let fold = 0; fold < FOLDS_TO_END; fold++) {
      ledger.invoke();
      await restWithin();
    }
    time.after(RUN_GIVEN_UP_MS, ledger.invoke);
    await rest(time.now() + RUN_GIVEN_UP_MS + budgetMs(scenario, stream.shards.length));
    ledger.invoke();
    await restWithin();
  });
  await judging(async () => {
    const world = worldAtRest();
    tape.audit(stream, tapeParked);
    await auditAtRest(world);
    await auditLedger(world);
    await auditRuns({ ...world, ingestion, pipelinesApi, events });
    await auditObjects({ table, objects: firehose.objects, parked, registered: catalog.registered });
    await auditReconcile(world);
    await askTrace(world);
  });
  const rows = [...firehose.accepted.values()];
  return {
    violation,
    records: stream.records.length,
    events: stream.records.reduce((sum, { events }) => sum + events.length, 0),
    invocations: processor.invocations.length,
    rowsTwice: rows.reduce((sum, ofRecord) => sum + ofRecord.length - 1, 0),
    parked: stream.records.filter((record) => audit.accountOf(record).isParked).length,
    lastedMs: time.now() - START_MS,
  };
}

function hasSources({ sources }: Scenario): boolean {
  return sources.drops.length + sources.messages.length + sources.apiRuns.length > 0;
}

const FOLDS_TO_END = 4;
/** Longer than anything that a run waits for: docs/runs.md */
const RUN_GIVEN_UP_MS = 6 * 24 * 3_600_000;

/** One seed of this many is traced: it takes as long as all other audits together. */
const TRACED_ONE_OF = 4;
const TRACED_EVENTS = 6;

/** Rounds of redriving, each of what the one before has left. */
const REDRIVES_MAX = 6;

/** How long what was given up, or was not told of, may still be worked at by an attempt that was taken for dead. */
const WORKED_ON_MS = 45_000;

function isSettled({ atMs }: { readonly atMs: number }, nowMs: number, { timeoutMs }: Scenario): boolean {
  return nowMs - atMs > timeoutMs + WORKED_ON_MS;
}

/** Objects that wait to be redriven. */
async function waitingKeys(table: StateTablePort): Promise<readonly string[]> {
  const items = [...(await table.query(PARKED)), ...(await table.query(MISDELIVERED))];
  const isWaiting = ({ attributes }: StateItem) => !['redriven', 'tape_parked'].includes(String(attributes.status));
  return items.filter(isWaiting).map(({ sk }) => sk);
}

/**
 * Only a record that kills the function may be given up again and again, each time before it was tried often enough, and
 * with it those of its shard that it keeps from being tried.
 */
function checkRedriven(waiting: readonly string[], parked: readonly ParkedDocument[], audit: Audit): void {
  const documents = parked.filter(({ key }) => waiting.includes(key)).flatMap(({ records }) => records);
  const blocked = new Set(documents.filter(audit.isPoison).map(({ shardId }) => shardId));
  for (const key of waiting) {
    const document = parked.find((each) => each.key === key);
    if (document?.records.some(({ shardId }) => blocked.has(shardId))) continue;
    throw new Violation('what came back can be redriven', `${key} still waits after ${REDRIVES_MAX} rounds`);
  }
}

/** Records of a batch of the tape, whose batches are other than the processor's. */
const TAPE_BATCH = 50;

const PORTION_MS = 5_000;

/** When the last fault has ended, since the start. */
function calmFromMs({ durationMs, outages }: Scenario): number {
  return Math.max(durationMs, ...outages.map(({ untilMs }) => untilMs));
}

/** Longest wait of the mapping between two attempts. */
const BACKOFF_MS_MAX = 30_000;

/** What a shard may take after that: each attempt that must fail, one after another, along the longest line of shards. */
function budgetMs(scenario: Scenario, shards: number): number {
  const { puts, batchSize, retriesMax, timeoutMs, reshards, batchingWindowMs } = scenario;
  const poisons = puts.flatMap(({ records }) => records).filter(({ events }) => events.includes('poison')).length;
  const isolating = Math.ceil(Math.log2(batchSize + 1)) + retriesMax + 2;
  const attempts = 2 * poisons * isolating + 4 * (shards + 2 * reshards.length);
  return attempts * (BACKOFF_MS_MAX + timeoutMs) + puts.length * (batchingWindowMs + 5_000) + 120_000;
}
