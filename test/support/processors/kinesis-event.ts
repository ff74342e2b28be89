/** Kinesis events as Lambda gives them to a function (lambda/latest/dg/with-kinesis.html). */
import type { KinesisStreamEvent } from 'aws-lambda';

export interface KinesisEventOptions {
  readonly streamName?: string;
  readonly shardId?: string;
  /** Added to `FIRST_SEQUENCE`. */
  readonly offset?: number;
  readonly arrivedAtMs?: number;
}

/** Of 56 digits, as real ones are. */
const FIRST_SEQUENCE = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n;
/** 2026-06-01 */
export const ARRIVED_AT_MS = Date.UTC(2026, 5, 1, 12);

export function sequenceOf(index: number): string {
  return String(FIRST_SEQUENCE + BigInt(index));
}

/** One Kinesis record a payload, in order. */
export function kinesisEvent(payloads: readonly Uint8Array[], options: KinesisEventOptions = {}): KinesisStreamEvent {
  const { streamName = 'data-pipeline-stream', shardId = 'shardId-000000000000', offset = 0 } = options;
  const { arrivedAtMs = ARRIVED_AT_MS } = options;
  return {
    Records: payloads.map((payload, index) => ({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: `key-${index}`,
        sequenceNumber: sequenceOf(offset + index),
        data: Buffer.from(payload).toString('base64'),
        approximateArrivalTimestamp: arrivedAtMs / 1_000,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${shardId}:${sequenceOf(offset + index)}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'arn:aws:iam::123456789012:role/data-pipeline-realtime',
      awsRegion: 'us-east-1',
      eventSourceARN: `arn:aws:kinesis:us-east-1:123456789012:stream/${streamName}`,
    })),
  };
}
