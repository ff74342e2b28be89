/** Brings every run that has not ended as far as the books say it is. What it does not get to, the next invocation does. */
import { from, lastValueFrom, mergeMap, toArray } from 'rxjs';
import type { StreamRef } from '../../processors/books/keys.ts';
import {
  ConditionFailed,
  type StateItem,
  type StateTablePort,
  StateUnavailable,
  type StatusPlace,
} from '../../processors/books/state-table.ts';
import type { ClockPort } from '../../processors/ports.ts';
import { advanceRun, needsPartitions, type RunStep } from './advance-run.ts';
import { ENDED, type RunStatus } from './run.ts';
import { readRunCounts } from './run-counts.ts';
import { readStoredRun, runUpdate, type StoredRun } from './run-item.ts';
import { createLandedReader, type LandedReader, noteUpdate } from './run-partitions.ts';

export interface AdvancePorts {
  readonly table: StateTablePort;
  readonly clock: ClockPort;
  /** Whether to look at no other run. */
  readonly isTimeUp: () => boolean;
}

export interface Advanced {
  /** How many runs came to each status. */
  readonly statuses: ReadonlyMap<RunStatus, number>;
  /** Why a run could not be looked at, by its key. */
  readonly findings: ReadonlyMap<string, string>;
}

const UNDER_WAY: readonly RunStatus[] = ['landing', 'running', 'queued'];
const PAGE_RUNS = 100;
const RUNS_AT_ONCE = 8;
/** From queued to its end. */
const STEPS_MAX = 4;
/** Findings that are told one by one. */
const FINDINGS_MAX = 20;
const MINUTE_MS = 60_000;

/**
 * @param stream whose journal the runs are counted by
 * @throws StateUnavailable
 */
export async function advanceRuns(stream: StreamRef, ports: AdvancePorts): Promise<Advanced> {
  const { table, clock, isTimeUp } = ports;
  const statuses = new Map<RunStatus, number>();
  const findings = new Map<string, string>();
  const seen = new Set<string>();
  const landed = createLandedReader(table);
  // From either end in turn: where the time never suffices, none waits for ever.
  const descending = Math.floor(clock.now() / MINUTE_MS) % 2 === 1;

  async function advance(item: StateItem): Promise<void> {
    if (isTimeUp()) return;
    try {
      for (const status of await advanceOne(item, stream, landed, ports)) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    } catch (error) {
      if (error instanceof StateUnavailable) throw error;
      // Such as an item of a later version: the others go on.
      if (findings.size < FINDINGS_MAX) findings.set(item.pk, Error.isError(error) ? error.message : String(error));
    }
  }

  for (const status of UNDER_WAY) {
    let after: StatusPlace | undefined;
    do {
      if (isTimeUp()) return { statuses, findings };
      const page = await table.queryByStatus(status, { limit: PAGE_RUNS, after, descending });
      // One that was just changed may come once more.
      const runs = page.items.filter(({ pk, sk }) => sk === 'run' && !seen.has(pk));
      for (const { pk } of runs) seen.add(pk);
      await lastValueFrom(from(runs).pipe(mergeMap(advance, RUNS_AT_ONCE), toArray()));
      after = page.next;
    } while (after !== undefined);
  }
  return { statuses, findings };
}

/** @returns the statuses that it came to */
async function advanceOne(
  { pk, sk }: StateItem,
  stream: StreamRef,
  landed: LandedReader,
  { table, clock }: AdvancePorts,
): Promise<readonly RunStatus[]> {
  const statuses: RunStatus[] = [];
  for (let step = 0; step < STEPS_MAX; step++) {
    // The index may be behind.
    const item = await table.get({ pk, sk });
    const run = item && readStoredRun(item);
    if (run === undefined || ENDED.has(run.status)) break;
    const nowMs = clock.now();
    const counts = await readRunCounts(table, run.id, stream);
    const partitions = needsPartitions(run, counts, nowMs) ? await landed.touched(run.id) : [];
    const next = advanceRun(run, { counts, partitions }, nowMs);
    if (next === undefined || !(await write(table, run, next, nowMs))) break;
    if (next.run.status !== run.status) statuses.push(next.run.status);
  }
  return statuses;
}

/** @returns false when the run was changed meanwhile: the next invocation looks at it anew */
async function write(table: StateTablePort, run: StoredRun, step: RunStep, nowMs: number): Promise<boolean> {
  const update = runUpdate(run, { ...step.run, updatedAtMs: nowMs });
  try {
    await table.transact(step.note === undefined ? [update] : [update, noteUpdate(run.id, step.note)]);
    return true;
  } catch (error) {
    if (error instanceof ConditionFailed) return false;
    throw error;
  }
}
