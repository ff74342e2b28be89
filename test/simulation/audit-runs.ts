/** Runs end, as they should, and are the truth: each place that they produced is accounted for once. */
import { createRuns } from '../../batch/runs/create-runs.ts';
import { ENDED, RUN_STATUSES, type Run, type RunCounts } from '../../batch/runs/run.ts';
import { partitionLedgerKey } from '../../processors/books/keys.ts';
import { integerOf, type StateWrite } from '../../processors/books/state-table.ts';
import type { World } from './audit-at-rest.ts';
import type { SourceEvents } from './chunk-content.ts';
import { countedEvents } from './expected-groups.ts';
import type { SimulatedIngestion } from './ingestion.ts';
import type { SimulatedPipelinesApi } from './pipelines-api.ts';
import { Violation } from './violation.ts';

export interface RunsWorld extends World {
  readonly ingestion: SimulatedIngestion;
  readonly pipelinesApi: SimulatedPipelinesApi;
  readonly events: SourceEvents;
  readonly nowMs: number;
}

/** What a run must have come to. */
interface ExpectedRun {
  /** Undefined: as much as it had put when it was stopped. */
  readonly produced: number | undefined;
  readonly ending: 'read whole' | 'failed' | 'cancelled';
}

/** @throws Violation */
export async function auditRuns(world: RunsWorld): Promise<void> {
  const runs = createRuns({ table: world.table, clock: { now: () => world.nowMs } });
  const found: Run[] = [];
  for (const status of RUN_STATUSES) found.push(...(await runs.list(status, 1_000)).runs);
  const expected = new Set<unknown>([...world.ingestion.dropped.values(), ...world.pipelinesApi.made.values()]);
  if (found.length !== expected.size) {
    throw new Violation('a run an object and request', `${found.length} runs, and ${expected.size} were to be made`);
  }
  for (const run of found) checkRun(world, run, await runs.counts(run));
  checkOnce(world);
}

function checkRun(world: RunsWorld, run: Run, counts: RunCounts): void {
  const { id, status, produced } = run;
  const expected = expectedOf(world, run);
  const said = `${id} is ${status}, ${JSON.stringify({ ...counts, produced, error: run.error })}`;
  if (!ENDED.has(status)) throw new Violation('every run ends', said);
  if (expected.produced !== undefined && produced !== expected.produced) {
    throw new Violation('a run knows what it produced', `${said}; it had ${expected.produced}`);
  }
  const accounted = counts.delivered + counts.quarantined + counts.dropped + counts.duplicate + counts.parked;
  if (accounted < produced && lacksWhatWasFiled(world, run)) return;
  if (accounted !== produced) throw new Violation('runs balance', `${said}; ${accounted} are accounted for`);
  const truth = truthOf(world, id);
  for (const outcome of ['delivered', 'quarantined', 'dropped', 'duplicate'] as const) {
    if (truth[outcome] === counts[outcome]) continue;
    throw new Violation('runs are the truth', `${said}; ${outcome} should be ${truth[outcome]}`);
  }
  const isFlawed = counts.quarantined + counts.parked > 0;
  const allowed = {
    'read whole': [isFlawed ? 'succeeded_with_failures' : 'succeeded'],
    failed: ['failed'],
    cancelled: ['cancelled'],
  }[expected.ending];
  // What was parked when it ended may have been played again since.
  if (allowed.includes(status) || (status === 'succeeded_with_failures' && expected.ending === 'read whole')) return;
  throw new Violation('a run ends as it went', `${said}; allowed: ${allowed.join(', ')}`);
}

/**
 * A run that ends well has all its rows in the tables: asked when it is written.
 * @throws Violation
 */
export async function checkLanded(
  { table, stream, audit }: Pick<RunsWorld, 'table' | 'stream' | 'audit'>,
  writes: readonly StateWrite[],
): Promise<void> {
  for (const write of writes) {
    if (write.kind !== 'update' || write.key.sk !== 'run') continue;
    if (!String(write.set?.status).startsWith('succeeded')) continue;
    const runId = write.key.pk.slice('run#'.length);
    const rows = new Map<string, number>();
    for (const record of stream.records) {
      const { decision } = audit.accountOf(record);
      if (decision === undefined) continue;
      for (const event of countedEvents([record], decision, audit.judge)) {
        if (event.runId !== runId || event.outcome !== 'delivered') continue;
        rows.set(event.partition, (rows.get(event.partition) ?? 0) + 1);
      }
    }
    for (const [partition, count] of rows) {
      const landed = integerOf(await table.get(partitionLedgerKey('orders', partition)), 'landed');
      if (landed >= count) continue;
      throw new Violation('a run ends when it has landed', `${runId}: ${landed} of ${count} rows in ${partition}`);
    }
  }
}

/**
 * Filed whole, since attempts at it died, a chunk is one failed event, and of no run: its run waits for it in vain, or had
 * counted it as given up before.
 */
function lacksWhatWasFiled({ stream, audit, plays }: RunsWorld, { id, status }: Run): boolean {
  const filed = stream.records.filter(
    (record) =>
      audit.accountOf(record).decision === 'killed' && record.events.some(({ planned }) => planned.runId === id),
  );
  if (status === 'failed') return filed.length > 0;
  const wasGivenUp = filed.some((record) => plays.wasParked(record.replay?.first ?? record));
  return status === 'succeeded_with_failures' && wasGivenUp;
}

function expectedOf({ ingestion, pipelinesApi }: RunsWorld, { id, source }: Run): ExpectedRun {
  const drop = source.kind === 's3' ? ingestion.dropped.get(source.key) : undefined;
  if (drop) {
    const { lines, endsAfter } = drop;
    return { produced: endsAfter ?? lines.length, ending: endsAfter === undefined ? 'read whole' : 'failed' };
  }
  const api = pipelinesApi.made.get(id);
  if (api === undefined) throw new Violation('a run an object and request', `nobody asked for ${id}`);
  const ending = api.end === 'cancel' ? 'cancelled' : 'read whole';
  return { produced: api.requests.flat().length, ending };
}

/** By the journal's own decisions: a place of a run counts once, whatever copies of its chunk there are. */
function truthOf({ stream, audit }: RunsWorld, runId: string) {
  const truth = { delivered: 0, quarantined: 0, dropped: 0, duplicate: 0 };
  for (const record of stream.records) {
    const { decision } = audit.accountOf(record);
    if (decision === undefined) continue;
    for (const event of countedEvents([record], decision, audit.judge)) {
      if (event.runId === runId) truth[event.outcome] += 1;
    }
  }
  return truth;
}

/**
 * Of all copies of an event that a source put, one counts, unless one that may be the one is filed whole, which is without
 * a claim, or has been given up until now.
 */
function checkOnce({ stream, audit, plays, events }: RunsWorld): void {
  const counting = new Map<string, { times: number; isElsewhere: boolean }>();
  for (const record of stream.records) {
    if (record.replay !== undefined) continue;
    const standing = plays.standingOf(record);
    for (const event of record.events) {
      const { id } = event.planned;
      if (!events.ids.has(id)) continue;
      const copies = counting.get(id) ?? { times: 0, isElsewhere: false };
      counting.set(id, copies);
      if (standing?.decision === undefined || standing.decision === 'killed') copies.isElsewhere = true;
      else if (
        audit.judge.outcomeOf({ ...event, record: standing.record }, standing.decision).outcome !== 'duplicate'
      ) {
        copies.times += 1;
      }
    }
  }
  for (const [id, { times, isElsewhere }] of counting) {
    if (times === 1 || (times === 0 && isElsewhere)) continue;
    throw new Violation('a source counts once', `${id} counts ${times} times`);
  }
}
