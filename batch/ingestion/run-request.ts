/**
 * Messages of the queue `data-pipeline-runs`, beside the events of S3: each asks the Ingestion function to produce a run.
 * Put twice, a request does no harm.
 */
import { isRecord } from '../../schemas/describe.ts';

export type RunRequest =
  /** A run that stands in the state table: it is begun, or goes on from its position. */
  | { readonly kind: 'run'; readonly runId: string }
  /** A time of a schedule, as EventBridge Scheduler puts it: the run is made from it. */
  | {
      readonly kind: 'schedule';
      readonly dataset: string;
      readonly schedule: string;
      /** `<aws.scheduler.scheduled-time>`: scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
      readonly scheduledAt: string;
    };

export function runRequestText(request: RunRequest): string {
  return JSON.stringify(request);
}

/** @returns undefined for a message that is none, such as an event of S3 */
export function readRunRequest(message: unknown): RunRequest | undefined {
  if (!isRecord(message)) return undefined;
  const { kind, runId, dataset, schedule, scheduledAt } = message;
  if (kind === 'run' && typeof runId === 'string') return { kind, runId };
  const isSchedule =
    kind === 'schedule' &&
    typeof dataset === 'string' &&
    typeof schedule === 'string' &&
    typeof scheduledAt === 'string';
  return isSchedule ? { kind, dataset, schedule, scheduledAt } : undefined;
}
