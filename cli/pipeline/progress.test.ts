import { describe, expect, it } from '@jest/globals';
import { createProgress, duration, renderProgress } from './progress.ts';

describe('the line of progress', () => {
  it('has a bar, what is done of what, the rate and the time that is left', () => {
    const line = renderProgress({ doing: 'uploading', unit: 'bytes', done: 25e6, total: 100e6, perSecond: 12.5e6 });

    expect(line).toBe('uploading  ██████░░░░░░░░░░░░░░░░░░  25 %  25.0 MB of 100.0 MB  12.5 MB/s  6 s left');
  });

  it('has neither bar nor end where nobody knows how much there is', () => {
    const line = renderProgress({ doing: 'putting', unit: 'records', done: 1_234, perSecond: 99.6, note: 'running' });

    expect(line).toBe('putting  1,234 records  100 records/s  running');
  });

  it.each([
    [0, 0, '100 %'],
    [7, 5, '100 %'],
    [999, 1_000, '99 %'],
  ])('is full when all is done, and not before: %i of %i', (done, total, share) => {
    expect(renderProgress({ doing: '', unit: 'records', done, total, perSecond: 0 })).toContain(`  ${share}  `);
  });

  it('goes by the rate of the last ten seconds', () => {
    let nowMs = 0;
    const lines: string[] = [];
    const progress = createProgress({
      doing: 'putting',
      unit: 'records',
      output: { progress: (line) => void lines.push(line) },
      now: () => nowMs,
    });

    // A minute at 10 a second, then 10 s at 100 a second.
    for (let done = 0; nowMs < 60_000; nowMs += 1_000, done += 10) progress.update(done, 10_000);
    for (let done = 600; nowMs <= 70_000; nowMs += 1_000, done += 100) progress.update(done, 10_000);

    expect(lines.at(-1)).toContain('100 records/s  1 min 24 s left');
  });

  it('is written ten times a second at most, and at the end', () => {
    const lines: string[] = [];
    const output = { progress: (line: string) => void lines.push(line) };
    const progress = createProgress({ doing: 'putting', unit: 'records', output, now: () => 0 });

    for (let done = 0; done <= 1_000; done++) progress.update(done, 1_000);
    progress.close();

    expect(lines).toHaveLength(3);
    expect(lines.slice(1)).toEqual([expect.stringContaining('100 %'), '']);
  });
});

it.each([
  [0.2, '1 s'],
  [59.5, '1 min 0 s'],
  [200, '3 min 20 s'],
  [7_500, '2 h 5 min'],
])('%f s are told as %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
