/**
 * Emits what an iterable gives, and takes the next only when there is room in the backlog and the event loop has had its
 * turn. RxJS itself reads an iterable to its end whatever becomes of it (`from`), and queues what it cannot send yet
 * without a bound (`mergeMap`, `concatMap`).
 *
 * It is synchronous where nothing has to wait: no promise is made, and none for a pause.
 */
import { Observable } from 'rxjs';
import type { Backlog } from './backlog.ts';
import type { ClockPort } from './ports.ts';

/**
 * How long is worked before the event loop gets a turn, milliseconds. Until then no answer is read and no request leaves
 * the process, while its timeout runs.
 */
export const TURN_MS_MAX = 20;

/** An error of the iterable is the observable's; it is read once, and no further when nobody listens any more. */
export function paced<Value>(source: Iterable<Value>, backlog: Backlog, clock: ClockPort): Observable<Value> {
  return new Observable((subscriber) => {
    const iterator = source[Symbol.iterator]();
    let turnEndsMs = clock.now() + TURN_MS_MAX;

    function work(): void {
      try {
        while (!subscriber.closed && backlog.hasRoom) {
          const next = iterator.next();
          if (next.done) subscriber.complete();
          else subscriber.next(next.value);
          // Asked last: each turn does some work, whatever the clock says.
          if (clock.now() >= turnEndsMs) break;
        }
      } catch (error) {
        subscriber.error(error);
      }
      if (subscriber.closed) return;
      if (backlog.hasRoom) setImmediate(nextTurn);
      else backlog.whenRoom(work);
    }

    function nextTurn(): void {
      turnEndsMs = clock.now() + TURN_MS_MAX;
      work();
    }

    work();
  });
}
