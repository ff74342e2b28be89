import { describe, expect, it } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { type ScheduleRequest, scheduledRun } from './scheduled-run.ts';

const SETTINGS = { datasets, chunkRecordsMax: 500 };
const REQUEST: ScheduleRequest = {
  kind: 'schedule',
  dataset: 'earthquakes',
  schedule: 'usgs',
  scheduledAt: '2026-11-25T13:00:00Z',
};
const run = (change: Partial<ScheduleRequest> = {}) => scheduledRun({ ...REQUEST, ...change }, SETTINGS);

describe('the run of a schedule', () => {
  it('follows from dataset, schedule and time', () => {
    expect(run()).toEqual({
      id: expect.stringMatching(/^schedule-[0-9a-f]{32}$/),
      source: { kind: 'schedule', schedule: 'usgs', scheduledAtMs: Date.UTC(2026, 10, 25, 13) },
      dataset: 'earthquakes',
      priority: 'normal',
      metadata: '{}',
      chunkRecordsMax: 500,
    });
    expect(run({ scheduledAt: '2026-11-25T13:00:00.000Z' }).id).toBe(run().id);
    expect(run({ scheduledAt: '2026-11-25T13:00:01Z' }).id).not.toBe(run().id);
  });

  it.each([
    [{ schedule: 'other' }, 'schedule: received "earthquakes/other", declared: earthquakes/usgs'],
    [{ dataset: 'other' }, 'schedule: received "other/usgs", declared: earthquakes/usgs'],
    [{ scheduledAt: 'now' }, 'scheduledAt: received "now", allowed: a time such as 2026-11-25T13:00:00Z'],
    [{ scheduledAt: '2026-13-25T13:00:00Z' }, 'scheduledAt'],
    [{ scheduledAt: '<aws.scheduler.scheduled-time>' }, 'scheduledAt'],
  ])('is none for %j', (change, message) => {
    expect(() => run(change)).toThrow(message);
  });
});
