/**
 * Invocations that nobody waits for (`InvocationType: Event`). A function error is retried twice, after one minute and
 * after two more; throttled ones wait for a free process. What is queued is lost when the local runtime stops.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
import type { Clock, Timer } from '../clock.ts';
import type { FunctionPool } from './function-pool.ts';

const RETRY_DELAYS_MS: readonly number[] = [60_000, 120_000];
/** Pause before what did not run at all is tried again. */
const THROTTLED_DELAY_MS = 1_000;

interface Queued {
  readonly pool: FunctionPool;
  readonly payload: string;
  readonly retriedAs: 'work' | 'upkeep';
}

export class AsynchronousInvocations {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  #running = 0;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param retriedAs how its retries wait on the clock */
  add(pool: FunctionPool, payload: string, retriedAs: 'work' | 'upkeep'): void {
    void this.#run({ pool, payload, retriedAs }, 0);
  }

  idle(): boolean {
    return this.#running === 0;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
  }

  async #run(invocation: Queued, retries: number): Promise<void> {
    const { pool, payload, retriedAs } = invocation;
    this.#running += 1;
    const outcome = await pool.invoke({ payload, waits: true });
    this.#running -= 1;
    const delayMs = outcome.kind === 'failed' ? RETRY_DELAYS_MS[retries] : THROTTLED_DELAY_MS;
    if (outcome.kind === 'returned' || delayMs === undefined || this.#isStopped) return;
    const again = () => {
      this.#timers.delete(timer);
      void this.#run(invocation, outcome.kind === 'failed' ? retries + 1 : retries);
    };
    const timer = this.#clock.after(delayMs, again, retriedAs);
    this.#timers.add(timer);
  }
}
