import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { lastValueFrom, take, toArray } from 'rxjs';
import { createBacklog } from './backlog.ts';
import { paced, TURN_MS_MAX } from './paced.ts';

const still = { now: () => 0 };
/** Each reading is later than a turn lasts. */
const hurried = () => {
  let nowMs = 0;
  return { now: () => (nowMs += TURN_MS_MAX) };
};

function* counting(read: number[], count: number): Generator<number> {
  for (let i = 0; i < count; i++) {
    read.push(i);
    yield i;
  }
}

describe('an iterable that is paced', () => {
  test('gives all that it has, in its order and at once, where nothing has to wait', () => {
    const seen: unknown[] = [];

    paced([1, 2, 3], createBacklog(1), still).subscribe({
      next: (value) => seen.push(value),
      complete: () => seen.push('complete'),
    });

    expect(seen).toEqual([1, 2, 3, 'complete']);
  });

  test('gives nothing but its end when it is empty', async () => {
    expect(await lastValueFrom(paced([], createBacklog(1), still).pipe(toArray()))).toEqual([]);
  });

  test('is read no further than it is listened to', async () => {
    const read: number[] = [];

    await lastValueFrom(paced(counting(read, 10), createBacklog(1), still).pipe(take(2)));

    expect(read).toEqual([0, 1]);
  });

  test.each([
    ['at once', still],
    ['after a pause', hurried()],
  ])('that throws %s fails with its error', async (_, clock) => {
    function* failing(): Generator<number> {
      yield 1;
      throw new TypeError('no more');
    }

    await expect(lastValueFrom(paced(failing(), createBacklog(1), clock))).rejects.toThrow('no more');
  });

  test('is read on only when there is room, and then goes on by itself', () => {
    const read: number[] = [];
    const backlog = createBacklog(10);
    const seen: number[] = [];

    paced(counting(read, 5), backlog, still).subscribe((value) => {
      seen.push(value);
      backlog.add(6);
    });

    expect(read).toEqual([0, 1]);
    backlog.remove(1);
    expect(read).toEqual([0, 1]);
    backlog.remove(6);
    expect(read).toEqual([0, 1, 2]);
    expect(seen).toEqual(read);
  });

  test('gives the event loop a turn when its own is over, and works in each', async () => {
    const read: number[] = [];

    const all = lastValueFrom(paced(counting(read, 3), createBacklog(1), hurried()).pipe(toArray()));

    expect(read).toEqual([0]);
    await tick();
    expect(read).toEqual([0, 1]);
    expect(await all).toEqual([0, 1, 2]);
  });

  test('that nobody listens to any more is not read on after a pause or when there is room', async () => {
    const read: number[] = [];
    const backlog = createBacklog(1);
    const pausing = paced(counting(read, 3), backlog, hurried()).subscribe();
    pausing.unsubscribe();
    const waiting = paced(counting(read, 3), backlog, still).subscribe(() => backlog.add(1));
    waiting.unsubscribe();

    backlog.remove(1);
    await tick();

    expect(read).toEqual([0, 0]);
  });
});
