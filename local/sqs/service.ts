/**
 * SQS: the standard queues of the template, in a file that outlives the process, on the shared clock.
 * Why it is our own: docs/decisions/0007-queues-of-our-own.md.
 */
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { Queues } from '../ports.ts';
import { jsonProtocol } from '../protocol/json.ts';
import type { Environment, LocalService, ServiceRequest, ServiceResponse } from '../service.ts';
import { BATCHES } from './batch.ts';
import { MessageStore } from './message-store.ts';
import { queueOperations } from './operations.ts';
import { answerQuery, isQueryRequest } from './query-protocol.ts';
import { QueueSet } from './queue-set.ts';
import { queueResourceKinds } from './resource-kinds.ts';
import { errorHeaders } from './sqs-error.ts';
import { systemAttributes } from './system-attributes.ts';

/** A message has at most 1 MiB; JSON escapes can make six bytes of one. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

/** `send` writes before it returns: a caller that does not wait for the promise loses nothing if the process is killed. */
export function createSqsService(environment: Environment): LocalService & Queues {
  const { account, clock } = environment;
  const queues = new QueueSet(new MessageStore(environment.folder('sqs'), clock), clock);
  const faults = new FaultSwitch({ scope: 'sqs', clock, handle: () => handle, batches: BATCHES });
  const operations = queueOperations({ queues, account, faults });
  const answer = jsonProtocol({
    service: 'sqs',
    targetPrefix: 'AmazonSQS',
    version: '1.0',
    invalidInputCode: 'InvalidParameterValueException',
    bodyBytesMax: BODY_BYTES_MAX,
    operations,
    errorHeaders,
  });

  const answerEither = (request: ServiceRequest): Promise<ServiceResponse> =>
    isQueryRequest(request) ? answerQuery(request, answer, BODY_BYTES_MAX) : answer(request);

  const handle = Object.assign(answerEither, { operations: Object.keys(operations) });

  return {
    scope: 'sqs',
    handle,
    faults,
    resourceKinds: queueResourceKinds(
      () => environment.endpoint,
      (definition) => queues.add(definition),
    ),
    async send(queueArn, body, texts = {}) {
      const queue = queues.byArn(queueArn);
      const attributes = Object.fromEntries(
        Object.entries(texts).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
      );
      const message = { body, attributes, delayMs: queue.delayMs };
      queues.check(queue, message);
      queues.send(queue, [message]);
    },
    async receive(queueArn, messagesMax, waitSeconds, signal) {
      const queue = queues.byArn(queueArn);
      const { visibilityTimeoutMs } = queue;
      const waitMs = waitSeconds * 1000;
      const messages = await queues.receive(queue, { messagesMax, waitMs, visibilityTimeoutMs, signal });
      return messages.map((message) => ({
        messageId: message.messageId,
        receiptHandle: message.receiptHandle,
        body: message.body,
        attributes: systemAttributes(message, account),
        messageAttributes: message.attributes,
        md5OfBody: message.md5OfBody,
        hiddenUntilMs: message.hiddenUntilMs,
      }));
    },
    async delete(queueArn, receiptHandles) {
      const queue = queues.byArn(queueArn);
      for (const handle of receiptHandles) queues.delete(queue, handle);
    },
    async release(queueArn, receiptHandles) {
      const queue = queues.byArn(queueArn);
      for (const handle of receiptHandles) queues.release(queue, handle);
    },
    async depth(queueArn) {
      const { visible, inFlight } = queues.counts(queues.byArn(queueArn));
      return visible + inFlight;
    },
    async stop() {
      queues.stop();
    },
  };
}
