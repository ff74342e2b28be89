/** What the producer needs of Kinesis. The adapter implements it with the SDK; tests and the simulator replace it. */

export interface PutRecordsEntry {
  readonly data: Buffer;
  readonly partitionKey: string;
  /** Decimal; takes the place of the partition key's MD5. `undefined`: the partition key decides. */
  readonly explicitHashKey: string | undefined;
}

/** What became of an entry: accepted when `errorCode` is undefined. */
export interface PutRecordsResult {
  /** `ProvisionedThroughputExceededException` or `InternalFailure`: the entry was not taken, and may be sent again. */
  readonly errorCode: string | undefined;
  readonly errorMessage: string | undefined;
  readonly shardId: string | undefined;
}

/** An open shard and the hash keys that it takes, both ends included, decimal. */
export interface ShardRange {
  readonly shardId: string;
  readonly startingHashKey: string;
  readonly endingHashKey: string;
}

export interface PutRecordsPort {
  /**
   * One PutRecords call.
   *
   * @param timeoutMs how long the answer may be waited for; a port may give up sooner
   * @returns a result for each entry, in their order
   * @throws PutRecordsError when the call as a whole failed, or was not answered in time; whether entries were taken is
   *   then unknown
   */
  putRecords(
    streamName: string,
    entries: readonly PutRecordsEntry[],
    timeoutMs: number,
  ): Promise<readonly PutRecordsResult[]>;
  /** The open shards. */
  listShards(streamName: string): Promise<readonly ShardRange[]>;
}

/** A PutRecords call that failed as a whole. */
export class PutRecordsError extends Error {
  override readonly name = 'PutRecordsError';
  /** Whether the same call may work later: throttles, timeouts and server errors, but not a missing stream or right. */
  readonly isRetryable: boolean;

  constructor(message: string, options: { readonly isRetryable: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.isRetryable = options.isRetryable;
  }
}
