/** Sends requests for runs to their queue, and lets a message that failed come again sooner. */
import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { type RunRequest, runRequestText } from '../ingestion/run-request.ts';

/** An answer takes milliseconds; a connection that has gone silent must not take the invocation with it. */
const CALL_TIMEOUT_MS = 10_000;

/** @param queueUrl of the queue of runs @returns puts a request on it; it throws when it is not known to be there */
export function createSqsRunRequests(client: SQSClient, queueUrl: string): (request: RunRequest) => Promise<void> {
  return async (request) => {
    const command = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: runRequestText(request) });
    await client.send(command, { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
  };
}

/** @param queueUrls of the queues whose messages are received, each ending in the queue's name */
export function createSqsRetryAfter(
  client: SQSClient,
  queueUrls: readonly string[],
): (message: SQSRecord, seconds: number) => Promise<void> {
  return async ({ eventSourceARN, receiptHandle }, seconds) => {
    const name = eventSourceARN.split(':').at(-1) ?? '';
    const queueUrl = queueUrls.find((url) => url.endsWith(`/${name}`));
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: queueUrl,
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    });
    await client.send(command, { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
  };
}
