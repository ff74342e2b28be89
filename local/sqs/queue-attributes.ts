/**
 * What GetQueueAttributes gives.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
 */
import { AwsError } from '../service.ts';
import type { MessageCounts } from './message-store.ts';
import type { QueueDefinition } from './queue-definition.ts';

/** Attributes that a queue of the local SQS never has: a client may ask for them all the same. */
const ABSENT = [
  'Policy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
];

/** @throws AwsError `InvalidAttributeName` */
export function queueAttributes(
  queue: QueueDefinition & { readonly createdMs: number },
  counts: MessageCounts,
  wanted: readonly string[],
): Readonly<Record<string, string>> {
  const seconds = (durationMs: number): string => String(Math.floor(durationMs / 1000));
  const all: Record<string, string> = {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: seconds(queue.createdMs),
    LastModifiedTimestamp: seconds(queue.createdMs),
    VisibilityTimeout: seconds(queue.visibilityTimeoutMs),
    DelaySeconds: seconds(queue.delayMs),
    MessageRetentionPeriod: seconds(queue.retentionMs),
    ReceiveMessageWaitTimeSeconds: seconds(queue.receiveWaitMs),
    MaximumMessageSize: String(queue.messageBytesMax),
    ...(queue.redrive && { RedrivePolicy: JSON.stringify(queue.redrive) }),
  };
  const unknown = wanted.find(
    (name) => name !== 'All' && !ABSENT.includes(name) && name !== 'RedrivePolicy' && !Object.hasOwn(all, name),
  );
  if (unknown !== undefined) {
    const known = Object.keys(all).join(', ');
    throw new AwsError('InvalidAttributeName', `Unknown Attribute ${unknown}. Attributes here: All, ${known}.`);
  }
  if (wanted.includes('All')) return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.includes(name)));
}
