/** What a call of `putEvents` gives, and the error that it ends with: both account for every record. */
import type { Unfit } from './encode-event.ts';

/** A record that was not put, since the pipeline would quarantine it or Kinesis would not take it. */
export interface RefusedRecord extends Unfit {
  /** Place in the input, from 0. */
  readonly position: number;
  /** As it was given. */
  readonly record: unknown;
}

/** A record that was put and of which Kinesis has not said that it has it. */
export interface UnacceptedRecord {
  /** Place in the input, from 0. */
  readonly position: number;
  /** True when an answer was lost: put again, the record may be on the stream twice. False: it is not on the stream. */
  readonly mayBeOnStream: boolean;
}

export interface PutEventsProgress {
  /** Records read from the input: those from this position on were not looked at. */
  readonly taken: number;
  /** Records that Kinesis has. */
  readonly accepted: number;
  readonly refusedCount: number;
  /** The refused records, in the order of the input, but for those that `whenRefused` as a function was given. */
  readonly refused: readonly RefusedRecord[];
}

/** Every record that was taken is accepted or refused: `taken` is `accepted` and `refusedCount` together. */
export interface PutEventsResult extends PutEventsProgress {
  /** Why no more was taken: the input ended, the signal was aborted, or the producer was closed. */
  readonly end: 'exhausted' | 'aborted' | 'closed';
}

/**
 * The call could not go on: the stream did not take the records, the input threw, or a record was refused and the caller
 * did not want to go on. To go on without losing a record, put those at the positions of `unaccepted`, in their order,
 * and then the input from `taken` on; the order per key holds. `cause` is a `ProducerError` when the stream is to blame:
 * the event producer has failed for good then, and a new one is needed.
 */
export class PutEventsError extends Error {
  override readonly name = 'PutEventsError';
  readonly progress: PutEventsProgress;
  /** In the order of the input. `taken` is `accepted`, `refusedCount` and the length of this together. */
  readonly unaccepted: readonly UnacceptedRecord[];

  constructor(
    message: string,
    progress: PutEventsProgress,
    unaccepted: readonly UnacceptedRecord[],
    options?: ErrorOptions,
  ) {
    const { taken, accepted, refusedCount } = progress;
    super(
      `${message} Of ${taken} records taken, ${accepted} were accepted, ${refusedCount} refused, ` +
        `${unaccepted.length} not accepted.`,
      options,
    );
    this.progress = progress;
    this.unaccepted = unaccepted;
  }
}
