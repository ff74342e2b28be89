import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { createQueryExecutions, type QueryExecution, type QueryExecutions } from './query-execution.ts';
import type { QueryResult } from './run-query.ts';

let clock: Clock;
let executions: QueryExecutions;

beforeEach(() => {
  clock = createClock();
  executions = createQueryExecutions(clock);
});

afterEach(async () => {
  await executions.stop();
  clock.stop();
});

const MIB = 1024 * 1024;
const result = (heldBytes: number): QueryResult => ({ columns: [], rows: [], scannedBytes: 7, heldBytes });

const submit = (run: () => Promise<QueryResult>, token?: string): QueryExecution =>
  executions.submit(
    {
      ...{ query: 'SELECT 1', statementType: 'DML', workGroup: 'primary', database: 'db', catalog: undefined },
      outputLocation: (id) => `s3://results/${id}.csv`,
    },
    run,
    token,
  );

/** Runs one after another. */
async function runAll(sizes: readonly number[]): Promise<readonly QueryExecution[]> {
  const all: QueryExecution[] = [];
  for (const heldBytes of sizes) {
    all.push(submit(async () => result(heldBytes)));
    while (executions.busy()) await sleep(0);
  }
  return all;
}

const held = (all: readonly QueryExecution[]): readonly boolean[] => all.map((one) => one.result !== undefined);

it('holds results up to 256 MiB together, and lets go of those first that ended first', async () => {
  const all = await runAll([100 * MIB, 100 * MIB, 100 * MIB, 10 * MIB]);

  expect(held(all)).toEqual([false, true, true, true]);
  expect(all[0]).toMatchObject({ state: 'SUCCEEDED', scannedBytes: 7 });
});

it('holds the newest result whatever its size', async () => {
  const all = await runAll([1, 300 * MIB]);

  expect(held(all)).toEqual([false, true]);
});

it('holds at most 50 results', async () => {
  const all = await runAll(Array.from({ length: 52 }, () => 1));

  expect(held(all).filter(Boolean)).toHaveLength(50);
});

it('goes by when a query ended, not by when it was submitted', async () => {
  let finish = (): void => undefined;
  const slow = submit(() => new Promise((resolve) => (finish = () => resolve(result(200 * MIB)))));
  const quick = submit(async () => result(100 * MIB));
  while (quick.completedAtMs === undefined) await sleep(0);
  await sleep(2);

  finish();
  while (executions.busy()) await sleep(0);

  expect(held([slow, quick])).toEqual([true, false]);
});

it('runs a query of a known token once, and forgets the token together with the query', async () => {
  const token = 'a'.repeat(32);
  const first = submit(async () => result(1), token);
  const again = submit(async () => result(1), token);
  await runAll(Array.from({ length: 1_000 }, () => 1));

  const later = submit(async () => result(1), token);

  expect(again).toBe(first);
  expect(executions.find(first.id)).toBeUndefined();
  expect(later.id).not.toBe(first.id);
});
