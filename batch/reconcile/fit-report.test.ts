import { describe, expect, test } from '@jest/globals';
import { ANSWER_BYTES_MAX, fitReport } from './fit-report.ts';
import type { Finding, ReconcileReport } from './report.ts';

const reportOf = (findings: number, message = 'gone'): ReconcileReport => ({
  residual: 7,
  residuals: { records: 0, ledger: 0, rows: 7 },
  at: '',
  scope: { from: null, to: null, runId: null },
  ...{ shards: [], datasets: [], tables: [], duplicatesAtRest: 0, lag: { entries: 0 }, findingsLeftOff: 1 },
  ...{ isEmpty: false, lastArrivedAt: null },
  inFlight: { records: 0, oldestArrivedAt: null },
  findings: Array.from(
    { length: findings },
    (): Finding => ({
      ...{ kind: 'rows_missing', message, count: 5_000, residual: 5_000 },
      recordIds: Array.from({ length: 1_000 }, () => 'f'.repeat(32)),
    }),
  ),
});
const bytesOf = (report: ReconcileReport): number => JSON.stringify(report).length;

describe('a report', () => {
  test('that fits is left as it is', () => {
    const report = reportOf(100);

    expect(fitReport(report)).toBe(report);
  });

  test('that is too large names fewer records, and counts them all', () => {
    const fitted = fitReport(reportOf(400));

    expect(bytesOf(fitted)).toBeLessThanOrEqual(ANSWER_BYTES_MAX);
    expect(fitted.findings).toHaveLength(400);
    expect(fitted.findings[0]).toMatchObject({ count: 5_000 });
    expect(fitted.findings[0]?.recordIds.length).toBeGreaterThan(50);
  });

  test('whose findings alone are too large tells some of them, and counts the rest', () => {
    const fitted = fitReport(reportOf(400, 'x'.repeat(20_000)));

    expect(bytesOf(fitted)).toBeLessThanOrEqual(ANSWER_BYTES_MAX);
    expect(fitted.findings.length + fitted.findingsLeftOff).toBe(401);
    expect(fitted.residual).toBe(7);
  });
});
