/** Runs in memory, as far as `RunsPort` promises: for whoever asks of them, and does not keep the books. */
import { ENDED, type NewRun, type Run } from '../../../batch/runs/run.ts';
import type { RunsPort } from '../../../batch/runs/runs-port.ts';

export interface MemoryRuns extends RunsPort {
  /** Changes a run as the books would. */
  change(id: string, change: Partial<Run>): void;
}

export function createMemoryRuns(now: () => number): MemoryRuns {
  const runs = new Map<string, Run>();
  const requests = new Set<string>();

  function change(id: string, changed: Partial<Run>): Run {
    const run = runs.get(id);
    if (run === undefined) throw new Error(`there is no run ${id}`);
    const next = { ...run, ...changed, updatedAtMs: now() };
    runs.set(id, next);
    return next;
  }

  return {
    change,
    async open(run: NewRun) {
      const existing = runs.get(run.id);
      if (existing) return existing;
      const made: Run = {
        ...run,
        status: 'queued',
        createdAtMs: now(),
        updatedAtMs: now(),
        startedAtMs: undefined,
        endedAtMs: undefined,
        produced: 0,
        hasAllProduced: false,
        position: '',
        error: undefined,
        cancelRequestedAtMs: undefined,
      };
      runs.set(run.id, made);
      return made;
    },
    get: async (id) => runs.get(id),
    progress: async (id, { produced, position }) => change(id, { produced, position, status: 'running' }),
    finish: async (id, { produced }) => {
      const was = runs.get(id)?.produced ?? 0;
      return change(id, { produced: Math.max(was, produced), hasAllProduced: true });
    },
    async add(id, request, records) {
      const run = runs.get(id);
      if (run === undefined || run.hasAllProduced) return undefined;
      if (requests.has(`${id} ${request}`)) return run;
      requests.add(`${id} ${request}`);
      return change(id, { produced: run.produced + records, status: 'running', startedAtMs: run.startedAtMs ?? now() });
    },
    async cancel(id) {
      const run = runs.get(id);
      if (run === undefined || ENDED.has(run.status)) return run;
      const asked = { cancelRequestedAtMs: now() };
      return run.status === 'queued'
        ? change(id, { ...asked, status: 'cancelled', endedAtMs: now() })
        : change(id, asked);
    },
    async list(status, limit, next = '0') {
      if (!/^\d+$/.test(next)) throw new RangeError('next is none of its own');
      const found = [...runs.values()].filter((run) => run.status === status);
      const from = Number(next);
      return {
        runs: found.slice(from, from + limit),
        next: from + limit < found.length ? String(from + limit) : undefined,
      };
    },
    counts: async () => ({
      ...{ delivered: 0, quarantined: 0, dropped: 0, duplicate: 0, parked: 0 },
      landed: undefined,
      qualityScore: undefined,
    }),
  };
}
