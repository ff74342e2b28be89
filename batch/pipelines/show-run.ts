/** A run as the API shows it. */
import { parseJson } from '../../streams/codecs/parse-json.ts';
import type { Run, RunCounts, RunSource } from '../runs/run.ts';

/** @returns JSON; times as ISO 8601 in UTC, `null` where there is nothing yet */
export function showRun(run: Run, counts: RunCounts): Readonly<Record<string, unknown>> {
  return {
    pipeline_id: run.id,
    source: run.source.kind === 's3-prefix' ? 's3' : run.source.kind,
    ...place(run.source),
    dataset: run.dataset,
    data_type: run.dataType ?? null,
    priority: run.priority,
    metadata: metadataOf(run),
    status: run.status,
    produced: run.produced,
    all_produced: run.hasAllProduced,
    delivered: counts.delivered,
    quarantined: counts.quarantined,
    duplicate: counts.duplicate,
    dropped: counts.dropped,
    parked: counts.parked,
    landed: counts.landed ?? null,
    quality_score: counts.qualityScore ?? null,
    created_at: time(run.createdAtMs),
    started_at: time(run.startedAtMs),
    updated_at: time(run.updatedAtMs),
    ended_at: time(run.endedAtMs),
    cancel_requested_at: time(run.cancelRequestedAtMs),
    error: run.error ?? null,
  };
}

function place(source: RunSource): Readonly<Record<string, string>> {
  switch (source.kind) {
    case 'api':
      return {};
    case 's3':
      return {
        bucket: source.bucket,
        key: source.key,
        ...(source.versionId !== undefined && { version_id: source.versionId }),
      };
    case 's3-prefix':
      return { bucket: source.bucket, prefix: source.prefix };
    case 'schedule':
      return { schedule: source.schedule, scheduled_at: new Date(source.scheduledAtMs).toISOString() };
  }
}

function metadataOf({ metadata }: Run): unknown {
  const bytes = Buffer.from(metadata);
  const parsed = parseJson(bytes, 0, bytes.length);
  return 'value' in parsed ? parsed.value : {};
}

function time(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
