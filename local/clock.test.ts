import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from './clock.ts';

let clock: Clock;
let ran: string[];

beforeEach(() => {
  clock = createClock();
  ran = [];
});

afterEach(() => clock.stop());

describe('the clock', () => {
  it('runs what becomes due when it is driven, in the order of time and then of asking', () => {
    clock.after(2_000, () => ran.push('later'));
    clock.after(1_000, () => ran.push('first'));
    clock.after(1_000, () => ran.push('second'));
    clock.after(60_000, () => ran.push('never'));

    clock.advance(3_000);

    expect(ran).toEqual(['first', 'second', 'later']);
  });

  it('runs work that is asked for by work, when that is due too', () => {
    clock.after(1_000, () => void clock.after(0, () => ran.push('follow-up')));

    clock.advance(1_000);

    expect(ran).toEqual(['follow-up']);
  });

  it('goes on with the time of the machine', async () => {
    clock.advance(3_600_000);

    await new Promise<void>((resolve) => void clock.after(20, resolve));

    expect(Math.abs(clock.now() - Date.now() - 3_600_000)).toBeLessThan(50);
  });

  it('does not run what was cancelled', () => {
    clock.after(1_000, () => ran.push('cancelled')).cancel();

    clock.advance(2_000);

    expect(ran).toEqual([]);
  });

  it('tells when the earliest work is due, and passes over upkeep', () => {
    const nowMs = clock.now();
    clock.after(1_000, () => undefined, 'upkeep');
    expect(clock.nextDueMs()).toBeUndefined();

    clock.after(5_000, () => undefined);

    expect(clock.nextDueMs()).toBeGreaterThanOrEqual(nowMs + 5_000);
  });

  it('reports a task that throws, and goes on with the others, now and later', async () => {
    const failures: unknown[] = [];
    const reporting = createClock({ onError: (error) => failures.push(error) });
    const disk = new Error('no space left on device');
    reporting.after(1_000, () => {
      throw disk;
    });
    reporting.after(1_000, () => ran.push('same time'));
    reporting.after(1_020, () => ran.push('by itself'));

    reporting.advance(1_000);
    expect(ran).toEqual(['same time']);
    await new Promise<void>((resolve) => void reporting.after(30, resolve));
    reporting.stop();

    expect(ran).toEqual(['same time', 'by itself']);
    expect(failures).toEqual([disk]);
  });
});
