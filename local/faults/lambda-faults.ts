/** The fault switch of Lambda, which can also kill a function's process in the midst of an invocation. */
import { FaultSwitch } from './fault-switch.ts';

export interface KillOrder {
  /** Which invocation of the function, counted from 1 since the order was given. */
  readonly invocation: number;
  /** How long after the invocation began the process gets SIGKILL. */
  readonly afterMs: number;
  /** Default: any function. */
  readonly functionName?: string;
}

/** How long an invocation of a function is taken to last before one has returned. */
const DURATION_MS = 100;

export class LambdaFaults extends FaultSwitch {
  protected override readonly kills = true;
  readonly #orders: { readonly order: KillOrder; seen: number }[] = [];
  /** Of the last invocation that was not killed, by function. */
  readonly #durationsMs = new Map<string, number>();

  /** Kills the process in the midst of an invocation, once. */
  killAt(order: KillOrder): void {
    this.#orders.push({ order, seen: 0 });
  }

  /** Takes orders of `killAt` back, too. */
  override clear(): void {
    this.#orders.length = 0;
    super.clear();
  }

  /**
   * Called as an invocation begins; the result is called as it ends. By `killRate` the moment lies anywhere within the time
   * that the last invocation took: one that is quicker lives.
   */
  arm(functionName: string, kill: () => void): () => void {
    const startedAtMs = performance.now();
    let killed = false;
    const timers = this.#momentsMs(functionName).map((afterMs) =>
      setTimeout(() => {
        killed = true;
        kill();
      }, afterMs),
    );
    return () => {
      for (const timer of timers) clearTimeout(timer);
      if (!killed) this.#durationsMs.set(functionName, performance.now() - startedAtMs);
    };
  }

  #momentsMs(functionName: string): number[] {
    const moments: number[] = [];
    for (const entry of this.#orders) {
      if (entry.order.functionName !== undefined && entry.order.functionName !== functionName) continue;
      entry.seen += 1;
      if (entry.seen === entry.order.invocation) moments.push(entry.order.afterMs);
    }
    const concerned = this.settings?.functions?.includes(functionName) ?? true;
    if (concerned && this.happens('killRate')) {
      moments.push(this.draw(this.#durationsMs.get(functionName) ?? DURATION_MS));
    }
    return moments;
  }
}
