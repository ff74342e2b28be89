/**
 * What SQS itself says of a received message.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
 */
import type { TakenMessage } from './message-store.ts';

/** Those that a Lambda function gets with each message, and the source of a message in a dead-letter queue. */
export function systemAttributes(message: TakenMessage, account: string): Readonly<Record<string, string>> {
  return {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentMs),
    SenderId: account,
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    ...(message.sourceArn !== undefined && { DeadLetterQueueSourceArn: message.sourceArn }),
  };
}

/** @param wanted names, or `All`; others are ignored, as for a message that lacks them */
export function selectSystemAttributes(
  attributes: Readonly<Record<string, string>>,
  wanted: readonly string[],
): Readonly<Record<string, string>> {
  if (wanted.includes('All')) return attributes;
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => wanted.includes(name)));
}
