/** The run of a schedule's time. It follows from dataset, schedule and time alone: asked for twice, it is the same run. */
import { hash } from 'node:crypto';
import type { Dataset, DatasetSchedule } from '../../schemas/dataset.ts';
import type { NewRun } from '../runs/run.ts';
import type { RunRequest } from './run-request.ts';

export type ScheduleRequest = Extract<RunRequest, { readonly kind: 'schedule' }>;

export interface ScheduledRunSettings {
  readonly datasets: ReadonlyMap<string, Pick<Dataset, 'definition'>>;
  /** Events a chunk of new runs, 1 to 10,000. */
  readonly chunkRecordsMax: number;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

/** @throws Error naming what is not declared, or is no time: the message ends in the dead-letter queue */
export function scheduledRun(request: ScheduleRequest, { datasets, chunkRecordsMax }: ScheduledRunSettings): NewRun {
  const { dataset, schedule, scheduledAt } = request;
  declaredSchedule(datasets, dataset, schedule);
  const scheduledAtMs = TIME.test(scheduledAt) ? Date.parse(scheduledAt) : Number.NaN;
  if (Number.isNaN(scheduledAtMs)) {
    const received = JSON.stringify(scheduledAt.slice(0, 100));
    throw new Error(`scheduledAt: received ${received}, allowed: a time such as 2026-11-25T13:00:00Z`);
  }
  const identity = JSON.stringify([dataset, schedule, new Date(scheduledAtMs).toISOString()]);
  return {
    id: `schedule-${hash('sha256', identity).slice(0, 32)}`,
    source: { kind: 'schedule', schedule, scheduledAtMs },
    dataset,
    priority: 'normal',
    metadata: '{}',
    chunkRecordsMax,
  };
}

/** @throws Error naming the schedules there are */
export function declaredSchedule(
  datasets: ScheduledRunSettings['datasets'],
  dataset: string,
  schedule: string,
): DatasetSchedule {
  const { schedules = [] } = datasets.get(dataset)?.definition ?? {};
  const found = schedules.find(({ name }) => name === schedule);
  if (found) return found;
  const all = [...datasets].flatMap(([of, { definition }]) =>
    (definition.schedules ?? []).map(({ name }) => `${of}/${name}`),
  );
  const received = JSON.stringify(`${dataset}/${schedule}`.slice(0, 100));
  throw new Error(`schedule: received ${received}, declared: ${all.join(', ') || 'none'}`);
}
