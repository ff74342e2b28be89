/**
 * Time that passes only when nothing else is left to do. Tasks run one after another in the order of (time, when they
 * were asked for); after each, all that it set going without waiting runs to its end.
 */

export interface VirtualTime {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs the task that much later. @returns takes it back */
  after(delayMs: number, task: () => void): () => void;
  sleep(delayMs: number): Promise<void>;
  /**
   * Runs until no task is left, or until the time of the next is past `untilMs`.
   * @returns whether no task is left
   */
  run(untilMs: number): Promise<boolean>;
}

interface Task {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export function createVirtualTime(startMs: number): VirtualTime {
  const tasks = createHeap();
  let nowMs = startMs;
  let order = 0;

  function after(delayMs: number, run: () => void): () => void {
    const task: Task = { atMs: nowMs + Math.max(0, Math.ceil(delayMs)), order: order++, run };
    tasks.push(task);
    return () => {
      task.run = undefined;
    };
  }

  return {
    now: () => nowMs,
    after,
    sleep: (delayMs) => new Promise((resolve) => after(delayMs, resolve)),
    async run(untilMs) {
      for (let next = tasks.peek(); next !== undefined; next = tasks.peek()) {
        if (next.run !== undefined && next.atMs > untilMs) return false;
        tasks.pop();
        if (next.run === undefined) continue;
        nowMs = next.atMs;
        next.run();
        await settled();
      }
      return true;
    },
  };
}

/** All microtasks, and one turn of what the code under test puts off by `setImmediate`. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/** A binary heap, the earliest task first. */
function createHeap() {
  const heap: Task[] = [];
  return {
    peek: (): Task | undefined => heap[0],
    push(task: Task): void {
      let at = heap.push(task) - 1;
      while (at > 0) {
        const above = (at - 1) >> 1;
        const parent = heap[above];
        if (parent === undefined || !isBefore(task, parent)) break;
        heap[at] = parent;
        at = above;
      }
      heap[at] = task;
    },
    pop(): void {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return;
      let at = 0;
      for (;;) {
        let below = 2 * at + 1;
        const [left, right] = [heap[below], heap[below + 1]];
        if (left === undefined) break;
        let least = left;
        if (right !== undefined && isBefore(right, left)) {
          least = right;
          below += 1;
        }
        if (!isBefore(least, last)) break;
        heap[at] = least;
        at = below;
      }
      heap[at] = last;
    },
  };
}
