/**
 * The buffers of all delivery streams: what has been taken in, and when it is delivered. A buffer is delivered when it
 * is full, when its interval is over on the shared clock, or when it is flushed.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Deliveries } from './deliveries.ts';
import type { IntakePlan, Taken } from './intake.ts';
import type { Spool } from './spool.ts';
import type { ConversionThread } from './start-conversion-thread.ts';

export interface Buffers {
  /** Sets or replaces how a stream is taken in. */
  configure(plan: IntakePlan, bufferIntervalMs: number): Promise<void>;
  /** Resolves when all is on disk. @param data is moved to the conversion thread */
  take(streamName: string, data: Uint8Array, ends: readonly number[]): Promise<void>;
  /** Delivers every buffer, whatever its age. @throws Error when S3 refuses */
  flush(): Promise<void>;
  busy(): boolean;
  /** The conversion thread has ended: delivers what its spools hold. */
  lost(): void;
  stop(): void;
}

interface Waiting {
  readonly spool: Spool;
  readonly timer: Timer;
}

export function createBuffers(clock: Clock, thread: ConversionThread, deliveries: Deliveries): Buffers {
  const waiting = new Map<string, Waiting>();
  const intervals = new Map<string, number>();
  let ageing = 0;

  function settle(taken: Taken): void {
    for (const spool of taken.opened) {
      const timer = clock.after(intervals.get(spool.streamName) ?? 0, () => void intervalIsOver(spool.id));
      waiting.set(spool.id, { spool, timer });
    }
    for (const id of taken.sealed) close(id);
    if (taken.problem !== undefined) throw new Error(taken.problem);
  }

  function close(id: string): void {
    const closed = waiting.get(id);
    if (!closed) throw new Error(`Spool ${id} was closed without having been opened.`);
    closed.timer.cancel();
    waiting.delete(id);
    deliveries.add(closed.spool);
  }

  async function intervalIsOver(spoolId: string): Promise<void> {
    ageing++;
    try {
      settle(await thread.ask({ kind: 'seal', spoolId }));
    } catch {
      // The thread has ended, and with it every buffer: `lost` delivers them, or the next start does.
    } finally {
      ageing--;
    }
  }

  return {
    async configure(plan, bufferIntervalMs) {
      intervals.set(plan.name, bufferIntervalMs);
      settle(await thread.ask({ kind: 'configure', plan }));
    },
    async take(streamName, data, ends) {
      settle(await thread.ask({ kind: 'take', streamName, arrivedAtMs: clock.now(), data, ends }));
    },
    async flush() {
      if (waiting.size > 0 || thread.busy()) settle(await thread.ask({ kind: 'seal' }));
      await deliveries.settle();
    },
    busy: () => ageing > 0 || thread.busy() || deliveries.busy(),
    lost() {
      for (const id of [...waiting.keys()]) close(id);
    },
    stop() {
      for (const { timer } of waiting.values()) timer.cancel();
    },
  };
}
