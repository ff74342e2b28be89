/** What the processor needs of the world. Adapters implement these; tests and the simulator replace them. */

/** One Firehose record: JSON documents of one table, each ended by a newline. */
export interface PackedRecord {
  readonly data: Buffer;
  /** Documents in it, 1 to 500. */
  readonly documents: number;
  /** Lowest index in the batch of a Kinesis record that has a document in it: what a failed delivery is reported by. */
  readonly recordIndexMin: number;
}

/** What one PutRecordBatch sends: at most 500 records and 4 MiB, all of one table. */
export interface DeliveryCall {
  /** Dataset name, or `failed_events`: the delivery stream's suffix. */
  readonly table: string;
  readonly records: readonly PackedRecord[];
}

/** Delivers what is packed. Resends what is rejected and retryable, and only that, until the deadline. */
export interface DeliveryPort {
  /**
   * @param deadlineMs epoch milliseconds after which nothing is sent again
   * @returns the records that were not accepted; empty when all were
   * @throws DeliveryError when the call as a whole could not be made and will not succeed by being made again now
   */
  deliver(call: DeliveryCall, deadlineMs: number): Promise<readonly PackedRecord[]>;
}

/** The delivery service could not be used. `cause` says why. */
export class DeliveryError extends Error {
  constructor(message: string, options: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'DeliveryError';
  }
}

/** Original bytes of a failed record that are too large for its row. */
export interface KeptPayload {
  /** `s3://bucket/key`; follows from the record's identity, so that writing it again is idempotent. */
  readonly uri: string;
  readonly bytes: Buffer;
  readonly recordIndex: number;
}

export interface PayloadPort {
  /**
   * @param deadlineMs epoch milliseconds after which it is given up
   * @throws PayloadError when the bytes are not known to be kept
   */
  keep(payload: KeptPayload, deadlineMs: number): Promise<void>;
}

/** The payload of a failed record could not be kept. `cause` says why. */
export class PayloadError extends Error {
  constructor(message: string, options: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'PayloadError';
  }
}

/** What `begin` pins for every attempt at a batch, so that a retry decides as the first attempt did. */
export interface BatchTerms {
  /** Times are evaluated as of this moment, epoch milliseconds. */
  readonly evaluatedAtMs: number;
  /** Records scoring below this are quarantined, 0 to 1, unless their dataset says otherwise. */
  readonly qualityThreshold: number;
}

/** The span of a shard that a batch covers. */
export interface BatchRange {
  readonly streamArn: string;
  readonly shardId: string;
  /** First and last sequence number, as AWS gives them. */
  readonly from: string;
  readonly to: string;
}

/** Events of a batch by outcome: `received = delivered + quarantined + dropped`. */
export interface BatchCounts {
  readonly received: number;
  readonly delivered: number;
  readonly quarantined: number;
  readonly dropped: number;
}

/** The books: `begin` before a batch, `commit` once its documents are delivered. */
export interface BooksPort {
  begin(range: BatchRange): Promise<BatchTerms>;
  commit(range: BatchRange, counts: BatchCounts): Promise<void>;
}

export interface ClockPort {
  /** Epoch milliseconds. */
  now(): number;
}
