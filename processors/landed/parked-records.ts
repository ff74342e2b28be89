/**
 * The records of an on-failure document of Lambda, as they stood on the stream.
 * Source: lambda/latest/dg/kinesis-on-failure-destination.html; `payload` is a text of JSON there, and an object in
 * documents that have been seen.
 */
import { isRecord } from '../../schemas/describe.ts';
import type { StreamRecord } from '../../streams/position.ts';

/** @returns undefined for a document of metadata only: its records must be played from the tape. @throws Error */
export function readParkedRecords(text: string): readonly StreamRecord[] | undefined {
  const document: unknown = JSON.parse(text);
  return readParkedPayload(isRecord(document) ? document.payload : undefined);
}

/**
 * @param payload the event, or the text of it
 * @throws Error saying what is not as it should be
 */
export function readParkedPayload(payload: unknown): readonly StreamRecord[] | undefined {
  if (payload === undefined || payload === null) return undefined;
  const event: unknown = typeof payload === 'string' ? JSON.parse(payload) : payload;
  if (!isRecord(event) || !Array.isArray(event.Records)) throw new Error('payload: received no Records');
  return event.Records.map(readRecord);
}

function readRecord(record: unknown): StreamRecord {
  const { eventID, kinesis } = isRecord(record) ? record : {};
  const { sequenceNumber, partitionKey, data, approximateArrivalTimestamp } = isRecord(kinesis) ? kinesis : {};
  if (
    typeof eventID !== 'string' ||
    typeof sequenceNumber !== 'string' ||
    typeof partitionKey !== 'string' ||
    typeof data !== 'string' ||
    typeof approximateArrivalTimestamp !== 'number'
  ) {
    throw new Error('payload.Records: received a record without eventID, or kinesis of it');
  }
  return {
    shardId: eventID.slice(0, eventID.indexOf(':')),
    sequenceNumber,
    partitionKey,
    data: Buffer.from(data, 'base64'),
    // Seconds with a fraction: lambda/latest/dg/with-kinesis.html
    arrivedAtMs: Math.round(approximateArrivalTimestamp * 1000),
  };
}
