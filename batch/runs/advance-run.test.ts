import { describe, expect, test } from '@jest/globals';
import {
  advanceRun,
  LANDING_MS_MAX,
  PRODUCER_SILENT_MS_MAX,
  REQUESTS_SILENT_MS_MAX,
  type TouchedPartition,
  UNACCOUNTED_MS_MAX,
} from './advance-run.ts';
import type { RunCounts } from './run.ts';
import type { StoredRun } from './run-item.ts';

const NOW_MS = Date.UTC(2026, 10, 25);

const running: StoredRun = {
  id: 'run-1',
  source: { kind: 's3', bucket: 'raw', key: 'incoming/a.json' },
  dataset: 'flights',
  priority: 'normal',
  metadata: '{}',
  chunkRecordsMax: 500,
  status: 'running',
  createdAtMs: NOW_MS,
  updatedAtMs: NOW_MS,
  startedAtMs: NOW_MS,
  endedAtMs: undefined,
  produced: 10,
  hasAllProduced: false,
  position: '1',
  error: undefined,
  cancelRequestedAtMs: undefined,
  revision: 3,
  heardAtMs: NOW_MS,
  allProducedAtMs: undefined,
  landingAtMs: undefined,
  missing: 0,
  notedRows: 0,
  landedRows: undefined,
};
const complete: StoredRun = { ...running, hasAllProduced: true, allProducedAtMs: NOW_MS };
const landing: StoredRun = { ...complete, status: 'landing', landingAtMs: NOW_MS, notedRows: 10 };

const countsOf = (more: Partial<RunCounts>): RunCounts => ({
  ...{ delivered: 0, quarantined: 0, dropped: 0, duplicate: 0, parked: 0, landed: undefined, qualityScore: undefined },
  ...more,
});
const partition = (more: Partial<TouchedPartition> = {}): TouchedPartition => ({
  ...{ table: 'flights', partition: '2026-01-01', ofRun: 10, delivered: 70, landed: 70, noted: 70 },
  ...more,
});
const step = (run: StoredRun, counts: Partial<RunCounts>, partitions: readonly TouchedPartition[], laterMs = 0) =>
  advanceRun(run, { counts: countsOf(counts), partitions }, NOW_MS + laterMs);

describe('a running run', () => {
  test('goes on while its producer may put more, though all that was told is accounted for', () => {
    expect(step(running, { delivered: 10 }, [partition()])).toBeUndefined();
  });

  test('lands when each record is accounted for, and notes what had been delivered to its partitions', () => {
    const counts = { delivered: 5, quarantined: 2, dropped: 1, duplicate: 1, parked: 1 };
    const partitions = [partition({ ofRun: 5 }), partition({ table: 'failed_events', partition: '*', ofRun: 2 })];

    expect(step(complete, counts, partitions)).toMatchObject({
      run: { status: 'landing', notedRows: 7, missing: 0, landingAtMs: NOW_MS },
      note: partitions,
    });
  });

  test('waits while the fold is in the middle of an entry: its partitions do not hold all of its rows', () => {
    expect(step(complete, { delivered: 10 }, [partition({ ofRun: 9 })])).toBeUndefined();
  });

  test('that is missing records waits for the retention of the stream and a day, and lands without them', () => {
    const counts = { delivered: 7 };
    const partitions = [partition({ ofRun: 7 })];

    expect(step(complete, counts, partitions, UNACCOUNTED_MS_MAX - 1)).toBeUndefined();
    expect(step(complete, counts, partitions, UNACCOUNTED_MS_MAX)?.run).toMatchObject({
      status: 'landing',
      missing: 3,
      error: '3 of 10 records are missing 120 hours later',
    });
  });

  test('had produced more than its producer told, when more is accounted for', () => {
    expect(step(complete, { delivered: 12 }, [partition({ ofRun: 12 })])?.run.produced).toBe(12);
  });
});

describe('a run that nobody goes on with', () => {
  const api: StoredRun = { ...running, source: { kind: 'api' } };

  test.each<[string, StoredRun, number, string]>([
    [
      'producer',
      running,
      PRODUCER_SILENT_MS_MAX,
      'its producer was not heard of for 6 hours; it had told of 10 records',
    ],
    [
      'request',
      api,
      REQUESTS_SILENT_MS_MAX,
      'nobody completed it, or added to it, for 24 hours; 10 records were added',
    ],
  ])('has produced all when no %s was heard of for long, with an error', (_, run, silentMs, error) => {
    expect(step(run, {}, [], silentMs - 1)).toBeUndefined();
    expect(step(run, {}, [], silentMs)?.run).toMatchObject({ status: 'running', hasAllProduced: true, error });
  });

  test('begins to end where it never began', () => {
    const queued: StoredRun = { ...running, status: 'queued', startedAtMs: undefined, produced: 0 };

    expect(step(queued, {}, [], PRODUCER_SILENT_MS_MAX)?.run).toMatchObject({
      status: 'running',
      hasAllProduced: true,
    });
  });
});

describe('a landing run', () => {
  const balanced = { delivered: 10 };

  test('waits for as many rows in each partition as it noted', () => {
    const late = partition({ partition: '2026-01-02', ofRun: 0, delivered: 9, landed: 8, noted: 9 });

    expect(step(landing, balanced, [partition(), late])).toBeUndefined();
    expect(step(landing, balanced, [partition(), { ...late, landed: 9 }])?.run.status).toBe('succeeded');
  });

  test.each<[StoredRun['status'], Partial<StoredRun>, Partial<RunCounts>]>([
    ['succeeded', {}, { delivered: 10 }],
    ['succeeded_with_failures', {}, { delivered: 9, quarantined: 1 }],
    ['succeeded_with_failures', {}, { delivered: 9, parked: 1 }],
    ['succeeded', {}, { delivered: 1, dropped: 5, duplicate: 4 }],
    ['failed', { error: 'the object ends in the middle' }, { delivered: 10 }],
    ['cancelled', { error: 'it was stopped', cancelRequestedAtMs: NOW_MS }, { delivered: 10 }],
    ['failed', { missing: 1, cancelRequestedAtMs: NOW_MS }, { delivered: 9 }],
  ])('ends as %s by %j and %j', (status, more, counts) => {
    expect(step({ ...landing, ...more }, counts, [partition()])?.run).toMatchObject({
      status,
      endedAtMs: NOW_MS,
      landedRows: counts.delivered,
    });
  });

  test('waits for what was parked and has come back meanwhile, too', () => {
    const more = partition({ partition: '2026-01-02', ofRun: 2, delivered: 2, landed: 0, noted: undefined });
    const run = { ...landing, notedRows: 8 };

    expect(step(run, { delivered: 8 }, [partition()])).toBeUndefined();
    expect(step(run, { delivered: 10 }, [partition(), more])).toMatchObject({
      run: { notedRows: 10 },
      note: [{}, more],
    });
  });

  test('ends as failed when rows have not landed for two days, and does not tell that they have', () => {
    const late = partition({ landed: 60 });

    expect(step(landing, balanced, [late], LANDING_MS_MAX - 1)).toBeUndefined();
    expect(step(landing, balanced, [late], LANDING_MS_MAX)?.run).toMatchObject({
      status: 'failed',
      landedRows: undefined,
      error: expect.stringContaining('10 rows of 1 partitions have not landed'),
    });
  });
});

test.each(['succeeded', 'succeeded_with_failures', 'failed', 'cancelled'] as const)(
  'a run that has ended as %s never changes',
  (status) => {
    expect(step({ ...landing, status }, { delivered: 99 }, [partition()], 1_000 * LANDING_MS_MAX)).toBeUndefined();
  },
);
