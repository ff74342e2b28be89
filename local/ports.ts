/** What local services need of each other. Each port is implemented by the service that it is named after. */

/** S3, as other services use it: no HTTP, no SDK. */
export interface ObjectStore {
  /**
   * Writes an object atomically and publishes its event. `file` is moved into place, not copied where that can be avoided,
   * and stays where it is until the object is there: after a failure, or the end of the process, it can be put again. It may
   * share its content with the object then, and must not be written into.
   */
  put(object: {
    readonly bucket: string;
    readonly key: string;
    readonly content: Buffer | { readonly file: string };
    readonly contentType?: string;
  }): Promise<{ readonly etag: string; readonly size: number }>;
  /** @throws AwsError `NoSuchKey`, `NoSuchBucket` */
  get(bucket: string, key: string): Promise<Buffer>;
  /** Path of the file that holds the object's content, for readers such as DuckDB; undefined when there is none. */
  fileOf(bucket: string, key: string): string | undefined;
  /** Keys with the prefix, in UTF-8 order. */
  keys(bucket: string, prefix: string): readonly string[];
}

/** EventBridge. */
export interface EventBus {
  /**
   * The event is in the file of each queue that it goes to when the call returns; the promise tells of it. When it rejects,
   * a queue could not write, and whoever published the event publishes it again: to all queues, so that it may come twice.
   */
  publish(event: {
    readonly source: string;
    readonly detailType: string;
    readonly resources: readonly string[];
    readonly detail: object;
  }): Promise<void>;
}

/** SQS. */
export interface Queues {
  /**
   * The message is in the queue's file when the call returns; the promise tells of it, or why it is not.
   * @param attributes message attributes of the type String, at most 10. Default: none
   */
  send(queueArn: string, body: string, attributes?: Readonly<Record<string, string>>): Promise<void>;
  /** @param signal ends the wait when it is aborted: the promise then resolves to no messages */
  receive(
    queueArn: string,
    messagesMax: number,
    waitSeconds: number,
    signal?: AbortSignal,
  ): Promise<readonly QueueMessage[]>;
  delete(queueArn: string, receiptHandles: readonly string[]): Promise<void>;
  /** Makes messages visible again at once. */
  release(queueArn: string, receiptHandles: readonly string[]): Promise<void>;
  /** Messages visible plus messages in flight. */
  depth(queueArn: string): Promise<number>;
}

export interface QueueMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Those of whoever sent it. Values as SQS has them: binary ones are base64. */
  readonly messageAttributes: Readonly<Record<string, QueueMessageAttribute>>;
  readonly md5OfBody: string;
  /** When its visibility timeout ends and others may get it, epoch milliseconds of the shared clock. */
  readonly hiddenUntilMs: number;
}

export interface QueueMessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string | undefined;
  readonly BinaryValue?: string | undefined;
}

/** CloudWatch Logs. */
export interface LogSink {
  write(
    group: string,
    stream: string,
    events: readonly { readonly timestampMs: number; readonly message: string }[],
  ): void;
}

/** Lambda, as EventBridge invokes it. */
export interface Functions {
  /**
   * The way to invoke a function, by name or ARN, without waiting for it. A function error is retried twice, as upkeep: a
   * schedule brings the next invocation anyway.
   * @throws AwsError `ResourceNotFoundException`
   */
  asynchronously(functionReference: string): (payload: string) => void;
}

/** Lambda, as API Gateway invokes it. */
export interface InvocableFunctions {
  /**
   * Invokes a function, by name or ARN, and waits for it.
   * @param invocation its `payload` is JSON text
   * @throws AwsError `ResourceNotFoundException`
   */
  invoke(
    functionReference: string,
    invocation: { readonly payload: string },
  ): Promise<
    | { readonly kind: 'returned'; readonly payload: string }
    /** `payload` is the error object as JSON text. */
    | { readonly kind: 'failed'; readonly payload: string }
    | { readonly kind: 'throttled'; readonly message: string }
  >;
}

/** Services by their operations, as API Gateway's integrations of type AWS call them. */
export interface ServiceActions {
  /**
   * Answers as the service does on the wire, errors included.
   * @param request `service` as in the SigV4 scope; headers in lower case
   */
  call(request: {
    readonly service: string;
    readonly action: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }>;
}

/** Kinesis, as the event source mapping reads it. */
export interface StreamReader {
  /** Open shards, and closed ones that are not expired yet, in the order of their ids: parents before their children. */
  shards(streamArn: string): readonly StreamShard[];
  /**
   * Records after a sequence number (undefined: from the trim horizon), at most `recordsMax` and about `bytesMax`. None of a
   * shard that is not listed.
   */
  read(
    streamArn: string,
    shardId: string,
    after: string | undefined,
    recordsMax: number,
    bytesMax: number,
  ): readonly StoredRecord[];
  /** Sequence number of the newest record of a shard, trimmed or not; undefined when it had none, or is not listed. */
  tip(streamArn: string, shardId: string): string | undefined;
  /**
   * Calls back with a shard whenever it has got records, was made, or has ended, once all that can be read and is listed.
   * Returns the way to stop it.
   */
  onRecords(streamArn: string, listener: (shardId: string) => void): () => void;
}

export interface StreamShard {
  readonly shardId: string;
  /** Shards that it came from, listed or expired: one after a split, two after a merge, none otherwise. */
  readonly parents: readonly string[];
  /** It was split or merged, and all the records that it will ever have can be read. */
  readonly isEnded: boolean;
}

export interface StoredRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: Buffer;
  readonly arrivedAtMs: number;
}

/** Glue Data Catalog, as Firehose and Athena read it. */
export interface Catalog {
  databases(): readonly string[];
  tables(database: string): readonly CatalogTable[];
  /** Undefined when there is no such table. Names ignore case. */
  table(database: string, name: string): CatalogTable | undefined;
  partitions(database: string, table: string): readonly CatalogPartition[];
}

export interface CatalogColumn {
  readonly name: string;
  /** Hive type. */
  readonly type: string;
}

export interface CatalogTable {
  readonly database: string;
  readonly name: string;
  readonly columns: readonly CatalogColumn[];
  readonly partitionKeys: readonly CatalogColumn[];
  /** `s3://bucket/prefix/` */
  readonly location: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** `EXTERNAL_TABLE`, or `VIRTUAL_VIEW` with the Presto view text in `viewText`. */
  readonly tableType: string;
  readonly viewText?: string;
}

export interface CatalogPartition {
  readonly values: readonly string[];
  /** `s3://bucket/prefix/dt=2026-01-01/` */
  readonly location: string;
}
