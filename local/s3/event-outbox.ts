/**
 * Tells EventBridge of changes whose rows are written, and strikes them out of the journal once it has taken them. What it
 * does not take is sent again, ever later, and by the next process if this one ends before.
 */
import type { Clock, Timer } from '../clock.ts';
import type { ChangeJournal, WrittenEntry } from './change-journal.ts';

export interface EventOutboxOptions {
  readonly journal: ChangeJournal;
  readonly clock: Clock;
  /** Undefined when nobody is to be told. */
  readonly publish: (entry: WrittenEntry) => Promise<void> | undefined;
}

const RETRY_MS = { first: 1_000, most: 60_000 };

export class EventOutbox {
  readonly #options: EventOutboxOptions;
  readonly #underWay = new Set<Promise<void>>();
  #refused: WrittenEntry[] = [];
  #retryMs = RETRY_MS.first;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: EventOutboxOptions) {
    this.#options = options;
  }

  /** Publishes at once, so that events come in the order of their changes. */
  send(entry: WrittenEntry): void {
    const { journal, publish } = this.#options;
    const published = publish(entry);
    if (!published) {
      journal.end(entry.id);
      return;
    }
    const settled = published
      .then(
        () => this.#taken(entry),
        () => this.#sendLater(entry),
      )
      .finally(() => void this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }

  /** Resolves once nothing is under way. What was refused stays in the journal. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await Promise.all(this.#underWay);
  }

  #taken({ id }: WrittenEntry): void {
    this.#options.journal.end(id);
    this.#retryMs = RETRY_MS.first;
  }

  #sendLater(entry: WrittenEntry): void {
    this.#refused.push(entry);
    if (this.#timer || this.#isClosed) return;
    this.#timer = this.#options.clock.after(this.#retryMs, () => {
      this.#timer = undefined;
      for (const refused of this.#refused.splice(0)) this.send(refused);
    });
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most);
  }
}
