/** The one log line of a batch: what happened in it, and its metrics in CloudWatch's embedded metric format. */
import { embeddedMetrics } from './embedded-metrics.ts';
import type { BatchRange } from './ports.ts';
import type { BatchCounts } from './tally.ts';

export interface BatchSummary {
  readonly namespace: string;
  readonly range: BatchRange;
  /** Of the records that are done. */
  readonly counts: BatchCounts;
  /** Quarantined events of the records that are done, by `<dataset>/<code>`: they add up to `counts.quarantined`. */
  readonly failures: ReadonlyMap<string, number>;
  readonly records: number;
  /** Records that an earlier attempt had done: they are not processed again. */
  readonly redelivered: number;
  readonly done: number;
  readonly reasons: readonly string[];
  readonly atMs: number;
  readonly durationMs: number;
}

const METRICS = {
  Received: 'Count',
  Delivered: 'Count',
  Quarantined: 'Count',
  Dropped: 'Count',
  Duplicate: 'Count',
  BatchDuration: 'Milliseconds',
} as const;

/** It holds positions and counts, never a payload. */
export function batchLogLine(summary: BatchSummary): string {
  const { counts, range, done, redelivered, records } = summary;
  const isDone = redelivered + done === records;
  return JSON.stringify({
    ...embeddedMetrics(summary.namespace, summary.atMs, METRICS),
    timestamp: new Date(summary.atMs).toISOString(),
    level: isDone ? 'INFO' : 'WARN',
    message: isDone ? 'batch done' : 'batch done in part',
    Received: counts.received,
    Delivered: counts.delivered,
    Quarantined: counts.quarantined,
    Dropped: counts.dropped,
    Duplicate: counts.duplicate,
    BatchDuration: summary.durationMs,
    shardId: range.shardId,
    from: range.from,
    to: range.to,
    records,
    recordsDone: done,
    ...(redelivered > 0 && { redelivered }),
    failures: Object.fromEntries(summary.failures),
    ...(summary.reasons.length > 0 && { reasons: summary.reasons.slice(0, REASONS_MAX) }),
  });
}

/** Reasons that are logged; one of a kind is enough to act on. */
const REASONS_MAX = 5;
