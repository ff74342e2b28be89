/** A queue of SQS and its mapping to a function in a run: messages come in batches, late, out of order, and again. */
import type { Context, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Conditions } from './conditions.ts';
import type { FunctionHost } from './function-host.ts';
import type { Random } from './random.ts';

export interface SimulatedQueue {
  /** A message that is sent now: it comes soon, or late, and sometimes twice. */
  send(body: string, attributes?: SQSRecord['messageAttributes']): void;
  /** Messages that wait, or are being worked at. */
  readonly depth: number;
}

export interface QueueOptions {
  readonly name: string;
  readonly conditions: Conditions;
  readonly random: Random;
  readonly host: FunctionHost<SQSEvent>;
}

const BATCH_MAX = 10;
const GATHERING_MS = 500;
const LATE_MS_MAX = 90_000;
const VISIBILITY_MS = 20_000;

export const queueArn = (name: string): string => `arn:aws:sqs:us-east-1:123456789012:${name}`;

/** Without a dead-letter queue: what a function does not take comes again until it does. */
export function createQueue({ name, conditions, random, host }: QueueOptions): SimulatedQueue {
  const { time } = conditions;
  const waiting: SQSRecord[] = [];
  let messages = 0;
  let depth = 0;

  function receive(): void {
    const Records = waiting.splice(0, BATCH_MAX);
    if (Records.length === 0) return;
    const settle = (failed: readonly SQSRecord[]) => {
      depth -= Records.length - failed.length;
      if (failed.length === 0) return;
      time.after(VISIBILITY_MS, () => {
        waiting.push(...failed);
        receive();
      });
    };
    host.invoke({ Records }, (result) => {
      if (result.kind !== 'returned') return settle(Records);
      const failed = new Set<unknown>();
      const answer: { batchItemFailures?: { itemIdentifier: string }[] } = JSON.parse(result.payload);
      for (const { itemIdentifier } of answer.batchItemFailures ?? []) failed.add(itemIdentifier);
      settle(Records.filter(({ messageId }) => failed.has(messageId)));
    });
    receive();
  }

  return {
    get depth() {
      return depth;
    },
    send(body, attributes = {}) {
      const message = messageOf(name, `${name}-${messages++}`, body, attributes);
      const lateMs = () =>
        conditions.befalls('notifiedLate') ? random.int(0, LATE_MS_MAX) : random.int(0, GATHERING_MS);
      const arrive = () => {
        waiting.push(message);
        time.after(GATHERING_MS, receive);
      };
      depth += 1;
      time.after(lateMs(), arrive);
      if (!conditions.befalls('notifiedTwice')) return;
      depth += 1;
      time.after(lateMs(), arrive);
    },
  };
}

function messageOf(
  name: string,
  messageId: string,
  body: string,
  messageAttributes: SQSRecord['messageAttributes'],
): SQSRecord {
  return {
    messageId,
    receiptHandle: messageId,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'events',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes,
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn(name),
    awsRegion: 'us-east-1',
  };
}

/** What Lambda tells a handler, as far as one may ask. */
export function contextOf(
  functionName: string,
  context: Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>,
): Context {
  return {
    ...context,
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${functionName}`,
    memoryLimitInMB: '512',
    logGroupName: functionName,
    logStreamName: functionName,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
