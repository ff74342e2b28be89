/** Reads the records of a Lambda event of Kinesis (lambda/latest/dg/with-kinesis.html). */
import type { KinesisStreamEvent } from 'aws-lambda';
import type { StreamRecord } from '../streams/position.ts';

/** Reads base64 into one arena that is used again by the next batch: nothing of a batch outlives its invocation. */
export function createRecordReader(): (event: KinesisStreamEvent) => StreamRecord[] {
  let arena = Buffer.allocUnsafe(0);
  return ({ Records }) => {
    // Base64 has four characters for three bytes.
    const bytesMax = Records.reduce((sum, { kinesis }) => sum + Math.ceil(kinesis.data.length * 0.75) + 1, 0);
    if (bytesMax > arena.length) arena = Buffer.allocUnsafe(bytesMax);
    let at = 0;
    return Records.map(({ kinesis, eventID }) => {
      const start = at;
      at += arena.write(kinesis.data, at, 'base64');
      return {
        shardId: shardIdOf(eventID),
        sequenceNumber: kinesis.sequenceNumber,
        partitionKey: kinesis.partitionKey,
        data: arena.subarray(start, at),
        // Seconds with a fraction in a Lambda event: lambda/latest/dg/with-kinesis.html
        arrivedAtMs: Math.round(kinesis.approximateArrivalTimestamp * 1000),
      };
    });
  };
}

/** `shardId-000000000006:4959…` */
export function shardIdOf(eventId: string): string {
  return eventId.slice(0, eventId.indexOf(':'));
}

/** `arn:aws:kinesis:us-east-1:123456789012:stream/name`; a consumer's goes on with `/consumer/…`. */
export function streamNameOf(eventSourceArn: string): string {
  return eventSourceArn.split('/', 2)[1] ?? '';
}

/** The stream's own ARN, also where records come by a consumer with enhanced fan-out: both read the same positions. */
export function streamArnOf(eventSourceArn: string): string {
  return eventSourceArn.split('/', 2).join('/');
}
