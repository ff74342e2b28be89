/**
 * The state machine of a run, as the books drive it. Pure: what a run becomes by what is known of it, `docs/runs.md`.
 * A run ends once every record that it produced is accounted for and what it delivered has landed, and always ends.
 */
import { ENDED, type RunCounts, type RunStatus } from './run.ts';
import type { StoredRun } from './run-item.ts';

const HOUR_MS = 3_600_000;

/** A producer that was not heard of for so long is given up. */
export const PRODUCER_SILENT_MS_MAX = 6 * HOUR_MS;
/** A run of requests that nobody completed, or added to, for so long. */
export const REQUESTS_SILENT_MS_MAX = 24 * HOUR_MS;
/** How long records may be on their way since all was produced: the stream's retention (infra/stream.ts) and a day. */
export const UNACCOUNTED_MS_MAX = (96 + 24) * HOUR_MS;
/** How long rows may take to land: Firehose tries for a day, and somebody may have to redrive. */
export const LANDING_MS_MAX = 48 * HOUR_MS;

/** A partition that a run has touched, or waits for. */
export interface TouchedPartition {
  /** Name of a dataset, or `failed_events`. */
  readonly table: string;
  /** `*`: all of the table. */
  readonly partition: string;
  /** Rows that the run's ledger delivered to it. */
  readonly ofRun: number;
  /** Rows that all have delivered to it, and that have landed. */
  readonly delivered: number;
  readonly landed: number;
  /** Rows that the run waits for; undefined: it was not touched when that was noted. */
  readonly noted: number | undefined;
}

export interface RunEvidence {
  /** Read before the partitions. */
  readonly counts: RunCounts;
  /** All of them where `needsPartitions`, none otherwise. */
  readonly partitions: readonly TouchedPartition[];
}

export interface RunStep {
  readonly run: StoredRun;
  /** What it waits for from now on; undefined: that is as it was. */
  readonly note?: readonly Pick<TouchedPartition, 'table' | 'partition' | 'delivered'>[];
}

/** Whether the next step depends on what has landed. */
export function needsPartitions(run: StoredRun, counts: RunCounts, nowMs: number): boolean {
  return run.status === 'landing' || (run.status === 'running' && mayLand(run, counts, nowMs));
}

/** @returns undefined: it stays as it is */
export function advanceRun(run: StoredRun, evidence: RunEvidence, nowMs: number): RunStep | undefined {
  if (ENDED.has(run.status)) return undefined;
  if (run.status === 'landing') return landing(run, evidence, nowMs);
  const silence = run.hasAllProduced ? undefined : silenceOf(run, nowMs);
  if (silence !== undefined) {
    const startedAtMs = run.startedAtMs ?? nowMs;
    const error = run.error ?? silence;
    return { run: { ...run, status: 'running', startedAtMs, hasAllProduced: true, allProducedAtMs: nowMs, error } };
  }
  const { counts, partitions } = evidence;
  if (run.status !== 'running' || !mayLand(run, counts, nowMs) || !isWhole(counts, partitions)) return undefined;
  const accounted = accountedOf(counts);
  const missing = Math.max(0, run.produced - accounted);
  return {
    run: {
      ...run,
      status: 'landing',
      landingAtMs: nowMs,
      // More than was told was put all the same.
      produced: Math.max(run.produced, accounted),
      missing,
      notedRows: rowsOf(counts),
      ...(missing > 0 && {
        error: joined(
          run.error,
          `${missing} of ${run.produced} records are missing ${hours(UNACCOUNTED_MS_MAX)} later`,
        ),
      }),
    },
    note: partitions,
  };
}

function landing(run: StoredRun, { counts, partitions }: RunEvidence, nowMs: number): RunStep | undefined {
  const waiting = partitions.filter(({ noted = 0, landed }) => landed < noted);
  // What was parked is played again: its claim is held, and what came of it is not known yet.
  const comingBack = Math.max(0, run.produced - run.missing - accountedOf(counts));
  if (isNoted(run, counts) && waiting.length === 0 && comingBack === 0) {
    return ended(run, endOf(run, counts), counts.delivered, nowMs);
  }
  if (nowMs - (run.landingAtMs ?? nowMs) >= LANDING_MS_MAX) {
    const rows = waiting.reduce((sum, { noted = 0, landed }) => sum + noted - landed, 0);
    const error = `after ${hours(LANDING_MS_MAX)}, ${rows} rows of ${waiting.length} partitions have not landed, and ${comingBack} records that were parked have not come back`;
    return ended({ ...run, error: joined(run.error, error) }, 'failed', undefined, nowMs);
  }
  if (isNoted(run, counts) || !isWhole(counts, partitions)) return undefined;
  const produced = Math.max(run.produced, accountedOf(counts));
  return { run: { ...run, produced, notedRows: rowsOf(counts) }, note: partitions };
}

function endOf(run: StoredRun, counts: RunCounts): RunStatus {
  if (run.missing > 0) return 'failed';
  if (run.cancelRequestedAtMs !== undefined) return 'cancelled';
  if (run.error !== undefined) return 'failed';
  return counts.quarantined + counts.parked > 0 ? 'succeeded_with_failures' : 'succeeded';
}

function ended(run: StoredRun, status: RunStatus, landedRows: number | undefined, nowMs: number): RunStep {
  return { run: { ...run, status, endedAtMs: nowMs, landedRows } };
}

function silenceOf({ source, heardAtMs, produced }: StoredRun, nowMs: number): string | undefined {
  const silentMs = nowMs - heardAtMs;
  if (source.kind === 'api') {
    if (silentMs < REQUESTS_SILENT_MS_MAX) return undefined;
    return `nobody completed it, or added to it, for ${hours(REQUESTS_SILENT_MS_MAX)}; ${produced} records were added`;
  }
  if (silentMs < PRODUCER_SILENT_MS_MAX) return undefined;
  return `its producer was not heard of for ${hours(PRODUCER_SILENT_MS_MAX)}; it had told of ${produced} records`;
}

function mayLand(run: StoredRun, counts: RunCounts, nowMs: number): boolean {
  if (!run.hasAllProduced) return false;
  const sinceMs = nowMs - (run.allProducedAtMs ?? nowMs);
  return accountedOf(counts) >= run.produced || sinceMs >= UNACCOUNTED_MS_MAX;
}

/** Whether the partitions hold all rows of the counts: a fold may be in the middle of a large entry. */
function isWhole(counts: RunCounts, partitions: readonly TouchedPartition[]): boolean {
  return partitions.reduce((sum, { ofRun }) => sum + ofRun, 0) >= rowsOf(counts);
}

/** Whether all rows are waited for: what was parked may have been played again since. */
function isNoted(run: StoredRun, counts: RunCounts): boolean {
  return rowsOf(counts) <= run.notedRows;
}

function accountedOf({ delivered, quarantined, dropped, duplicate, parked }: RunCounts): number {
  return delivered + quarantined + dropped + duplicate + parked;
}

function rowsOf({ delivered, quarantined }: RunCounts): number {
  return delivered + quarantined;
}

function joined(...errors: readonly (string | undefined)[]): string {
  return errors.filter((error) => error !== undefined).join('; ');
}

const hours = (ms: number): string => `${ms / HOUR_MS} hours`;
