/** What the processor needs of the world. Adapters implement these; tests and the simulator replace them. */

/** One JSON document for Firehose, already serialised, without a delimiter. */
export interface Document {
  /** Dataset name, or `failed_events`: the delivery stream's suffix. */
  readonly table: string;
  readonly json: string;
  /** UTF-8 length of `json`. */
  readonly bytes: number;
  /** Index in the batch of the Kinesis record that the document comes from: what a failed delivery is reported by. */
  readonly recordIndex: number;
}

/** Delivers documents. Resends what is retryable and rejected, and only that, until `deadlineMs`. */
export interface DeliveryPort {
  /**
   * @param deadlineMs epoch milliseconds after which nothing is sent again
   * @returns the lowest record index of a document that was not accepted, or `undefined` when all were
   */
  deliver(documents: readonly Document[], deadlineMs: number): Promise<number | undefined>;
}

/** Keeps the original bytes of a failed record that are too large for its row. */
export interface PayloadPort {
  /** Idempotent: the key follows from the record's identity. Returns the object's `s3://` URI. */
  keep(recordId: string, bytes: Buffer): Promise<string>;
}

/** What `begin` pins for every attempt at a batch. */
export interface BatchTerms {
  /** Times are evaluated as of this moment, epoch milliseconds. */
  readonly evaluatedAtMs: number;
  /** Records scoring below this are quarantined, 0 to 1. */
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

/** Counts of a batch, by outcome. */
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
