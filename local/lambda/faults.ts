/** Failures that tests ask for. Nothing here happens unless it was asked for. */

export interface KillOrder {
  /** Which invocation of the function, counted from 1 since the order was given. */
  readonly invocation: number;
  /** How long after the invocation began the process gets SIGKILL. */
  readonly afterMs: number;
  /** Default: any function. */
  readonly functionName?: string;
}

export class Faults {
  readonly #orders: { readonly order: KillOrder; seen: number }[] = [];

  /** Kills the process in the midst of an invocation, once. */
  killAt(order: KillOrder): void {
    this.#orders.push({ order, seen: 0 });
  }

  /** Called as an invocation begins; the result is called as it ends. */
  arm(functionName: string, kill: () => void): () => void {
    const timers: NodeJS.Timeout[] = [];
    for (const entry of this.#orders) {
      if (entry.order.functionName !== undefined && entry.order.functionName !== functionName) continue;
      entry.seen += 1;
      if (entry.seen === entry.order.invocation) timers.push(setTimeout(kill, entry.order.afterMs));
    }
    return () => {
      for (const timer of timers) clearTimeout(timer);
    };
  }
}
