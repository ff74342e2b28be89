/**
 * The event that a function gets for records of a Kinesis stream.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
 */
import type { StoredRecord } from '../ports.ts';
import type { MappedRecord } from './shard-state.ts';

export interface KinesisEventRecord {
  readonly kinesis: {
    readonly kinesisSchemaVersion: '1.0';
    readonly partitionKey: string;
    readonly sequenceNumber: string;
    /** Base64. */
    readonly data: string;
    /** Seconds, with milliseconds as decimals: unlike the other places where AWS tells an arrival. */
    readonly approximateArrivalTimestamp: number;
  };
  readonly eventSource: 'aws:kinesis';
  readonly eventVersion: '1.0';
  readonly eventID: string;
  readonly eventName: 'aws:kinesis:record';
  readonly invokeIdentityArn: string;
  readonly awsRegion: string;
  readonly eventSourceARN: string;
}

export interface EventSource {
  readonly streamArn: string;
  readonly shardId: string;
  readonly region: string;
  /** ARN of the function's role. */
  readonly roleArn: string;
}

export interface EncodedRecord extends MappedRecord {
  readonly event: KinesisEventRecord;
}

/** Encodes records as they are read, which is while the batch before them is being processed. */
export function encodeRecords(stored: readonly StoredRecord[], source: EventSource): EncodedRecord[] {
  const frameBytes = Buffer.byteLength(JSON.stringify(eventRecord(EMPTY, source))) - '""'.length;
  return stored.map((record) => {
    const event = eventRecord(record, source);
    const { data, partitionKey, sequenceNumber, approximateArrivalTimestamp } = event.kinesis;
    const variableBytes =
      data.length +
      Buffer.byteLength(JSON.stringify(partitionKey)) +
      2 * sequenceNumber.length +
      String(approximateArrivalTimestamp).length;
    // One more for the comma between records.
    const payloadBytes = frameBytes - '0'.length + variableBytes + 1;
    return { sequenceNumber, arrivedAtMs: record.arrivedAtMs, payloadBytes, event };
  });
}

export function kinesisEvent(records: readonly EncodedRecord[]): { readonly Records: readonly KinesisEventRecord[] } {
  return { Records: records.map((record) => record.event) };
}

const EMPTY: StoredRecord = { sequenceNumber: '', partitionKey: '', data: Buffer.alloc(0), arrivedAtMs: 0 };

function eventRecord(record: StoredRecord, source: EventSource): KinesisEventRecord {
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: record.partitionKey,
      sequenceNumber: record.sequenceNumber,
      data: record.data.toString('base64'),
      approximateArrivalTimestamp: record.arrivedAtMs / 1000,
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `${source.shardId}:${record.sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: source.roleArn,
    awsRegion: source.region,
    eventSourceARN: source.streamArn,
  };
}
