/**
 * Sends events to queues. The queue writes before its call returns, so there is nothing to wait for unless it fails;
 * then the event is tried again, as EventBridge does
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html).
 */
import type { Clock, Timer } from '../clock.ts';
import type { Queues } from '../ports.ts';
import { AwsError } from '../service.ts';

export interface DeliveriesOptions {
  readonly queues: Queues;
  readonly clock: Clock;
  /** Gets one line for each event that is lost or late. */
  readonly warn: (line: string) => void;
}

interface Delivery {
  readonly queueArn: string;
  readonly event: string;
  failures: number;
}

const RETRY_MS = { first: 1_000, most: 60_000 };

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #waiting = new Map<Delivery, Timer>();
  #isStopped = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** True while a delivery is under way; one that waits to be tried again does not count. */
  get busy(): boolean {
    return this.#underWay.size > 0;
  }

  add(queueArn: string, event: string): void {
    this.#attempt({ queueArn, event, failures: 0 });
  }

  /** Tries what waits once more, and says what is lost. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const late = [...this.#waiting];
    this.#waiting.clear();
    for (const [delivery, timer] of late) {
      timer.cancel();
      this.#attempt(delivery);
    }
    await Promise.all(this.#underWay);
  }

  #attempt(delivery: Delivery): void {
    // Called here and now, not in a task of its own: this is what makes a published event durable.
    const sent = this.#options.queues.send(delivery.queueArn, delivery.event);
    const settled = sent
      .catch((error: unknown) => this.#failed(delivery, error))
      .finally(() => void this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }

  #failed(delivery: Delivery, error: unknown): void {
    const { clock, warn } = this.#options;
    delivery.failures += 1;
    // A queue that refuses the message will refuse it again.
    const isFinal = this.#isStopped || (error instanceof AwsError && error.status < 500);
    const fate = isFinal ? 'lost' : 'tried again';
    const problem = `EventBridge to ${delivery.queueArn}: ${String(error)}; ${fate}: ${delivery.event}`;
    if (isFinal || delivery.failures === 1) warn(problem);
    if (isFinal) return;
    const delayMs = Math.min(RETRY_MS.first * 2 ** (delivery.failures - 1), RETRY_MS.most);
    const timer = clock.after(delayMs, () => {
      this.#waiting.delete(delivery);
      this.#attempt(delivery);
    });
    this.#waiting.set(delivery, timer);
  }
}
