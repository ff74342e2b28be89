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
/** One long poll, the longest that there is. */
const POLL_SECONDS = 20;
/** Pause after a poll that failed. */
const POLL_RETRY_MS = 1_000;
/** Pauses before a batch that was throttled is tried again: the first, and the longest that doubling leads to. */
const THROTTLE_PAUSE_MS = { first: 500, most: 4_000 };
/** Metadata of a message in the event, at most about this. */
const MESSAGE_FRAME_BYTES = 1_024;

export function createSqsMapping(options: SqsMappingOptions): Mapping {
  const { definition, queues, clock } = options;
  const queueArn = definition.eventSourceArn;
  const stopping = new AbortController();
  let inWork = 0;
  let lastResult = 'No records processed';
  let pollers: readonly Promise<void>[] = [];

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const first = await receive(definition.batchSize, stopping.signal);
        for (const batch of await gather(first)) await handle(batch);
      } catch (error) {
        options.warn(`${definition.functionName}: receiving from ${queueArn}: ${String(error)}`);
        await pause(POLL_RETRY_MS, 'upkeep');
      }
    }
  }

  function receive(messagesMax: number, signal: AbortSignal): Promise<readonly QueueMessage[]> {
    return queues.receive(queueArn, Math.min(RECEIVE_MESSAGES_MAX, messagesMax), POLL_SECONDS, signal);
  }

  /** Goes on receiving until the batch is full or the batching window ends. More than 6 MB make a second batch. */
  async function gather(first: readonly QueueMessage[]): Promise<readonly (readonly QueueMessage[])[]> {
    const messages = [...first];
    if (messages.length === 0 || definition.batchingWindowMs === 0) return splitByPayload(messages);
    const window = new AbortController();
    const timer = clock.after(definition.batchingWindowMs, () => window.abort());
    const end = AbortSignal.any([window.signal, stopping.signal]);
    let bytes = payloadBytes(messages);
    try {
      while (messages.length < definition.batchSize && bytes < PAYLOAD_BYTES_MAX && !end.aborted) {
        const more = await receive(definition.batchSize - messages.length, end);
        messages.push(...more);
        bytes += payloadBytes(more);
      }
    } finally {
      timer.cancel();
    }
    return splitByPayload(messages);
  }

  /** A batch that is throttled is tried again as long as it is hidden from others, and then comes back by itself. */
  async function handle(batch: readonly QueueMessage[]): Promise<void> {
    const hiddenUntilMs = Math.min(...batch.map((message) => message.hiddenUntilMs));
    let pauseMs = THROTTLE_PAUSE_MS.first;
    while (!stopping.signal.aborted) {
      if (await invoke(batch)) return;
      await pause(pauseMs, 'work');
      if (clock.now() >= hiddenUntilMs) return;
      pauseMs = Math.min(2 * pauseMs, THROTTLE_PAUSE_MS.most);
    }
    await queues.release(queueArn, handles(batch));
  }

  /** False when the function did not run, since it was throttled. */
  async function invoke(batch: readonly QueueMessage[]): Promise<boolean> {
    inWork += 1;
    try {
      const outcome = await options.invoke({ Records: batch.map((message) => eventRecord(message, options)) });
      lastResult = outcome.kind === 'returned' ? 'OK' : 'PROBLEM: Function call failed';
      if (outcome.kind === 'throttled') return false;
      const done = succeededMessages(batch, outcome, definition.reportsItemFailures);
      if (done.length > 0) await queues.delete(queueArn, handles(done));
      return true;
    } finally {
      inWork -= 1;
    }
  }

  /** On the shared clock, as everything that waits. Stopping ends it. */
  function pause(durationMs: number, kind: 'work' | 'upkeep'): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        stopping.signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = clock.after(durationMs, end, kind);
      stopping.signal.addEventListener('abort', end);
      if (stopping.signal.aborted) end();
    });
  }

  return {
    start() {
      pollers = Array.from({ length: definition.concurrencyMax }, poll);
    },
    idle: () => inWork === 0,
    lastResult: () => lastResult,
    async stop() {
      stopping.abort();
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

/** As Lambda writes them, in names of its own: lambda/latest/dg/with-sqs.html */
function eventAttributes({ messageAttributes }: QueueMessage): object {
  return Object.fromEntries(
    Object.entries(messageAttributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        ...(StringValue !== undefined && { stringValue: StringValue }),
        ...(BinaryValue !== undefined && { binaryValue: BinaryValue }),
        stringListValues: [],
        binaryListValues: [],
        dataType: DataType,
      },
    ]),
  );
}

function eventRecord(message: QueueMessage, options: SqsMappingOptions): object {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: message.attributes,
    messageAttributes: eventAttributes(message),
    md5OfBody: message.md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: options.definition.eventSourceArn,
    awsRegion: options.region,
  };
}
