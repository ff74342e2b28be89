/**
 * Where a record stands on the stream, and the physical identity that follows from it.
 *
 * A position is (stream, shard, sequence number, subsequence number): the index inside a KPL aggregate or a CloudEvents
 * batch is the subsequence. Sequence numbers have about 56 digits, more than a JS or DynamoDB number holds, so they are
 * kept and compared as zero-padded strings.
 */

/** Digits that a stored sequence number is padded to. Kinesis allows up to 129 digits (`^0|([1-9]\d{0,128})$`). */
export const SEQUENCE_DIGITS = 56;

/** One Kinesis record as it arrives, whatever read it. */
export interface StreamRecord {
  readonly shardId: string;
  /** As AWS gives it, decimal, not padded. */
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: Buffer;
  /** Approximate arrival, epoch milliseconds. */
  readonly arrivedAtMs: number;
}
