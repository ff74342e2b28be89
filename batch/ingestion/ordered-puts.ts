/**
 * Puts the steps of a run on the stream, several calls at once, and knows up to which step all is accepted: a run's position
 * never passes a chunk that is still under way.
 */
import type { RunStep, StreamRecordData } from './read-run.ts';

/** @throws Error when some are not known to be on the stream */
export type PutRecords = (records: readonly StreamRecordData[]) => Promise<void>;

/** Bytes and records of a call: well below what Kinesis takes, so that a slow line is done in time. */
const CALL_BYTES_MAX = 2 * 1_024 * 1_024;
const CALL_RECORDS_MAX = 100;
/** Calls under way at once; with the one that is gathered they bound memory to 10 MiB, or a large chunk each. */
const CALLS_MAX = 4;

interface Call {
  readonly put: Promise<void>;
  readonly last: RunStep;
}

export class OrderedPuts {
  readonly #put: PutRecords;
  readonly #underWay: Call[] = [];
  #records: StreamRecordData[] = [];
  #bytes = 0;
  #last: RunStep | undefined;
  #done: RunStep | undefined;

  constructor(put: PutRecords) {
    this.#put = put;
  }

  /** The last step that is accepted with all before it. */
  get done(): RunStep | undefined {
    return this.#done;
  }

  /** Resolves as soon as there is room for the next. @throws what a call before it failed with */
  async add(step: RunStep): Promise<void> {
    this.#last = step;
    if (step.record !== undefined) {
      this.#records.push(step.record);
      this.#bytes += step.record.data.length;
    }
    if (this.#bytes >= CALL_BYTES_MAX || this.#records.length >= CALL_RECORDS_MAX) await this.#send();
  }

  /** Resolves once all is accepted. @throws what a call failed with */
  async flush(): Promise<void> {
    await this.#send();
    while (this.#underWay.length > 0) await this.#awaitOldest();
    this.#done = this.#last ?? this.#done;
  }

  /** Waits for what is under way, whatever becomes of it: `done` is then as far as it came. */
  async settle(): Promise<void> {
    try {
      while (this.#underWay.length > 0) await this.#awaitOldest();
    } catch {
      await Promise.allSettled(this.#underWay.map(({ put }) => put));
    }
  }

  async #send(): Promise<void> {
    if (this.#records.length === 0 || this.#last === undefined) return;
    while (this.#underWay.length >= CALLS_MAX) await this.#awaitOldest();
    const put = this.#put(this.#records);
    // A failure is met when its turn comes.
    put.catch(() => {});
    this.#underWay.push({ put, last: this.#last });
    this.#records = [];
    this.#bytes = 0;
  }

  async #awaitOldest(): Promise<void> {
    const [oldest] = this.#underWay;
    if (oldest === undefined) return;
    await oldest.put;
    this.#underWay.shift();
    this.#done = oldest.last;
  }
}
