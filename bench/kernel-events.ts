/** What the kernel benchmark feeds the processor: real earthquakes as Lambda gives them, in each wire format. */
import type { KinesisStreamEvent } from 'aws-lambda';
import earthquakes from '../schemas/earthquakes/dataset.ts';
import { createAggregateBuilder } from '../streams/aggregation/aggregate-builder.ts';
import { earthquakeFeatures } from '../streams/sources/vega.ts';

/** User records in a batch. */
export const BATCH_RECORDS = 1_000;
/** User records in a KPL aggregate. */
export const AGGREGATE_RECORDS = 50;
/** Bytes that a JSON record is padded to. */
export const RECORD_BYTES = 1_024;

export const FORMATS = ['json', 'avro', 'kpl', 'kpl_avro'] as const;
export type Format = (typeof FORMATS)[number];

/** The same `BATCH_RECORDS` events in every format. */
export type Batch = Readonly<Record<Format, KinesisStreamEvent>>;

/** Of 56 digits, as real ones are. */
const FIRST_SEQUENCE = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n;
const SHARD_ID = 'shardId-000000000000';
const ARRIVED_AT_SECONDS = Date.UTC(2026, 5, 1) / 1000;

/** @param count batches that begin at different records, so that no batch is learnt by heart */
export async function makeBatches(count: number): Promise<readonly Batch[]> {
  const features = (await Array.fromAsync(earthquakeFeatures())).map(padded);
  return Array.from({ length: count }, (_, at) => {
    const start = Math.floor((at * features.length) / count);
    const records = Array.from(
      { length: BATCH_RECORDS },
      (_, index) => features[(start + index) % features.length] ?? {},
    );
    return makeBatch(records, BigInt(at * BATCH_RECORDS));
  });
}

function makeBatch(records: readonly object[], offset: bigint): Batch {
  const json = records.map((record) => Buffer.from(JSON.stringify(record)));
  const avro = records.map(toAvro);
  return {
    json: kinesisEvent(json, offset),
    avro: kinesisEvent(avro, offset),
    kpl: kinesisEvent(aggregated(json), offset),
    kpl_avro: kinesisEvent(aggregated(avro), offset),
  };
}

/** Longer by its place, which is delivered: what is padded costs at both ends. */
function padded(feature: unknown): object {
  const text = JSON.stringify(feature);
  const copy = JSON.parse(text);
  const missing = RECORD_BYTES - Buffer.byteLength(text);
  if (missing > 0)
    copy.properties.place = `${copy.properties.place} ${'of the bench '.repeat(missing)}`.slice(
      0,
      copy.properties.place.length + missing,
    );
  return copy;
}

function toAvro(record: object): Buffer {
  const own = structuredClone(record);
  const failure = earthquakes.validateInput(own);
  if (failure) throw new Error(`the benchmark's own record is invalid: ${failure.message}`);
  return Buffer.concat([earthquakes.singleObjectHeader, earthquakes.encodeAvro(own)]);
}

function aggregated(payloads: readonly Buffer[]): Buffer[] {
  const aggregates: Buffer[] = [];
  for (let start = 0; start < payloads.length; start += AGGREGATE_RECORDS) {
    const builder = createAggregateBuilder();
    payloads.slice(start, start + AGGREGATE_RECORDS).forEach((payload, index) => {
      builder.add(`key-${index}`, payload);
    });
    aggregates.push(builder.encode());
  }
  return aggregates;
}

function kinesisEvent(payloads: readonly Buffer[], offset: bigint): KinesisStreamEvent {
  const event: KinesisStreamEvent = {
    Records: payloads.map((payload, index) => {
      const sequenceNumber = String(FIRST_SEQUENCE + offset + BigInt(index));
      return {
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: `key-${index}`,
          sequenceNumber,
          data: payload.toString('base64'),
          approximateArrivalTimestamp: ARRIVED_AT_SECONDS,
        },
        eventSource: 'aws:kinesis',
        eventVersion: '1.0',
        eventID: `${SHARD_ID}:${sequenceNumber}`,
        eventName: 'aws:kinesis:record',
        invokeIdentityArn: 'arn:aws:iam::123456789012:role/data-pipeline-realtime',
        awsRegion: 'us-east-1',
        eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream',
      };
    }),
  };
  // Strings as a parser makes them, which is how Lambda's runtime gets its event.
  return JSON.parse(JSON.stringify(event));
}
