import { describe, expect, test } from '@jest/globals';
import { encodeCounts, journalPut } from '../../processors/books/journal-entry.ts';
import { checkpointKey, minutesPartition } from '../../processors/books/keys.ts';
import type { LatencyCount } from '../../processors/books/latency.ts';
import { COMMITTED_AT_MS, endOf, STREAM, shardOf } from '../../test/support/batch/journal.ts';
import { createMemoryStateTable, type MemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { foldLedger } from './fold.ts';
import { MINUTES_KEPT_S } from './minute-gain.ts';
import { readMinutes } from './read-minutes.ts';

interface Batch {
  readonly shard: number;
  readonly minute: number;
  readonly latencies: readonly LatencyCount[];
  readonly delivered?: number;
  readonly quarantined?: number;
  readonly score?: number;
}

async function folded(batches: readonly Batch[]): Promise<MemoryStateTable> {
  const table = createMemoryStateTable();
  const written = new Map<number, number>();
  for (const { shard: index, minute, latencies, delivered = 0, quarantined = 0, score = 0 } of batches) {
    const shard = shardOf(index);
    const number = written.get(index) ?? 0;
    written.set(index, number + 1);
    const atMs = COMMITTED_AT_MS + minute * 60_000;
    const all = latencies.map(([latencyMs]) => latencyMs);
    const groups = [
      { outcome: 'delivered' as const, partition: '2026-01-01', events: delivered, score },
      { outcome: 'quarantined' as const, partition: '', events: quarantined, score: 0 },
    ].map((each) => ({ ...each, dataset: 'flights', runId: '', hour: '2026-11-25T07', fingerprint: 1n }));
    const put = journalPut(
      {
        shard,
        after: number === 0 ? '' : endOf(number - 1),
        from: endOf(number),
        to: endOf(number),
        requestId: 'request',
        attempts: 1,
        version: 'v1',
        committedAtMs: atMs,
        records: latencies.reduce((sum, [, records]) => sum + records, 0),
        fingerprint: 1n,
        arrivedFromMs: atMs - Math.max(...all),
        arrivedToMs: atMs - Math.min(...all),
      },
      encodeCounts({ groups: groups.filter(({ events }) => events > 0), latencies }),
    );
    const set = { position: endOf(number), entries: number + 1, updated_at: atMs };
    await table.transact([put, { kind: 'update', key: checkpointKey(shard), set }]);
    // One fold an entry: sketches are read and written each time.
    await foldLedger(STREAM, { table, clock: { now: () => atMs }, isTimeUp: () => false });
  }
  return table;
}

const upTo = (count: number, step: number): readonly LatencyCount[] =>
  Array.from({ length: count }, (_, index) => [(index + 1) * step, 1]);

describe('figures by the minute', () => {
  test('are merged over shards and batches, quantiles too', async () => {
    const table = await folded([
      { shard: 0, minute: 0, latencies: upTo(500, 2), delivered: 3, quarantined: 1, score: 2.5 },
      { shard: 1, minute: 0, latencies: upTo(250, 4), delivered: 1, score: 0.5 },
      { shard: 1, minute: 0, latencies: upTo(250, 4), delivered: 2, score: 2 },
      { shard: 0, minute: 1, latencies: [[7, 3]], quarantined: 2 },
    ]);

    const [first, second, ...others] = await readMinutes(table, '2026-11-25T07:30', '2026-11-25T07:31');

    expect(others).toEqual([]);
    expect(first).toMatchObject({
      minute: '2026-11-25T07:30',
      dataset: 'flights',
      received: 7,
      delivered: 6,
      quarantined: 1,
      dropped: 0,
      duplicate: 0,
      meanScore: 5 / 6,
      records: 1_000,
      latency: { min: 2, max: 1_000 },
    });
    for (const [share, quantile] of [
      [0.5, first?.latency.p50],
      [0.95, first?.latency.p95],
      [0.99, first?.latency.p99],
    ] as const) {
      expect(Math.abs((quantile ?? 0) / (share * 1_000) - 1)).toBeLessThan(0.015);
    }
    expect(second).toMatchObject({ minute: '2026-11-25T07:31', received: 2, meanScore: undefined, records: 3 });
    expect(second?.latency).toEqual({ p50: 7, p95: 7, p99: 7, min: 7, max: 7 });
  });

  test('are those of the minutes asked for, both ends included, over hours too', async () => {
    const batches = [-31, -30, -1, 0, 29, 30, 31].map((minute) => ({
      shard: 0,
      minute,
      latencies: upTo(1, 1),
      delivered: 1,
    }));
    const table = await folded(batches);
    const minutesOf = async (from: string, to: string) =>
      (await readMinutes(table, `2026-11-25T${from}`, `2026-11-25T${to}`)).map(({ minute }) => minute.slice(11));

    expect(await minutesOf('07:00', '08:00')).toEqual(['07:00', '07:29', '07:30', '07:59', '08:00']);
    expect(await minutesOf('07:30', '07:30')).toEqual(['07:30']);
    expect(await minutesOf('06:00', '06:59')).toEqual(['06:59']);
    expect(await minutesOf('07:31', '07:30')).toEqual([]);
  });

  test('are kept for 30 days, the same on every shard', async () => {
    const table = await folded([0, 1].map((shard) => ({ shard, minute: 0, latencies: upTo(1, 1), delivered: 1 })));

    const items = await table.query(minutesPartition('2026-11-25T07'));

    expect(items.map(({ attributes }) => attributes.expires_at)).toEqual([
      COMMITTED_AT_MS / 1_000 + MINUTES_KEPT_S,
      COMMITTED_AT_MS / 1_000 + MINUTES_KEPT_S,
    ]);
  });

  test.each([
    ['2026-11-25', '2026-11-25T07:30', 'minute: received 2026-11-25, allowed: such as 2026-11-25T07:31'],
    ['2026-11-25T07:30', '2026-11-25T07:61', 'minute: received 2026-11-25T07:61, allowed: such as'],
    ['2026-01-01T00:00', '2026-11-25T00:00', 'minutes: received 7873 hours, allowed: 744'],
  ])('from %s to %s are refused', async (from, to, message) => {
    await expect(readMinutes(createMemoryStateTable(), from, to)).rejects.toThrow(message);
  });
});
