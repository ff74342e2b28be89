import { describe, expect, test } from '@jest/globals';
import { createRecordIdentity } from '../../streams/position.ts';
import type { Mismatch } from './compare-tables.ts';
import { type NameRowsOptions, nameRows, type Standing } from './name-rows.ts';
import type { Sum } from './ports.ts';
import type { TapeEvent } from './tape-events.ts';

const PLACE = { table: 'flights', partition: '2026-01-01' };
const ids = Array.from({ length: 400 }, (_, index) =>
  createRecordIdentity('s').forRecord('shardId-0', String(index)).textOf(0),
);
const fingerprintOf = (id: string): number => Number.parseInt(id.slice(0, 8), 16);
const sumOf = (some: readonly string[]): Sum => ({
  count: some.length,
  fingerprint: some.reduce((sum, id) => sum + BigInt(fingerprintOf(id)), 0n),
});

interface Case {
  readonly counted: readonly string[];
  readonly there: readonly string[];
  readonly others?: readonly { readonly id: string; readonly standing: Standing }[];
  /** What the books say. Default: what is counted. */
  readonly expected?: Sum;
  readonly heldMax?: number;
}

/** @returns the findings by kind, and how many rows were asked for */
async function named({ counted, there, others = [], expected = sumOf(counted), heldMax }: Case) {
  const mismatch: Mismatch = { ...PLACE, expected, found: sumOf(there) };
  let held = 0;
  const eventOf = (recordId: string): TapeEvent => ({
    recordId,
    fingerprint: fingerprintOf(recordId),
    ...{
      position: '',
      carriedAt: '',
      eventId: undefined,
      dataset: 'flights',
      runId: '',
      hour: '',
      outcome: 'delivered',
    },
    ...{ place: PLACE, failure: undefined, reason: undefined, heldBy: undefined },
  });
  const options: NameRowsOptions = {
    mismatches: [mismatch],
    scope: {},
    misdelivered: async () => new Set(),
    ...(heldMax !== undefined && { heldMax }),
    async *eventsOf() {
      for (const id of counted) yield { event: eventOf(id), standing: 'counted' };
      for (const { id, standing } of others) yield { event: eventOf(id), standing };
    },
    tables: {
      sums: async () => [],
      between: async () => [],
      buckets: async () =>
        new Map([...Map.groupBy(there, (id) => id.slice(0, 3))].map(([bucket, some]) => [bucket, sumOf(some)])),
      rows: async (_, { buckets }) => {
        const some = there.filter((id) => buckets === undefined || buckets.includes(id.slice(0, 3)));
        held = some.length;
        return some.map((recordId) => ({ recordId, position: '', partition: PLACE.partition, copies: 1 }));
      },
    },
  };
  const findings = await nameRows(options);
  return { held, findings: findings.map(({ kind, residual, recordIds }) => ({ kind, residual, recordIds })) };
}

describe('a partition in which something is missing', () => {
  test('is narrowed down to what differs when it is large', async () => {
    const there = [...ids.slice(1), 'f'.repeat(32)];

    const { held, findings } = await named({ counted: ids, there, heldMax: 50 });

    expect(held).toBeLessThan(10);
    expect(findings).toEqual([
      { kind: 'rows_missing', residual: 1, recordIds: [ids[0]] },
      { kind: 'rows_extra', residual: 1, recordIds: ['f'.repeat(32)] },
    ]);
  });

  test('names what can be held, and counts the rest', async () => {
    const { findings } = await named({ counted: ids, there: [], heldMax: 50 });

    const [missing, rest] = findings;
    expect(missing?.kind).toBe('rows_missing');
    expect(rest?.kind).toBe('rows_differ');
    expect((missing?.residual ?? 0) + (rest?.residual ?? 0)).toBe(400);
    expect(missing?.residual).toBeGreaterThan(30);
  });

  test('has rows of records that are beyond the checkpoint: they are early, not too much', async () => {
    const others = [{ id: ids[9] ?? '', standing: 'in flight' as const }];

    expect(
      (await named({ counted: ids.slice(0, 5), there: [...ids.slice(0, 5), ids[9] ?? ''], others })).findings,
    ).toEqual([]);
  });

  test('has rows of records that the journal has lost: they are told there', async () => {
    const others = [{ id: ids[9] ?? '', standing: 'unknown' as const }];
    const there = [...ids.slice(0, 5), ids[9] ?? ''];

    expect((await named({ counted: ids.slice(0, 5), there, others })).findings).toEqual([]);
  });

  test('lacks rows of records that the journal has lost, and the ledger had counted', async () => {
    const others = [{ id: ids[9] ?? '', standing: 'unknown' as const }];
    const expected = sumOf([...ids.slice(0, 5), ids[9] ?? '']);

    expect((await named({ counted: ids.slice(0, 5), there: ids.slice(0, 5), others, expected })).findings).toEqual([
      { kind: 'rows_missing', residual: 1, recordIds: [ids[9]] },
    ]);
  });

  test('differs by more than the tape tells', async () => {
    const expected = { count: 7, fingerprint: 1n };

    expect((await named({ counted: ids.slice(0, 5), there: ids.slice(0, 5), expected })).findings).toEqual([
      { kind: 'rows_differ', residual: 2, recordIds: [] },
    ]);
  });

  test('differs by its fingerprint alone', async () => {
    const expected = { count: 5, fingerprint: 1n };

    expect((await named({ counted: ids.slice(0, 5), there: ids.slice(0, 5), expected })).findings).toEqual([
      { kind: 'rows_differ', residual: 1, recordIds: [] },
    ]);
  });
});
