/** A run as the pipelines API shows it, and in text. */
import { z } from 'zod';

const Count = z.number();
const Time = z.string().nullable();

export const ShownRun = z.looseObject({
  pipeline_id: z.string(),
  source: z.string(),
  dataset: z.string(),
  status: z.string(),
  key: z.string().optional(),
  prefix: z.string().optional(),
  schedule: z.string().optional(),
  produced: Count,
  all_produced: z.boolean(),
  delivered: Count,
  quarantined: Count,
  duplicate: Count,
  dropped: Count,
  parked: Count,
  landed: z.number().nullable(),
  quality_score: z.number().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  started_at: Time,
  ended_at: Time,
  error: z.string().nullable(),
});
export type ShownRun = z.infer<typeof ShownRun>;

export const RunList = z.object({ pipelines: z.array(ShownRun), next: z.string().nullable() });

const ENDED: ReadonlySet<string> = new Set(['succeeded', 'succeeded_with_failures', 'failed', 'cancelled']);
const NOT_DONE: ReadonlySet<string> = new Set(['failed', 'cancelled']);

export function hasEnded({ status }: ShownRun): boolean {
  return ENDED.has(status);
}

/** 1 for a run that failed or was stopped. */
export function exitCodeOf({ status }: ShownRun): number {
  return NOT_DONE.has(status) ? 1 : 0;
}

/** Records of which it is known what came of them. */
export function accountedFor({ delivered, quarantined, duplicate, dropped, parked }: ShownRun): number {
  return delivered + quarantined + duplicate + dropped + parked;
}

export function renderRun(run: ShownRun): string[] {
  const told = [run.source, run.key, run.prefix, run.schedule].filter((text) => text !== undefined).join(' ');
  return [
    `${run.pipeline_id}  ${run.status}`,
    `  ${told}, ${run.dataset}, made ${run.created_at}${run.ended_at ? `, ended ${run.ended_at}` : ''}`,
    `  ${run.produced} records produced${run.all_produced ? '' : ' so far'}: ${run.delivered} delivered, ${run.quarantined} quarantined, ${run.duplicate} duplicate, ${run.dropped} dropped, ${run.parked} parked`,
    ...(run.landed === null ? [] : [`  ${run.landed} rows have landed`]),
    ...(run.quality_score === null ? [] : [`  quality score ${run.quality_score.toFixed(4)}`]),
    ...(run.error === null ? [] : [`  ${run.error}`]),
  ];
}

/** One line each, the columns below each other. */
export function renderRuns(runs: readonly ShownRun[]): string[] {
  const rows = [
    ['ID', 'STATUS', 'DATASET', 'SOURCE', 'PRODUCED', 'DELIVERED', 'QUARANTINED', 'MADE'],
    ...runs.map((run) => [
      ...[run.pipeline_id, run.status, run.dataset, run.source],
      ...[String(run.produced), String(run.delivered), String(run.quarantined), run.created_at],
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
