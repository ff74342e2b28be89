/**
 * The operations of SQS that are served, in terms of the queues.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { type Operation, operation } from '../protocol/json.ts';
import { AwsError } from '../service.ts';
import { type BatchResult, checkEntries, runEntries } from './batch.ts';
import { md5OfAttributes, messageAttributes, selectAttributes } from './message-attributes.ts';
import type { NewMessage } from './message-store.ts';
import { queueAttributes } from './queue-attributes.ts';
import type { QueueDefinition } from './queue-definition.ts';
import { bytesOf, type QueueSet, type ReceivedMessage } from './queue-set.ts';
import { invalidParameter } from './sqs-error.ts';
import { selectSystemAttributes, systemAttributes } from './system-attributes.ts';

const QUEUES_A_PAGE_MAX = 1_000;
/** All entries of a batch together (API_SendMessageBatch.html). */
const BATCH_BYTES_MAX = 1_048_576;

const notKept = (reason: string) => z.undefined({ error: reason }).optional();
const seconds = (max: number) => z.number().int().min(0).max(max);
const inQueue = { QueueUrl: z.string() };
const entries = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.object({ ...inQueue, Entries: z.array(z.object({ Id: z.string(), ...shape })).default([]) });

const message = {
  MessageBody: z.string(),
  DelaySeconds: seconds(900).optional(),
  MessageAttributes: messageAttributes.default({}),
  MessageSystemAttributes: notKept('trace headers are not kept locally'),
  MessageGroupId: notKept('message groups are not kept locally'),
  MessageDeduplicationId: notKept('FIFO queues are not run locally'),
};
const sendInput = z.object({ ...inQueue, ...message });
const sendBatchInput = entries(message);
const receiveInput = z.object({
  ...inQueue,
  MaxNumberOfMessages: z.number().int().min(1).max(10).default(1),
  WaitTimeSeconds: seconds(20).optional(),
  VisibilityTimeout: seconds(43_200).optional(),
  MessageAttributeNames: z.array(z.string()).default([]),
  MessageSystemAttributeNames: z.array(z.string()).default([]),
  /** The older name of MessageSystemAttributeNames. */
  AttributeNames: z.array(z.string()).default([]),
  ReceiveRequestAttemptId: notKept('FIFO queues are not run locally'),
});
const receipt = { ReceiptHandle: z.string() };
const visibility = { ...receipt, VisibilityTimeout: seconds(43_200) };
const listInput = z.object({
  QueueNamePrefix: z.string().default(''),
  MaxResults: z.number().int().min(1).max(QUEUES_A_PAGE_MAX).default(QUEUES_A_PAGE_MAX),
  NextToken: z.string().optional(),
});
const getUrlInput = z.object({ QueueName: z.string(), QueueOwnerAWSAccountId: z.string().optional() });
const getAttributesInput = z.object({ ...inQueue, AttributeNames: z.array(z.string()).default([]) });

export interface OperationsContext {
  readonly queues: QueueSet;
  readonly account: string;
  readonly faults: Pick<FaultSwitch, 'rejects'>;
}

export function queueOperations(context: OperationsContext): Readonly<Record<string, Operation>> {
  const { queues, account } = context;
  return {
    ...messageOperations(context),
    GetQueueUrl: operation(getUrlInput, (input) => {
      const queue = queues.byName(input.QueueName);
      const owner = input.QueueOwnerAWSAccountId ?? account;
      if (owner === account) return { QueueUrl: queue.url };
      throw new AwsError('QueueDoesNotExist', `There is one account here, ${account}, received ${owner}.`);
    }),
    GetQueueAttributes: operation(getAttributesInput, (input) => {
      const queue = queues.byUrl(input.QueueUrl);
      if (input.AttributeNames.length === 0) return {};
      return { Attributes: queueAttributes(queue, queues.counts(queue), input.AttributeNames) };
    }),
    ListQueues: operation(listInput, (input) => listQueues(queues, input)),
    PurgeQueue: operation(z.object(inQueue), (input) => {
      queues.purge(queues.byUrl(input.QueueUrl));
      return undefined;
    }),
  };
}

function messageOperations({ queues, account, faults }: OperationsContext): Readonly<Record<string, Operation>> {
  const change = (queue: QueueDefinition, input: z.infer<z.ZodObject<typeof visibility>>): void =>
    queues.changeVisibility(queue, input.ReceiptHandle, input.VisibilityTimeout * 1000);
  return {
    SendMessage: operation(sendInput, (input) => {
      const queue = queues.byUrl(input.QueueUrl);
      const sent = newMessage(queue, input);
      queues.check(queue, sent);
      const [MessageId] = queues.send(queue, [sent]);
      return { MessageId, ...digests(sent) };
    }),
    SendMessageBatch: operation(sendBatchInput, (input) => sendBatch(queues, input, faults)),
    ReceiveMessage: operation(receiveInput, async (input, { signal }) => {
      const queue = queues.byUrl(input.QueueUrl);
      const messages = await queues.receive(queue, {
        messagesMax: input.MaxNumberOfMessages,
        waitMs: input.WaitTimeSeconds === undefined ? queue.receiveWaitMs : input.WaitTimeSeconds * 1000,
        visibilityTimeoutMs:
          input.VisibilityTimeout === undefined ? queue.visibilityTimeoutMs : input.VisibilityTimeout * 1000,
        signal,
      });
      return messages.length === 0 ? {} : { Messages: messages.map((one) => received(one, input, account)) };
    }),
    DeleteMessage: operation(z.object({ ...inQueue, ...receipt }), (input) => {
      queues.delete(queues.byUrl(input.QueueUrl), input.ReceiptHandle);
      return undefined;
    }),
    DeleteMessageBatch: operation(entries(receipt), (input) => {
      const queue = queues.byUrl(input.QueueUrl);
      checkEntries(input.Entries);
      const run = (entry: { readonly ReceiptHandle: string }): object => {
        queues.delete(queue, entry.ReceiptHandle);
        return {};
      };
      return runEntries({ operation: 'DeleteMessageBatch', entries: input.Entries, run, faults });
    }),
    ChangeMessageVisibility: operation(z.object({ ...inQueue, ...visibility }), (input) => {
      change(queues.byUrl(input.QueueUrl), input);
      return undefined;
    }),
    ChangeMessageVisibilityBatch: operation(entries(visibility), (input) => {
      const queue = queues.byUrl(input.QueueUrl);
      checkEntries(input.Entries);
      const run = (entry: Parameters<typeof change>[1]): object => {
        change(queue, entry);
        return {};
      };
      return runEntries({ operation: 'ChangeMessageVisibilityBatch', entries: input.Entries, run, faults });
    }),
  };
}

function newMessage(
  queue: QueueDefinition,
  input: Pick<z.infer<typeof sendInput>, 'MessageBody' | 'DelaySeconds' | 'MessageAttributes'>,
): NewMessage {
  return {
    body: input.MessageBody,
    attributes: input.MessageAttributes,
    delayMs: input.DelaySeconds === undefined ? queue.delayMs : input.DelaySeconds * 1000,
  };
}

function digests({ body, attributes }: NewMessage): object {
  const ofAttributes = md5OfAttributes(attributes);
  return {
    MD5OfMessageBody: createHash('md5').update(body).digest('hex'),
    ...(ofAttributes !== undefined && { MD5OfMessageAttributes: ofAttributes }),
  };
}

function sendBatch(
  queues: QueueSet,
  input: z.infer<typeof sendBatchInput>,
  faults: OperationsContext['faults'],
): BatchResult {
  const queue = queues.byUrl(input.QueueUrl);
  checkEntries(input.Entries);
  const sent = new Map(input.Entries.map((entry) => [entry, newMessage(queue, entry)]));
  const bytes = [...sent.values()].reduce((sum, one) => sum + bytesOf(one), 0);
  if (bytes > BATCH_BYTES_MAX) {
    const problem = `Batch requests cannot be longer than ${BATCH_BYTES_MAX} bytes. You have sent ${bytes} bytes.`;
    throw new AwsError('BatchRequestTooLong', problem);
  }
  const run = (entry: z.infer<typeof sendBatchInput>['Entries'][number]): object => {
    const one = sent.get(entry) ?? newMessage(queue, entry);
    queues.check(queue, one);
    const [MessageId] = queues.send(queue, [one]);
    return { MessageId, ...digests(one) };
  };
  return runEntries({ operation: 'SendMessageBatch', entries: input.Entries, run, faults });
}

function received(message: ReceivedMessage, input: z.infer<typeof receiveInput>, account: string): object {
  const attributes = selectSystemAttributes(systemAttributes(message, account), [
    ...input.MessageSystemAttributeNames,
    ...input.AttributeNames,
  ]);
  const chosen = selectAttributes(message.attributes, input.MessageAttributeNames);
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: message.md5OfBody,
    Body: message.body,
    ...(Object.keys(attributes).length > 0 && { Attributes: attributes }),
    ...(Object.keys(chosen).length > 0 && {
      MessageAttributes: chosen,
      MD5OfMessageAttributes: md5OfAttributes(chosen),
    }),
  };
}

/** The token is the name of the last queue of the page before. */
function listQueues(queues: QueueSet, input: z.infer<typeof listInput>): object {
  const { NextToken: after } = input;
  const found = queues.all().filter(({ name }) => name.startsWith(input.QueueNamePrefix));
  if (after !== undefined && !found.some(({ name }) => name === after)) {
    throw invalidParameter(`NextToken ${JSON.stringify(after)} is not one that a page gave.`);
  }
  const from = found.findIndex(({ name }) => name === after) + 1;
  const page = found.slice(from, from + input.MaxResults);
  const isMore = from + page.length < found.length;
  return { QueueUrls: page.map(({ url }) => url), ...(isMore && { NextToken: page.at(-1)?.name }) };
}
