/** The one log line of runs that came further, with its metrics in CloudWatch's embedded metric format. */
import { embeddedMetrics } from '../../processors/embedded-metrics.ts';
import type { Advanced } from './advance-runs.ts';

const METRICS = {
  RunsSucceeded: 'Count',
  RunsSucceededWithFailures: 'Count',
  RunsFailed: 'Count',
  RunsCancelled: 'Count',
} as const;

/** @returns undefined when there is nothing to tell */
export function runsLogLine(namespace: string, atMs: number, { statuses, findings }: Advanced): string | undefined {
  if (statuses.size + findings.size === 0) return undefined;
  const isWell = findings.size === 0;
  return JSON.stringify({
    ...embeddedMetrics(namespace, atMs, METRICS),
    timestamp: new Date(atMs).toISOString(),
    level: isWell ? 'INFO' : 'WARN',
    message: 'runs advanced',
    RunsSucceeded: statuses.get('succeeded') ?? 0,
    RunsSucceededWithFailures: statuses.get('succeeded_with_failures') ?? 0,
    RunsFailed: statuses.get('failed') ?? 0,
    RunsCancelled: statuses.get('cancelled') ?? 0,
    running: statuses.get('running') ?? 0,
    landing: statuses.get('landing') ?? 0,
    ...(!isWell && { findings: Object.fromEntries(findings) }),
  });
}
