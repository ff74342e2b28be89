/** Runs one scenario from its first put until nothing is left to do, and says what was broken. */

import type { StateTablePort } from '../../processors/books/state-table.ts';
import { createMemoryStateTable } from '../support/processors/memory-state-table.ts';
import { createAudit } from './audit.ts';
import { auditAtRest, type World } from './audit-at-rest.ts';
import { auditLedger } from './audit-ledger.ts';
import { auditObjects, type ObjectsWorld, type ParkedDocument } from './audit-objects.ts';
import { createCatalog } from './catalog.ts';
import { createConditions } from './conditions.ts';
import { createFirehose } from './firehose.ts';
import { createLedger } from './ledger.ts';
import { createMapping, type MappedBatch } from './mapping.ts';
import { ARCHIVE_BUCKET, createObjects, errorsOf, PROCESSED_BUCKET, parkedDocumentOf, parquetOf } from './objects.ts';
import { createProcessor } from './processor.ts';
import { createProducers } from './producers.ts';
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
  const firehose = createFirehose<MappedBatch>(conditions, ({ key, rows }) =>
    catalog.notify(
      objects.put(PROCESSED_BUCKET, key, key.startsWith('errors/') ? errorsOf(rows.length) : parquetOf(rows.length)),
    ),
  );
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
      parked.push({ key, records: discard.records });
      audit.onParked(discard.records);
      catalog.notify(objects.put(ARCHIVE_BUCKET, key, parkedDocumentOf(discard, time.now())));
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
    park: ({ records }) => {
      for (const record of records) tapeParked.add(record);
    },
  });
  const mappings = [mapping, tapeMapping];
  const ledger = createLedger(conditions, table);
  producers.start();
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

  // Nothing is at rest before the last fault has ended.
  time.after(calmFromMs(scenario) + 1, () => undefined);
  const untilMs = START_MS + calmFromMs(scenario) + budgetMs(scenario, stream.shards.length);
  // In portions, so that a broken promise ends it.
  for (let portion = START_MS; violation === undefined; portion += PORTION_MS) {
    if (await time.run(Math.min(portion, untilMs))) break;
    if (portion < untilMs) continue;
    const which = mappings.flatMap((each) => each.unfinished()).join(', ');
    conditions.fail(
      new Violation('every run ends', `after ${untilMs - START_MS} ms: ${which || 'all shards are done'}`),
    );
  }
  const unfinished = mappings.flatMap((each) => each.unfinished());
  if (violation === undefined && unfinished.length > 0) {
    conditions.fail(new Violation('no shard is blocked', unfinished.join(', ')));
  }
  if (violation === undefined) {
    ledger.invoke();
    await time.run(Number.POSITIVE_INFINITY);
    const world = { scenario, stream, firehose, table, payloads, accepted: producers.accepted, audit };
    const { registered } = catalog;
    const auditTape = () => tape.audit(stream, tapeParked);
    await auditAll(world, auditTape, { table, objects: firehose.objects, parked, registered }).catch(
      (error: unknown) => {
        if (!(error instanceof Violation)) throw error;
        conditions.fail(error);
      },
    );
  }
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

async function auditAll(world: World, auditTape: () => void, objects: ObjectsWorld): Promise<void> {
  auditTape();
  await auditAtRest(world);
  await auditLedger(world);
  await auditObjects(objects);
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
