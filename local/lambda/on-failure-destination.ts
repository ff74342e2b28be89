/**
 * Where discarded records of a Kinesis mapping go: to a queue as metadata, to a bucket with their payload.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
 */
import { randomUUID } from 'node:crypto';
import type { ObjectStore, Queues } from '../ports.ts';
import { type EncodedRecord, kinesisEvent } from './kinesis-event.ts';
import type { DiscardCondition, ResponseContext } from './shard-state.ts';

export interface Discarded {
  readonly records: readonly EncodedRecord[];
  readonly condition: DiscardCondition;
  readonly invocations: number;
  readonly response?: ResponseContext;
  /** Id of the last invocation. */
  readonly requestId: string;
  readonly functionArn: string;
  readonly mappingId: string;
  readonly streamArn: string;
  readonly shardId: string;
  readonly nowMs: number;
}

export interface DestinationPorts {
  readonly objects: ObjectStore;
  readonly queues: Queues;
}

/** Sends to the bucket or queue that the ARN names. */
export async function sendToDestination(arn: string, discarded: Discarded, ports: DestinationPorts): Promise<void> {
  const document = failureDocument(discarded);
  if (arn.split(':')[2] === 'sqs') return ports.queues.send(arn, JSON.stringify(document));
  const payload = JSON.stringify(kinesisEvent(discarded.records));
  await ports.objects.put({
    bucket: arn.split(':').at(-1) ?? '',
    key: objectKey(discarded),
    content: Buffer.from(JSON.stringify({ ...document, payload })),
    contentType: 'application/json',
  });
}

export function failureDocument(discarded: Discarded): object {
  const { records, response } = discarded;
  const first = records[0];
  const last = records.at(-1);
  const arrival = (record: EncodedRecord | undefined): string => new Date(record?.arrivedAtMs ?? 0).toISOString();
  return {
    requestContext: {
      requestId: discarded.requestId,
      functionArn: discarded.functionArn,
      condition: discarded.condition,
      approximateInvokeCount: discarded.invocations,
    },
    ...(response && { responseContext: { ...response, executedVersion: '$LATEST' } }),
    version: '1.0',
    timestamp: new Date(discarded.nowMs).toISOString(),
    KinesisBatchInfo: {
      shardId: discarded.shardId,
      startSequenceNumber: first?.sequenceNumber,
      endSequenceNumber: last?.sequenceNumber,
      approximateArrivalOfFirstRecord: arrival(first),
      approximateArrivalOfLastRecord: arrival(last),
      batchSize: records.length,
      streamArn: discarded.streamArn,
    },
  };
}

/** `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>` */
function objectKey({ mappingId, shardId, nowMs }: Discarded): string {
  const time = new Date(nowMs).toISOString().slice(0, 19);
  const day = time.slice(0, 10).replaceAll('-', '/');
  return `aws/lambda/${mappingId}/${shardId}/${day}/${time.replaceAll(':', '.')}-${randomUUID()}`;
}
