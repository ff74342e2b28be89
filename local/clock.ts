/** The one clock that all local services share. It follows the machine's clock and can be driven forward. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /**
   * Runs `task` once when the clock reaches now + `delayMs`. Everything that is still to be done for what was accepted
   * waits here and nowhere else; upkeep that returns for ever says so, and is not waited for. A task that throws is
   * reported, and neither stops the clock nor keeps other tasks from running.
   */
  after(delayMs: number, task: () => void, kind?: 'work' | 'upkeep'): Timer;
  /** Moves the clock forward and runs what has become due, in order of time. */
  advance(durationMs: number): void;
  /** When the earliest work that waits is due, in epoch milliseconds; undefined when none waits. */
  nextDueMs(): number | undefined;
  /** Cancels what is waiting. */
  stop(): void;
}

interface Waiting {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
  readonly kind: 'work' | 'upkeep';
}

/** Delay beyond which `setTimeout` overflows: 2^31 - 1 ms. A later due time is waited for in parts. */
const TIMEOUT_MS_MAX = 2_147_483_647;

export interface ClockOptions {
  /** Gets what a task throws. Default: a line on standard error. */
  readonly onError?: (error: unknown) => void;
}

export function createClock({ onError = report }: ClockOptions = {}): Clock {
  let offsetMs = 0;
  let order = 0;
  let wakeUp: NodeJS.Timeout | undefined;
  const waiting = new Set<Waiting>();

  const now = (): number => Date.now() + offsetMs;

  function earliest(kind?: Waiting['kind']): Waiting | undefined {
    let first: Waiting | undefined;
    for (const entry of waiting) {
      if (kind !== undefined && entry.kind !== kind) continue;
      if (!first || entry.dueMs < first.dueMs || (entry.dueMs === first.dueMs && entry.order < first.order))
        first = entry;
    }
    return first;
  }

  function arm(): void {
    clearTimeout(wakeUp);
    const next = earliest();
    if (next) wakeUp = setTimeout(runDue, Math.min(Math.max(0, next.dueMs - now()), TIMEOUT_MS_MAX));
  }

  function runDue(): void {
    for (let next = earliest(); next && next.dueMs <= now(); next = earliest()) {
      waiting.delete(next);
      try {
        next.task();
      } catch (error) {
        onError(error);
      }
    }
    arm();
  }

  return {
    now,
    after(delayMs, task, kind = 'work') {
      const entry: Waiting = { dueMs: now() + Math.max(0, delayMs), order: order++, task, kind };
      waiting.add(entry);
      arm();
      return { cancel: () => void waiting.delete(entry) };
    },
    advance(durationMs) {
      offsetMs += durationMs;
      runDue();
    },
    nextDueMs: () => earliest('work')?.dueMs,
    stop() {
      waiting.clear();
      clearTimeout(wakeUp);
    },
  };
}

function report(error: unknown): void {
  process.stderr.write(`A task of the clock failed: ${Error.isError(error) ? error.stack : String(error)}\n`);
}
