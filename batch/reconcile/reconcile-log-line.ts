/** The one log line of a comparison, with its metrics in CloudWatch's embedded metric format. */
import { embeddedMetrics } from '../../processors/embedded-metrics.ts';
import type { ReconcileReport } from './report.ts';

export interface ReconcileSummary {
  readonly namespace: string;
  readonly atMs: number;
  readonly durationMs: number;
  readonly report: ReconcileReport;
}

const METRICS = {
  Residual: 'Count',
  DuplicatesAtRest: 'Count',
} as const;
/** Findings that the line tells; the answer has more. */
const FINDINGS_LOGGED_MAX = 20;

export function reconcileLogLine({ namespace, atMs, durationMs, report }: ReconcileSummary): string {
  const { residual, scope, findings } = report;
  return JSON.stringify({
    // A figure of one run is none of the books.
    ...(scope.runId === null && embeddedMetrics(namespace, atMs, METRICS)),
    timestamp: new Date(atMs).toISOString(),
    level: residual === 0 ? 'INFO' : 'ERROR',
    message: messageOf(report),
    Residual: residual,
    DuplicatesAtRest: report.duplicatesAtRest,
    residuals: report.residuals,
    scope,
    inFlight: report.inFlight.records,
    lagEntries: report.lag.entries,
    durationMs,
    ...(findings.length > 0 && {
      findings: findings.slice(0, FINDINGS_LOGGED_MAX).map(({ message }) => message),
      findingsLeftOff: Math.max(0, findings.length - FINDINGS_LOGGED_MAX) + report.findingsLeftOff,
    }),
  });
}

function messageOf({ isEmpty, residual }: ReconcileReport): string {
  if (isEmpty) return 'nothing was compared';
  return residual === 0 ? 'the books balance' : 'the books do not balance';
}
