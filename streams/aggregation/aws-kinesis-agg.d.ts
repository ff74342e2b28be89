/** Types of the parts of aws-kinesis-agg that it ships without: its message type, and its aggregator. */
declare module 'aws-kinesis-agg/lib/common.js' {
  interface AggregatedRecordFields {
    partition_key_table: readonly string[];
    explicit_hash_key_table: readonly string[];
    records: readonly { partition_key_index: number; explicit_hash_key_index?: number; data: Uint8Array }[];
  }
  const common: {
    readonly magic: Buffer;
    readonly AggregatedRecord: { encode(message: AggregatedRecordFields): { finish(): Uint8Array } };
  };
  export default common;
}

declare module 'aws-kinesis-agg' {
  interface UserRecordFields {
    partitionKey: string;
    explicitHashKey?: string;
    data: Uint8Array;
  }
  interface DeaggregatedRecord {
    partitionKey: string;
    explicitPartitionKey?: string;
    subSequenceNumber: number;
    /** Base64. */
    data: string;
  }
  const agg: {
    RecordAggregator: new () => {
      addUserRecord(record: UserRecordFields): void;
      build(): { partitionKey: string; data: Buffer };
    };
    deaggregateSync(
      record: { data: string; sequenceNumber?: string; partitionKey?: string },
      computeChecksums: boolean,
      afterRecord: (error: Error | null | undefined, records?: readonly DeaggregatedRecord[]) => void,
    ): void;
  };
  export default agg;
}
