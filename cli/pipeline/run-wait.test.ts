import { expect, it } from '@jest/globals';
import { runWait } from './run-wait.ts';
import { ShownRun } from './shown-run.ts';

const RUN = ShownRun.parse({
  ...{ pipeline_id: 's3-1', source: 's3', dataset: 'flights', status: 'running', produced: 3, all_produced: true },
  ...{ delivered: 0, quarantined: 0, duplicate: 0, dropped: 0, parked: 0, landed: null, quality_score: null },
  ...{ created_at: '', updated_at: '', started_at: null, ended_at: null, error: null },
});

it.each<[string, Partial<ShownRun>, RegExp]>([
  ['its turn', { status: 'queued', produced: 0, all_produced: false }, /^queued/],
  ['the count', {}, /^put on the stream; .* once a minute/],
  ['the last step from all counted to landing', { delivered: 3 }, /^put on the stream/],
  ['the count, and says an error that is known', { produced: 0, error: 'no JSON' }, /^no JSON: .* once a minute$/],
  ['its rows', { status: 'landing', delivered: 3 }, /^delivered; waiting for rows to land, up to about 2 minutes/],
])('a run waits for %s', (_, more, text) => {
  expect(runWait({ ...RUN, ...more })).toMatch(text);
});

it.each<[string, Partial<ShownRun>]>([
  ['it is produced', { all_produced: false }],
  ['a part of it is counted', { delivered: 1, quarantined: 1 }],
])('counts say more while %s', (_, more) => {
  expect(runWait({ ...RUN, ...more })).toBeUndefined();
});
