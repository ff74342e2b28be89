import { describe, expect, test } from '@jest/globals';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { runScenario } from './run-scenario.ts';
import { scenarioOf } from './scenario.ts';
import { shrink } from './shrink.ts';

const SEEDS = 40;

async function traceOf(seed: number): Promise<string> {
  const lines: string[] = [];
  await runScenario(scenarioOf(seed), { onLine: (line) => lines.push(line) });
  return lines.join('\n');
}

/** The first seed that breaks a promise of a pipeline with this state table. */
async function firstBroken(wrapTable: (table: StateTablePort) => StateTablePort) {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation } = await runScenario(scenarioOf(seed), { wrapTable });
    if (violation) return { seed, violation };
  }
  return undefined;
}

describe('the simulation', () => {
  test(`keeps every promise in ${SEEDS} seeds, which is no wonder of doing nothing`, async () => {
    let delivered = 0;
    let rowsTwice = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation, events, rowsTwice: twice } = await runScenario(scenarioOf(seed));
      expect([seed, violation?.message]).toEqual([seed, undefined]);
      delivered += events;
      rowsTwice += twice;
    }
    expect(delivered).toBeGreaterThan(10 * SEEDS);
    expect(rowsTwice).toBeGreaterThan(0);
  }, 120_000);

  test('writes the same trace, byte for byte, for the same seed', async () => {
    for (const seed of [3, 17, 21]) {
      const first = await traceOf(seed);

      expect(await traceOf(seed)).toBe(first);
      expect(first.length).toBeGreaterThan(200);
    }
  });

  test('finds a checkpoint that moves without its entry, and makes the scenario small', async () => {
    const wrapTable = (table: StateTablePort): StateTablePort => ({
      ...table,
      transact: (writes) => table.transact(writes.filter(({ kind }) => kind === 'update')),
    });

    const found = await firstBroken(wrapTable);

    if (found === undefined) throw new Error(`no seed up to ${SEEDS} found it`);
    const { scenario, violation } = await shrink(scenarioOf(found.seed), found.violation, { wrapTable });
    expect(violation.invariant).toBe(found.violation.invariant);
    expect(scenario.puts).toHaveLength(1);
    expect(scenario.faults).toEqual({});
  });

  test('finds a checkpoint that moves whatever it was before', async () => {
    const found = await firstBroken((table) => ({
      ...table,
      transact: (writes) =>
        table.transact(writes.map((write) => (write.kind === 'update' ? { ...write, expect: {} } : write))),
    }));

    expect(found?.violation.invariant).toBeDefined();
  });

  test('finds an entry that is put where one is already', async () => {
    const found = await firstBroken((table) => ({ ...table, transact: async () => {} }));

    expect(found?.violation.invariant).toBeDefined();
  });
});
