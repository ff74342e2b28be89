/** Runs something at its times, on the shared clock. */
import type { Clock, Timer } from '../clock.ts';
import type { Recurrence } from './recurrence.ts';

/**
 * Runs on the clock until it is cancelled, or no time is left; its time begins now. It returns for ever, so it is upkeep: a
 * drain does not wait for it. A clock that is driven past several times runs the latest only.
 * @param run gets the time that was due, epoch milliseconds
 */
export function startRecurrence({ next }: Recurrence, clock: Clock, run: (dueMs: number) => void): Timer {
  const startMs = clock.now();
  let timer: Timer | undefined;
  const wait = (dueMs: number | undefined): void => {
    if (dueMs === undefined) return;
    const due = (): void => {
      let latestMs = dueMs;
      let nextMs = next(latestMs, startMs);
      for (; nextMs !== undefined && nextMs <= clock.now(); nextMs = next(latestMs, startMs)) latestMs = nextMs;
      wait(nextMs);
      run(latestMs);
    };
    timer = clock.after(dueMs - clock.now(), due, 'upkeep');
  };
  wait(next(startMs, startMs));
  return { cancel: () => timer?.cancel() };
}
