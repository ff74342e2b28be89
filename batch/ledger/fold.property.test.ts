import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OUTCOMES } from '../../processors/books/journal-entry.ts';
import type { StateItem, StateTablePort } from '../../processors/books/state-table.ts';
import { StateUnavailable } from '../../processors/books/state-table.ts';
import { COMMITTED_AT_MS, type PlannedGroup, STREAM, summed, writeJournal } from '../../test/support/batch/journal.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { foldLedger } from './fold.ts';
import { readMinutes } from './read-minutes.ts';

const group: fc.Arbitrary<PlannedGroup> = fc.record({
  dataset: fc.constantFrom('flights', 'earthquakes', '?'),
  runId: fc.constantFrom('', '', 'run-1', 'run-2'),
  outcome: fc.constantFrom(...OUTCOMES),
  day: fc.integer({ min: 0, max: 3 }),
  hour: fc.integer({ min: 0, max: 5 }),
  events: fc.integer({ min: 1, max: 5_000 }),
  fingerprint: fc.bigInt({ min: 0n, max: 2n ** 60n }),
  eighths: fc.integer({ min: 0, max: 800 }),
});

/** An entry that one transaction does not hold: a group a day. */
const wide = fc
  .tuple(group, fc.integer({ min: 95, max: 210 }))
  .map(([each, days]) =>
    Array.from({ length: days }, (_, day): PlannedGroup => ({ ...each, outcome: 'delivered', day, events: day + 1 })),
  );

const entry = fc.record({
  groups: fc.oneof(
    { weight: 4, arbitrary: fc.array(group, { minLength: 1, maxLength: 6 }) },
    { weight: 1, arbitrary: wide },
  ),
  records: fc.integer({ min: 1, max: 500 }),
  latencyMs: fc.integer({ min: 0, max: 100_000 }),
  secondsLater: fc.integer({ min: 0, max: 90 }),
});

const journals = fc.array(fc.array(entry, { maxLength: 8 }), { minLength: 1, maxLength: 3 });

const fault = fc.constantFrom('before', 'after', undefined, undefined, undefined, undefined);

/** Fails calls, before or after they are carried out, as they come. */
function failing(table: StateTablePort, faults: Iterator<'before' | 'after' | undefined>): StateTablePort {
  async function call<T>(work: () => Promise<T>): Promise<T> {
    const next = faults.next();
    const planned = next.done ? undefined : next.value;
    if (planned === 'before') throw new StateUnavailable('before', { cause: undefined });
    const answer = await work();
    if (planned === 'after') throw new StateUnavailable('after', { cause: undefined });
    return answer;
  }
  return {
    get: (key) => call(() => table.get(key)),
    query: (pk, range) => call(() => table.query(pk, range)),
    queryByStatus: (status, range) => call(() => table.queryByStatus(status, range)),
    update: (update) => call(() => table.update(update)),
    transact: (writes) => call(() => table.transact(writes)),
  };
}

/** Each call waits until the scheduler lets it. */
function scheduled(table: StateTablePort, scheduler: fc.Scheduler): StateTablePort {
  const call = <T>(work: () => Promise<T>) => scheduler.schedule(Promise.resolve()).then(work);
  return {
    get: (key) => call(() => table.get(key)),
    query: (pk, range) => call(() => table.query(pk, range)),
    queryByStatus: (status, range) => call(() => table.queryByStatus(status, range)),
    update: (update) => call(() => table.update(update)),
    transact: (writes) => call(() => table.transact(writes)),
  };
}

const clock = { now: () => COMMITTED_AT_MS + 10_000_000 };
const isTimeUp = () => false;

async function fold(table: StateTablePort): Promise<void> {
  await foldLedger(STREAM, { table, clock, isTimeUp }).catch((error: unknown) => {
    if (!(error instanceof StateUnavailable)) throw error;
  });
}

/** Ledger items without when they were written, and minutes without their sketches. */
function ledgerOf(items: readonly StateItem[]): Record<string, unknown> {
  const shown = items
    .filter(({ pk }) => /^(ledger|run|minutes)#/.test(pk))
    .map(({ pk, sk, attributes: { updated_at, latency, expires_at, ...rest } }) => [`${pk} ${sk}`, rest] as const);
  return Object.fromEntries(shown);
}

describe('the fold', () => {
  test('comes to the sum of the journal, wherever it is cut off, and whether or not an answer was lost', async () => {
    await fc.assert(
      fc.asyncProperty(journals, fc.array(fault, { maxLength: 40 }), async (shards, faults) => {
        const table = createMemoryStateTable();
        await writeJournal(table, shards);
        const planned = faults.values();

        for (let attempt = 0; attempt < faults.length; attempt++) await fold(failing(table, planned));
        await fold(table);

        expect(ledgerOf(table.items())).toEqual(summed(shards));
      }),
      { numRuns: 25 },
    );
  });

  test('comes to the sum of the journal when folds run at once, in any order of their calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), journals, fc.integer({ min: 2, max: 3 }), async (scheduler, shards, count) => {
        const table = createMemoryStateTable();
        await writeJournal(table, shards);

        const folds = Array.from({ length: count }, () => fold(scheduled(table, scheduler)));
        await scheduler.waitFor(Promise.all(folds));

        expect(ledgerOf(table.items())).toEqual(summed(shards));
      }),
      { numRuns: 20 },
    );
  });

  test('comes to the sum of the journal when the time is up again and again', async () => {
    await fc.assert(
      fc.asyncProperty(journals, fc.integer({ min: 1, max: 9 }), async (shards, calls) => {
        const table = createMemoryStateTable();
        await writeJournal(table, shards);

        for (let turn = 0; turn < 20; turn++) {
          let left = calls;
          await foldLedger(STREAM, { table, clock, isTimeUp: () => left-- <= 0 });
        }
        await fold(table);

        expect(ledgerOf(table.items())).toEqual(summed(shards));
      }),
      { numRuns: 12 },
    );
  });

  test('gives figures by the minute that are the sums over shards', async () => {
    await fc.assert(
      fc.asyncProperty(journals, async (shards) => {
        const table = createMemoryStateTable();
        await writeJournal(table, shards);
        await fold(table);

        const figures = await readMinutes(table, '2026-11-25T07:00', '2026-11-25T09:59');

        const received = (sum: number, each: { readonly received: number }) => sum + each.received;
        const events = shards
          .flat()
          .flatMap(({ groups }) => groups)
          .reduce((sum, each) => sum + each.events, 0);
        expect(figures.reduce(received, 0)).toBe(events);
        for (const { latency } of figures) {
          expect(latency.min).toBeLessThanOrEqual(latency.p50);
          expect(latency.p50).toBeLessThanOrEqual(latency.p95);
          expect(latency.p95).toBeLessThanOrEqual(latency.p99);
          expect(latency.p99).toBeLessThanOrEqual(latency.max);
        }
      }),
      { numRuns: 12 },
    );
  });
});
