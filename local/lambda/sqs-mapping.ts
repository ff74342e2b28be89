/**
 * Runs the event source mapping of an SQS queue: receives, invokes, and deletes what succeeded. What did not stays hidden
 * until the queue's visibility timeout ends, and then comes again or goes to the queue's dead-letter queue.
 *
 * Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import type { Clock } from '../clock.ts';
import type { QueueMessage, Queues } from '../ports.ts';
import { readBatchResponse } from './batch-response.ts';
import { PAYLOAD_BYTES_MAX } from './event-source-mapping.ts';
import type { InvocationOutcome } from './function-pool.ts';
import type { Invoke, Mapping } from './mapping.ts';
import type { SqsMappingDefinition } from './mapping-definition.ts';

export interface SqsMappingOptions {
  readonly definition: SqsMappingDefinition;
  readonly queues: Queues;
  readonly invoke: Invoke;
  readonly clock: Clock;
  readonly region: string;
  readonly warn: (line: string) => void;
}

/** Messages of one receive: SQS's limit. */
const RECEIVE_MESSAGES_MAX = 10;
/** One long poll. AWS waits 20 s; here the end of a poll is also when the mapping can stop. */
const POLL_SECONDS = 1;
/** Pause after a poll that failed. */
const POLL_RETRY_MS = 1_000;
/** Metadata of a message in the event, at most about this. */
const MESSAGE_FRAME_BYTES = 1_024;

export function createSqsMapping(options: SqsMappingOptions): Mapping {
  const { definition, queues, clock } = options;
  const queueArn = definition.eventSourceArn;
  let isStopped = false;
  let inWork = 0;
  let lastResult = 'No records processed';
  let pollers: readonly Promise<void>[] = [];

  async function poll(): Promise<void> {
    while (!isStopped) {
      try {
        await pollOnce();
      } catch (error) {
        options.warn(`${definition.functionName}: receiving from ${queueArn}: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_RETRY_MS));
      }
    }
  }

  async function pollOnce(): Promise<void> {
    const first = await queues.receive(queueArn, Math.min(RECEIVE_MESSAGES_MAX, definition.batchSize), POLL_SECONDS);
    if (first.length === 0) return;
    inWork += 1;
    try {
      const batches = await gather(first);
      for (const batch of batches) await handle(batch);
    } finally {
      inWork -= 1;
    }
  }

  /** Goes on receiving until the batch is full or the batching window ends. More than 6 MB make a second batch. */
  async function gather(first: readonly QueueMessage[]): Promise<readonly (readonly QueueMessage[])[]> {
    const messages = [...first];
    const untilMs = clock.now() + definition.batchingWindowMs;
    while (messages.length < definition.batchSize && clock.now() < untilMs && !isStopped) {
      const wanted = Math.min(RECEIVE_MESSAGES_MAX, definition.batchSize - messages.length);
      messages.push(...(await queues.receive(queueArn, wanted, POLL_SECONDS)));
      if (payloadBytes(messages) >= PAYLOAD_BYTES_MAX) break;
    }
    return splitByPayload(messages);
  }

  async function handle(batch: readonly QueueMessage[]): Promise<void> {
    if (isStopped) return queues.release(queueArn, handles(batch));
    const outcome = await options.invoke({ Records: batch.map((message) => eventRecord(message, options)) });
    lastResult = outcome.kind === 'returned' ? 'OK' : 'PROBLEM: Function call failed';
    // It did not run at all: nothing that the visibility timeout should punish.
    if (outcome.kind === 'throttled') return queues.release(queueArn, handles(batch));
    const done = succeededMessages(batch, outcome, definition.reportsItemFailures);
    if (done.length > 0) await queues.delete(queueArn, handles(done));
  }

  return {
    start() {
      pollers = Array.from({ length: definition.concurrencyMax }, poll);
    },
    idle: () => inWork === 0,
    lastResult: () => lastResult,
    async stop() {
      isStopped = true;
      await Promise.all(pollers);
    },
  };
}

function succeededMessages(
  batch: readonly QueueMessage[],
  outcome: InvocationOutcome,
  reportsItemFailures: boolean,
): readonly QueueMessage[] {
  if (outcome.kind !== 'returned') return [];
  if (!reportsItemFailures) return batch;
  const response = readBatchResponse(
    outcome.payload,
    batch.map((message) => message.messageId),
  );
  switch (response.kind) {
    case 'succeeded':
      return batch;
    case 'invalid':
      return [];
    case 'failed':
      return batch.filter((_message, index) => !response.indexes.includes(index));
  }
}

function splitByPayload(messages: readonly QueueMessage[]): readonly (readonly QueueMessage[])[] {
  const batches: QueueMessage[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const more = payloadBytes([message]);
    if (bytes + more > PAYLOAD_BYTES_MAX) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(message);
    bytes += more;
  }
  return batches;
}

function payloadBytes(messages: readonly QueueMessage[]): number {
  return messages.reduce(
    (sum, message) => sum + Buffer.byteLength(JSON.stringify(message.body)) + MESSAGE_FRAME_BYTES,
    0,
  );
}

function handles(batch: readonly QueueMessage[]): readonly string[] {
  return batch.map((message) => message.receiptHandle);
}

function eventRecord(message: QueueMessage, options: SqsMappingOptions): object {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: message.attributes,
    messageAttributes: {},
    md5OfBody: message.md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: options.definition.eventSourceArn,
    awsRegion: options.region,
  };
}
