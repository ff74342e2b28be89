import { describe, expect, test } from '@jest/globals';
import { type ReconcileReport, renderReconcileReport } from './reconcile-report.ts';

const MISSING = { kind: 'rows_missing', message: 'flights: gone', count: 12, residual: 12 };

function lines(more: Partial<ReconcileReport> = {}): readonly string[] {
  return renderReconcileReport({
    residual: 12,
    residuals: { records: 0, ledger: 0, rows: 12 },
    at: '2026-11-25T08:00:00.000Z',
    scope: { from: null, to: null, runId: null },
    shards: [],
    datasets: [{ dataset: 'flights', received: 1_200, delivered: 1_200, quarantined: 0, dropped: 0, duplicate: 0 }],
    tables: [],
    duplicatesAtRest: 0,
    isEmpty: false,
    lastArrivedAt: '2026-11-25T07:00:00.000Z',
    inFlight: { records: 3, oldestArrivedAt: '2026-11-25T07:00:00.000Z' },
    lag: { entries: 2 },
    findings: [{ ...MISSING, recordIds: 'abcdefgh'.split('') }],
    findingsLeftOff: 0,
    ...more,
  });
}

const empty = (scope: Partial<ReconcileReport['scope']> = {}) =>
  lines({
    residual: 0,
    isEmpty: true,
    datasets: [],
    findings: [],
    scope: { from: null, to: null, runId: null, ...scope },
  });

describe('a report in words', () => {
  test('begins its last line with the residual, and shows some records of each finding', () => {
    expect(lines()).toContain('flights     1,200      1,200            0        0          0');
    expect(lines().slice(-5)).toEqual([
      'in flight: 3 records, since 2026-11-25T07:00:00.000Z',
      'the ledger has 2 entries of the journal still to fold',
      'WRONG flights: gone',
      '      a b c d e and 7 more',
      'residual 12: 0 records, 0 of the ledger, 12 rows',
    ]);
  });

  test('says what to do when what is missing may still be on its way', () => {
    const young = lines({ lastArrivedAt: '2026-11-25T07:59:57.000Z' }).join(' ');

    expect(young).toContain('the last record arrived 3 s ago: those of the last 20 minutes may still be on their way');
    expect(young).toContain(
      'Stop the feed, wait until all has landed, and compare again; or leave them out: --grace 20',
    );
  });

  test.each([
    ['is as old as that', { lastArrivedAt: '2026-11-25T07:40:00.000Z' }],
    ['is not known', { lastArrivedAt: null }],
    [
      'is young, and what is wrong is not for its youth',
      { lastArrivedAt: '2026-11-25T07:59:57.000Z', findings: [{ ...MISSING, kind: 'ledger_differs', recordIds: [] }] },
    ],
    [
      'is young, and nothing is wrong',
      {
        lastArrivedAt: '2026-11-25T07:59:57.000Z',
        residual: 0,
        findings: [{ ...MISSING, residual: 0, recordIds: [] }],
      },
    ],
  ])('says nothing of the way when the last record %s', (_, more) => {
    expect(lines(more).join(' ')).not.toContain('on their way');
  });

  test.each([
    ['of all', {}, 'no record has been processed yet'],
    ['before an hour', { to: '2026-11-25T15:00:00.000Z' }, 'no record that was processed arrived before 2026-11-25T15'],
    [
      'of some hours',
      { from: '2026-11-25T14:00:00.000Z', to: '2026-11-25T15:00:00.000Z' },
      'no record that was processed arrived from 2026-11-25T14:00:00.000Z on and before 2026-11-25T15:00:00.000Z. Hours are compared whole: widen --from',
    ],
    ['of a run', { runId: 'run-a' }, 'there is no processed record of run run-a yet'],
  ])('says that nothing was compared %s, and not that the books balance', (_, scope, why) => {
    const told = empty(scope);

    expect(told.at(-1)).toContain(`nothing was compared: ${why}`);
    expect(told.join(' ')).not.toContain('balance');
  });
});
