/**
 * What the event source mapping of one Kinesis shard is told, what it asks for, and what it remembers. Plain data: the
 * rules are in event-source-mapping.ts.
 */

export interface MappingSettings {
  /** 1 to 10,000 records. */
  readonly batchSize: number;
  /** How long to gather a batch that is not full, 0 to 300,000 ms. */
  readonly batchingWindowMs: number;
  /** Invocations after the first failed one, 0 to 10,000; -1 for no limit. */
  readonly retriesMax: number;
  /** Records older than this are discarded; -1 for no limit. */
  readonly recordAgeMsMax: number;
  /** Split a failed batch instead of retrying it whole. */
  readonly bisects: boolean;
  /** Whether the function's return value is read (`ReportBatchItemFailures`). */
  readonly reportsItemFailures: boolean;
}

/** What the machine knows of a record; drivers add what they need. */
export interface MappedRecord {
  readonly sequenceNumber: string;
  readonly arrivedAtMs: number;
  /** What the record takes of an invocation's payload. */
  readonly payloadBytes: number;
}

export type StartingPosition =
  | { readonly from: 'TRIM_HORIZON' }
  /** `tip`: newest sequence number of the shard when the mapping was made, undefined when it had no record. */
  | { readonly from: 'LATEST'; readonly tip: string | undefined }
  | { readonly from: 'AT_TIMESTAMP'; readonly timestampMs: number }
  /** Where an earlier run got to. */
  | { readonly from: 'CHECKPOINT'; readonly checkpoint: string };

/** `responseContext` of the on-failure document: what came of the last invocation. */
export interface ResponseContext {
  readonly statusCode: number;
  /** Null when the failure was reported in the function's return value. */
  readonly functionError: string | null;
}

export type InvocationResult =
  /** The function returned; `payload` is JSON text. */
  | { readonly kind: 'returned'; readonly payload: string }
  /** It threw, timed out or its process ended. */
  | { readonly kind: 'failed'; readonly functionError: string }
  /** It did not run: throttled, or the service failed. Consumes no retry. */
  | { readonly kind: 'unavailable' };

export type Input<R extends MappedRecord> =
  /** Time has passed. */
  | { readonly kind: 'tick' }
  /** The stream has got new records. */
  | { readonly kind: 'available' }
  /** The answer to `read`; none means that there are no more for now. */
  | { readonly kind: 'records'; readonly records: readonly R[] }
  | { readonly kind: 'invoked'; readonly result: InvocationResult }
  | { readonly kind: 'discarded' };

export type DiscardCondition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

export type Output<R extends MappedRecord> =
  /** Answer with `records`. Bytes are of the records' data. */
  | {
      readonly kind: 'read';
      readonly after: string | undefined;
      readonly recordsMax: number;
      readonly bytesMax: number;
    }
  /** Answer with `invoked`. */
  | { readonly kind: 'invoke'; readonly records: readonly R[] }
  /** Send to the on-failure destination, if there is one; answer with `discarded`. */
  | {
      readonly kind: 'discard';
      readonly records: readonly R[];
      readonly condition: DiscardCondition;
      readonly invocations: number;
      /** Absent for `RecordAgeExceeded`. */
      readonly response?: ResponseContext;
    }
  /** Send `tick` at this time, replacing an earlier wish. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Everything up to here is done with. */
  | { readonly kind: 'checkpoint'; readonly sequenceNumber: string };

/** Consecutive records that are tried together. */
export interface Portion<R extends MappedRecord> {
  readonly records: readonly R[];
  /** The shard is done up to here once these records are: records that expired between them included. */
  readonly end: string;
  /** Invocations so far that consumed the budget. */
  readonly invocations: number;
  /** Set when the portion is to be given up. */
  readonly givenUp?: ResponseContext;
}

export interface ShardState<R extends MappedRecord> {
  /** The last sequence number that is done with; undefined at the trim horizon. */
  readonly checkpoint: string | undefined;
  /** The last sequence number read. */
  readonly readUpTo: string | undefined;
  /** Records that arrived earlier are passed over until the first later one. */
  readonly startsAtMs: number | undefined;
  /** Read, and in no batch yet. */
  readonly gathered: readonly R[];
  readonly gatheredBytes: number;
  /** When the first of `gathered` was read. */
  readonly gatheringSinceMs: number;
  /** What is left of the current batch, in order. */
  readonly portions: readonly Portion<R>[];
  readonly underWay: 'nothing' | 'invocation' | { readonly discarding: number; readonly at: number };
  /** Failures in a row of the first portion, for the backoff. */
  readonly failuresInRow: number;
  readonly retryAtMs: number;
  readonly reading: boolean;
  /** The last read found nothing, and nothing has been added since. */
  readonly caughtUp: boolean;
  /** Records were added while a read was under way. */
  readonly addedWhileReading: boolean;
}

export function initialState<R extends MappedRecord>(start: StartingPosition): ShardState<R> {
  const position = start.from === 'LATEST' ? start.tip : start.from === 'CHECKPOINT' ? start.checkpoint : undefined;
  return {
    checkpoint: position,
    readUpTo: position,
    startsAtMs: start.from === 'AT_TIMESTAMP' ? start.timestampMs : undefined,
    gathered: [],
    gatheredBytes: 0,
    gatheringSinceMs: 0,
    portions: [],
    underWay: 'nothing',
    failuresInRow: 0,
    retryAtMs: 0,
    reading: false,
    caughtUp: false,
    addedWhileReading: false,
  };
}
