/** The one log line of a fold, with its metrics in CloudWatch's embedded metric format. */
import { embeddedMetrics } from '../../processors/embedded-metrics.ts';
import type { ShardFoldReport } from './shard-fold.ts';

export interface FoldSummary {
  readonly namespace: string;
  readonly atMs: number;
  readonly durationMs: number;
  /** Of the shards that had something to fold. */
  readonly shards: readonly ShardFoldReport[];
  /** Why no shard could be folded. */
  readonly reason: string | undefined;
}

/** What a fold came to. */
export interface FoldTotals {
  /** Journal entries that were folded, and Kinesis records in them. */
  readonly entries: number;
  readonly records: number;
  readonly lagEntries: number;
  /** How long the oldest entry that is left has waited. */
  readonly lagMs: number;
  /** Shards whose fold stopped. */
  readonly stopped: number;
}

const METRICS = {
  LedgerEntriesFolded: 'Count',
  LedgerLagEntries: 'Count',
  LedgerLag: 'Milliseconds',
  LedgerShardsStopped: 'Count',
} as const;

export function foldTotals(shards: readonly ShardFoldReport[], atMs: number): FoldTotals {
  const sum = (of: (shard: ShardFoldReport) => number) => shards.reduce((total, shard) => total + of(shard), 0);
  return {
    entries: sum(({ entries }) => entries),
    records: sum(({ records }) => records),
    lagEntries: sum(({ lagEntries }) => lagEntries),
    lagMs: shards.reduce((most, { waitingSinceMs = atMs }) => Math.max(most, atMs - waitingSinceMs), 0),
    stopped: sum(({ finding }) => (finding === undefined ? 0 : 1)),
  };
}

export function foldLogLine({ namespace, atMs, durationMs, shards, reason }: FoldSummary): string {
  const totals = foldTotals(shards, atMs);
  const findings = shards.flatMap(({ shardId, finding }) =>
    finding === undefined ? [] : [[shardId, finding] as const],
  );
  const isWell = reason === undefined && findings.length === 0;
  return JSON.stringify({
    // Without the list of shards the lag is not known, and no figure is better than 0.
    ...(reason === undefined && embeddedMetrics(namespace, atMs, METRICS)),
    timestamp: new Date(atMs).toISOString(),
    level: isWell ? 'INFO' : 'WARN',
    message: isWell ? 'journal folded' : 'journal folded in part',
    LedgerEntriesFolded: totals.entries,
    LedgerLagEntries: totals.lagEntries,
    LedgerLag: totals.lagMs,
    LedgerShardsStopped: totals.stopped,
    records: totals.records,
    shards: shards.length,
    durationMs,
    ...(findings.length > 0 && { findings: Object.fromEntries(findings) }),
    ...(reason !== undefined && { reason }),
  });
}
