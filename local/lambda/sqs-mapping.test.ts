import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createClock } from '../clock.ts';
import type { QueueMessage, Queues } from '../ports.ts';
import type { InvocationOutcome } from './function-pool.ts';
import type { Mapping } from './mapping.ts';
import type { SqsMappingDefinition } from './mapping-definition.ts';
import { createSqsMapping } from './sqs-mapping.ts';

const QUEUE_ARN = 'arn:aws:sqs:us-east-1:000000000000:subject';
const opened: Mapping[] = [];

afterEach(async () => {
  for (const mapping of opened.splice(0)) await mapping.stop();
});

/** A queue in memory whose visibility timeout never ends. */
class MemoryQueue implements Queues {
  readonly visible: QueueMessage[] = [];
  readonly deleted: string[] = [];
  readonly released: string[] = [];
  #count = 0;

  async send(_arn: string, body: string): Promise<void> {
    this.#count += 1;
    const messageId = `m${this.#count}`;
    const attributes = { ApproximateReceiveCount: '1', SentTimestamp: '1' };
    this.visible.push({ messageId, receiptHandle: `handle-${messageId}`, body, attributes, md5OfBody: 'md5' });
  }

  async receive(_arn: string, messagesMax: number): Promise<readonly QueueMessage[]> {
    if (this.visible.length === 0) await sleep(5);
    return this.visible.splice(0, messagesMax);
  }

  async delete(_arn: string, receiptHandles: readonly string[]): Promise<void> {
    this.deleted.push(...receiptHandles);
  }

  async release(_arn: string, receiptHandles: readonly string[]): Promise<void> {
    this.released.push(...receiptHandles);
  }

  async depth(): Promise<number> {
    return this.visible.length;
  }
}

const returned = (value: unknown): InvocationOutcome => ({
  kind: 'returned',
  payload: JSON.stringify(value),
  requestId: 'r',
  log: '',
});
const threw: InvocationOutcome = { kind: 'failed', functionError: 'Unhandled', payload: '{}', requestId: 'r', log: '' };

interface Run {
  readonly queue: MemoryQueue;
  readonly events: readonly unknown[];
}

/** Sends the bodies, lets the mapping take them, and stops it. */
async function run(
  bodies: readonly string[],
  outcome: InvocationOutcome,
  overrides: Partial<SqsMappingDefinition> = {},
): Promise<Run> {
  const queue = new MemoryQueue();
  for (const body of bodies) await queue.send(QUEUE_ARN, body);
  const events: unknown[] = [];
  const mapping = createSqsMapping({
    definition: {
      source: 'sqs',
      id: 'id',
      arn: '',
      functionName: 'subject',
      eventSourceArn: QUEUE_ARN,
      enabled: true,
      batchSize: 10,
      batchingWindowMs: 0,
      reportsItemFailures: true,
      concurrencyMax: 1,
      ...overrides,
    },
    queues: queue,
    invoke: async (event) => {
      events.push(event);
      return outcome;
    },
    clock: createClock(),
    region: 'us-east-1',
    warn: (line) => {
      throw new Error(line);
    },
  });
  opened.push(mapping);
  mapping.start();
  do await sleep(5);
  while (queue.visible.length > 0 || !mapping.idle());
  await mapping.stop();
  return { queue, events };
}

describe('the result table of AWS for queues', () => {
  const all = ['handle-m1', 'handle-m2', 'handle-m3'];

  it.each([
    ['an empty list', returned({ batchItemFailures: [] }), all],
    ['a null list', returned({ batchItemFailures: null }), all],
    ['{}', returned({}), all],
    ['null', returned(null), all],
    [
      'one message that failed',
      returned({ batchItemFailures: [{ itemIdentifier: 'm2' }] }),
      ['handle-m1', 'handle-m3'],
    ],
    ['an identifier of no message', returned({ batchItemFailures: [{ itemIdentifier: 'm9' }] }), []],
    ['an empty identifier', returned({ batchItemFailures: [{ itemIdentifier: '' }] }), []],
    ['a null identifier', returned({ batchItemFailures: [{ itemIdentifier: null }] }), []],
    ['an entry with another key', returned({ batchItemFailures: [{ foo: 'm1' }] }), []],
    ['an exception', threw, []],
  ])('deletes what succeeded after %s', async (_name, outcome, deleted) => {
    const { queue } = await run(['a', 'b', 'c'], outcome);

    expect(queue.deleted).toEqual(deleted);
    expect(queue.released).toEqual([]);
  });

  it('ignores the body when ReportBatchItemFailures is off', async () => {
    const outcome = returned({ batchItemFailures: [{ itemIdentifier: 'm2' }] });

    const { queue } = await run(['a', 'b', 'c'], outcome, { reportsItemFailures: false });

    expect(queue.deleted).toEqual(all);
  });
});

it('gives the event that AWS documents', async () => {
  const { events } = await run(['{"a":1}'], returned(null));

  expect(events).toEqual([
    {
      Records: [
        {
          messageId: 'm1',
          receiptHandle: 'handle-m1',
          body: '{"a":1}',
          attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1' },
          messageAttributes: {},
          md5OfBody: 'md5',
          eventSource: 'aws:sqs',
          eventSourceARN: QUEUE_ARN,
          awsRegion: 'us-east-1',
        },
      ],
    },
  ]);
});

it('keeps to the batch size', async () => {
  const { events } = await run(['a', 'b', 'c', 'd', 'e'], returned(null), { batchSize: 2 });

  expect(events.map((event) => (event as { Records: unknown[] }).Records.length)).toEqual([2, 2, 1]);
});

it('gathers over several receives within its batching window', async () => {
  const bodies = Array.from({ length: 25 }, (_, index) => String(index));

  const { events } = await run(bodies, returned(null), { batchSize: 100, batchingWindowMs: 300 });

  expect(events.map((event) => (event as { Records: unknown[] }).Records.length)).toEqual([25]);
});

it('keeps each invocation within 6 MB', async () => {
  const bodies = Array.from({ length: 10 }, () => 'x'.repeat(1_000_000));

  const { events, queue } = await run(bodies, returned(null));

  expect(events.map((event) => (event as { Records: unknown[] }).Records.length)).toEqual([6, 4]);
  expect(queue.deleted).toHaveLength(10);
});

it('makes messages visible again at once when the function did not run', async () => {
  const { queue } = await run(['a'], { kind: 'throttled', message: 'Rate Exceeded.', requestId: 'r' });

  expect(queue.released).toEqual(['handle-m1']);
  expect(queue.deleted).toEqual([]);
});
