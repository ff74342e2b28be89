/**
 * Runs in the state table. Each change is made to the item as it is, under the condition that it still is so, and is tried
 * again where another was quicker; what a run has ended as, nobody changes. `docs/runs.md` is the state machine.
 */
import { hash } from 'node:crypto';
import { runKey, runRequestKey } from '../../processors/books/keys.ts';
import {
  ConditionFailed,
  type StateItem,
  type StatePut,
  type StateTablePort,
  StateUnavailable,
} from '../../processors/books/state-table.ts';
import type { ClockPort } from '../../processors/ports.ts';
import { ENDED, type NewRun, type Run } from './run.ts';
import { readRunCounts } from './run-counts.ts';
import { newRunPut, readStoredRun, runUpdate, type StoredRun, toldRun } from './run-item.ts';
import type { RunsPort } from './runs-port.ts';

export interface RunsOptions {
  readonly table: StateTablePort;
  readonly clock: ClockPort;
}

const RUN_ID = /^[\w-]{1,64}$/;
const METADATA_BYTES_MAX = 4_096;
/** Of why a source was not read whole. */
const ERROR_CHARACTERS_MAX = 2_048;
const LIST_MAX = 1_000;
/** Times that a change is made to the item as it is now, while others keep changing it. */
const CHANGES_TRIED_MAX = 20;
/** How often a producer that has nothing new is noted. */
const HEARD_EVERY_MS = 60_000;

/** Every method throws RangeError for an argument out of its bounds, and Error for a run that must be there and is not. */
export function createRuns({ table, clock }: RunsOptions): RunsPort {
  async function stored(id: string): Promise<StoredRun | undefined> {
    if (!RUN_ID.test(id)) return undefined;
    const item = await table.get(runKey(id));
    return item && readStoredRun(item);
  }

  /** @param become what it is to be; undefined: it stays as it is */
  async function change(
    id: string,
    become: (run: StoredRun) => StoredRun | undefined,
    put?: StatePut,
  ): Promise<StoredRun | undefined> {
    let run = await stored(id);
    for (let tries = 1; run !== undefined; tries++) {
      const next = become(run);
      if (next === undefined) return run;
      try {
        const update = runUpdate(run, { ...next, updatedAtMs: clock.now() });
        if (put === undefined) return readStoredRun(await table.update(update));
        await table.transact([update, put]);
        return await stored(id);
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
        // What goes with the change is there already: it was made before.
        if (error.failed.has(1)) return await stored(id);
        if (tries >= CHANGES_TRIED_MAX) {
          throw new StateUnavailable(`run ${id} is changed by others again and again`, { cause: error });
        }
        run = nowOf(error.failed.get(0)) ?? (await stored(id));
      }
    }
    return undefined;
  }

  async function mustChange(id: string, become: (run: StoredRun) => StoredRun | undefined): Promise<Run> {
    const run = await change(id, become);
    if (run === undefined) throw new Error(`run: received ${JSON.stringify(id)}, and there is no such run`);
    return toldRun(run);
  }

  return {
    async open(run) {
      checkNewRun(run);
      try {
        await table.transact([newRunPut(run, clock.now())]);
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
      }
      return mustChange(run.id, () => undefined);
    },
    async get(id) {
      const run = await stored(id);
      return run && toldRun(run);
    },
    progress(id, { produced, position }) {
      checkCount('produced', produced);
      return mustChange(id, (run) => progressed(run, produced, position, clock.now()));
    },
    finish(id, { produced, error }) {
      checkCount('produced', produced);
      return mustChange(id, (run) => finished(run, produced, error?.slice(0, ERROR_CHARACTERS_MAX), clock.now()));
    },
    async add(id, request, records) {
      checkCount('records', records);
      const key = runRequestKey(id, hash('sha256', request));
      const put: StatePut = { kind: 'put', key, when: 'new', attributes: { records, added_at: clock.now() } };
      let takesMore = true;
      const run = await change(
        id,
        (now) => {
          takesMore = takesRequests(now);
          return takesMore ? added(now, records, clock.now()) : undefined;
        },
        put,
      );
      if (run === undefined) return undefined;
      if (takesMore || (await table.get(key)) !== undefined) return toldRun(run);
      return undefined;
    },
    async cancel(id) {
      const run = await change(id, (now) => cancelled(now, clock.now()));
      return run && toldRun(run);
    },
    async list(status, limit, next) {
      if (!Number.isInteger(limit) || limit < 1 || limit > LIST_MAX) {
        throw new RangeError(`limit: received ${limit}, allowed: 1 to ${LIST_MAX}`);
      }
      const after = next === undefined ? undefined : readNext(next);
      const page = await table.queryByStatus(status, { limit, after, descending: true });
      return {
        runs: page.items.filter(({ sk }) => sk === 'run').map((item) => toldRun(readStoredRun(item))),
        next: page.next && `${page.next.updatedAtMs}.${page.next.pk.slice('run#'.length)}`,
      };
    },
    counts: ({ id }) => readRunCounts(table, id),
  };
}

function nowOf(item: StateItem | undefined): StoredRun | undefined {
  return item && readStoredRun(item);
}

/** The run with all that is known to be put: a producer may have put more than was known when it was given up. */
function progressed(run: StoredRun, produced: number, position: string, nowMs: number): StoredRun | undefined {
  if (ENDED.has(run.status) || run.status === 'landing') return undefined;
  const isNew = run.status === 'queued' || produced > run.produced || position !== run.position;
  if (produced < run.produced || (!isNew && nowMs - run.heardAtMs < HEARD_EVERY_MS)) return undefined;
  return { ...begun(run, nowMs), produced, position };
}

function finished(run: StoredRun, produced: number, error: string | undefined, nowMs: number): StoredRun | undefined {
  if (ENDED.has(run.status) || run.status === 'landing') return undefined;
  if (run.hasAllProduced && produced <= run.produced) return undefined;
  const known = { ...begun(run, nowMs), produced: Math.max(run.produced, produced) };
  return run.hasAllProduced ? known : { ...known, hasAllProduced: true, allProducedAtMs: nowMs, error };
}

function takesRequests(run: StoredRun): boolean {
  return run.source.kind === 'api' && !run.hasAllProduced && !ENDED.has(run.status);
}

function added(run: StoredRun, records: number, nowMs: number): StoredRun {
  return { ...begun(run, nowMs), produced: run.produced + records };
}

function cancelled(run: StoredRun, nowMs: number): StoredRun | undefined {
  // All that could be stopped has happened.
  if (run.hasAllProduced || ENDED.has(run.status) || run.cancelRequestedAtMs !== undefined) return undefined;
  const asked = { ...run, cancelRequestedAtMs: nowMs };
  const complete = { ...asked, hasAllProduced: true, allProducedAtMs: nowMs };
  if (run.status === 'queued') return { ...complete, status: 'cancelled', endedAtMs: nowMs, landedRows: 0 };
  return run.source.kind === 'api' ? complete : asked;
}

function begun(run: StoredRun, nowMs: number): StoredRun {
  return { ...run, status: 'running', startedAtMs: run.startedAtMs ?? nowMs, heardAtMs: nowMs };
}

function checkNewRun({ id, metadata, chunkRecordsMax }: NewRun): void {
  if (!RUN_ID.test(id))
    throw new RangeError(`run id: received ${JSON.stringify(id)}, allowed: 1 to 64 of [A-Za-z0-9_-]`);
  const bytes = Buffer.byteLength(metadata);
  if (bytes > METADATA_BYTES_MAX) {
    throw new RangeError(`metadata: received ${bytes} bytes, allowed: ${METADATA_BYTES_MAX}`);
  }
  if (!Number.isInteger(chunkRecordsMax) || chunkRecordsMax < 1) {
    throw new RangeError(`chunkRecordsMax: received ${chunkRecordsMax}, allowed: 1 and more`);
  }
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name}: received ${value}, allowed: 0 and more`);
}

/** `<updated at>.<run id>` */
function readNext(next: string) {
  const [, updatedAt, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(next) ?? [];
  if (updatedAt === undefined || id === undefined) {
    throw new RangeError(`next: received ${JSON.stringify(next.slice(0, 100))}, allowed: what the page before gave`);
  }
  return { ...runKey(id), updatedAtMs: Number(updatedAt) };
}
