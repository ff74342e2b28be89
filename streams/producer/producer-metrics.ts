/** What a producer counts, and the error that it ends with. */

/** Counts since the start. A user record is what was put; a record is what Kinesis took: one, or an aggregate. */
export interface ProducerMetrics {
  readonly userRecordsPut: number;
  readonly userRecordsAccepted: number;
  readonly recordsAccepted: number;
  /** Entries that Kinesis rejected, each time counted. */
  readonly recordsRejected: number;
  /** Of them, those that were over the stream's throughput. */
  readonly recordsThrottled: number;
  /** Entries that were sent again, each time counted. */
  readonly recordsResent: number;
  /** Entries of calls that failed as a whole and were sent again: these may be on the stream twice. */
  readonly recordsPossiblyDuplicated: number;
  /** Records that went to another shard than the one listed at the start. */
  readonly misroutedRecords: number;
  readonly callsSent: number;
  readonly callsFailed: number;
  /** Bytes that Kinesis took: data and partition keys. */
  readonly bytesAccepted: number;
  /** Bytes put and not yet accepted: data and partition keys. */
  readonly bytesBuffered: number;
}

export type ProducerCounts = { -readonly [Count in keyof ProducerMetrics]: number };

export function createProducerCounts(): ProducerCounts {
  return {
    userRecordsPut: 0,
    userRecordsAccepted: 0,
    recordsAccepted: 0,
    recordsRejected: 0,
    recordsThrottled: 0,
    recordsResent: 0,
    recordsPossiblyDuplicated: 0,
    misroutedRecords: 0,
    callsSent: 0,
    callsFailed: 0,
    bytesAccepted: 0,
    bytesBuffered: 0,
  };
}

/** The producer gave up: the stream does not take the records. What was not accepted is lost to this producer. */
export class ProducerError extends Error {
  override readonly name = 'ProducerError';
  readonly metrics: ProducerMetrics;

  constructor(message: string, metrics: ProducerMetrics, cause: unknown) {
    const lost = metrics.userRecordsPut - metrics.userRecordsAccepted;
    super(`${message} ${metrics.userRecordsAccepted} user records were accepted, ${lost} were not.`, { cause });
    this.metrics = metrics;
  }
}
