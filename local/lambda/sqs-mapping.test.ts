import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Clock, createClock } from '../clock.ts';
import type { QueueMessage, Queues } from '../ports.ts';
import type { Properties } from '../service.ts';
import { createSqsService } from '../sqs/service.ts';
import type { InvocationOutcome } from './function-pool.ts';
import type { Mapping } from './mapping.ts';
import type { SqsMappingDefinition } from './mapping-definition.ts';
import { createSqsMapping } from './sqs-mapping.ts';

const QUEUE_ARN = 'arn:aws:sqs:us-east-1:000000000000:subject';
const DEAD_ARN = 'arn:aws:sqs:us-east-1:000000000000:dead';
const EVENT = z.object({ Records: z.array(z.looseObject({ body: z.string() })) });
const opened: Mapping[] = [];
const cleanUp: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const mapping of opened.splice(0)) await mapping.stop();
  for (const task of cleanUp.splice(0)) await task();
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
    const hiddenUntilMs = Number.POSITIVE_INFINITY;
    const receiptHandle = `handle-${messageId}`;
    const messageAttributes = { dataset: { DataType: 'String', StringValue: 'flights' } };
    this.visible.push({
      messageId,
      receiptHandle,
      body,
      attributes,
      messageAttributes,
      md5OfBody: 'md5',
      hiddenUntilMs,
    });
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

const recordsOf = (event: unknown): readonly object[] => EVENT.parse(event).Records;

interface Run {
  readonly queue: MemoryQueue;
  readonly events: readonly unknown[];
}

const DEFINITION: SqsMappingDefinition = {
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
};

const unexpected = (line: string): never => {
  throw new Error(line);
};

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
    definition: { ...DEFINITION, ...overrides },
    queues: queue,
    invoke: async (event) => {
      events.push(event);
      return outcome;
    },
    clock: createClock(),
    region: 'us-east-1',
    warn: unexpected,
  });
  opened.push(mapping);
  mapping.start();
  do await sleep(5);
  while (events.flatMap(recordsOf).length < bodies.length || !mapping.idle());
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
          messageAttributes: {
            dataset: { stringValue: 'flights', stringListValues: [], binaryListValues: [], dataType: 'String' },
          },
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

  expect(events.map((event) => recordsOf(event).length)).toEqual([2, 2, 1]);
});

it('gathers over several receives within its batching window', async () => {
  const bodies = Array.from({ length: 25 }, (_, index) => String(index));

  const { events } = await run(bodies, returned(null), { batchSize: 100, batchingWindowMs: 300 });

  expect(events.map((event) => recordsOf(event).length)).toEqual([25]);
});

it('keeps each invocation within 6 MB', async () => {
  const bodies = Array.from({ length: 10 }, () => 'x'.repeat(1_000_000));

  const { events, queue } = await run(bodies, returned(null));

  expect(events.map((event) => recordsOf(event).length)).toEqual([6, 4]);
  expect(queue.deleted).toHaveLength(10);
});

interface Pipeline {
  readonly queues: ReturnType<typeof createSqsService>;
  readonly clock: Clock;
  readonly mapping: Mapping;
  /** Bodies of each invocation, and when it was. */
  readonly invocations: { readonly bodies: readonly string[]; readonly atMs: number }[];
}

const throttled: InvocationOutcome = { kind: 'throttled', message: 'Rate Exceeded.', requestId: 'r' };

/** A mapping that runs over a queue on disk. @param outcome of the n-th invocation, from 0 */
function runPipeline(
  outcome: (invocation: number) => InvocationOutcome,
  overrides: Partial<SqsMappingDefinition> = {},
  queue: Properties = {},
): Pipeline {
  const folder = mkdtempSync(path.join(tmpdir(), 'sqs-mapping-'));
  const clock = createClock();
  const account = '000000000000';
  const region = 'us-east-1';
  const queues = createSqsService({ account, region, endpoint: '', folder: () => folder, clock });
  const [kind] = queues.resourceKinds;
  const context = { logicalId: 'Queue', stackName: 'Stack', account, region };
  for (const properties of [{ QueueName: 'dead' }, { QueueName: 'subject', ...queue }])
    void kind?.create?.(properties, kind.identify(properties, context), context);
  const invocations: { bodies: readonly string[]; atMs: number }[] = [];
  const mapping = createSqsMapping({
    definition: { ...DEFINITION, ...overrides },
    queues,
    invoke: async (event) => {
      const bodies = EVENT.parse(event).Records.map(({ body }) => body);
      return outcome(invocations.push({ bodies, atMs: clock.now() }) - 1);
    },
    clock,
    region,
    warn: unexpected,
  });
  opened.push(mapping);
  cleanUp.push(async () => {
    await queues.stop?.();
    clock.stop();
    rmSync(folder, { recursive: true });
  });
  mapping.start();
  return { queues, clock, mapping, invocations };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}

describe('a function that is throttled', () => {
  it('leaves time to everything else, and gets the same batch again after a pause', async () => {
    const { queues, invocations } = runPipeline((n) => (n < 1 ? throttled : returned(null)));
    await queues.send(QUEUE_ARN, 'a');
    await until(() => invocations.length === 2);

    expect(invocations.map(({ bodies }) => bodies)).toEqual([['a'], ['a']]);
    expect((invocations[1]?.atMs ?? 0) - (invocations[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(490);
    await until(async () => (await queues.depth(QUEUE_ARN)) === 0);
  });

  it('pauses twice as long each time, to 4 s, and counts as idle meanwhile', async () => {
    const { queues, clock, mapping, invocations } = runPipeline(() => throttled, {}, { VisibilityTimeout: 3_600 });
    await queues.send(QUEUE_ARN, 'a');
    for (const count of [1, 2, 3, 4, 5, 6]) {
      await until(() => invocations.length === count);
      await until(() => mapping.idle());
      await sleep(1);
      clock.advance(Math.max(0, (clock.nextDueMs() ?? 0) - clock.now()));
    }

    const pauses = invocations.map(({ atMs }, index) => atMs - (invocations[index - 1]?.atMs ?? 0)).slice(1, 6);
    expect(pauses.map((pauseMs) => Math.round(pauseMs / 250) * 250)).toEqual([500, 1_000, 2_000, 4_000, 4_000]);
  });

  it('counts one receive for each visibility timeout, and so sends its messages to the dead-letter queue', async () => {
    const redrive = { deadLetterTargetArn: DEAD_ARN, maxReceiveCount: 2 };
    const { queues, clock, invocations } = runPipeline(
      () => throttled,
      {},
      { VisibilityTimeout: 60, RedrivePolicy: redrive },
    );
    await queues.send(QUEUE_ARN, 'a');
    const sentMs = clock.now();
    while ((await queues.depth(DEAD_ARN)) === 0) {
      await sleep(1);
      clock.advance(1_000);
    }
    const [message] = await queues.receive(DEAD_ARN, 1, 0);

    expect(message?.attributes.ApproximateReceiveCount).toBe('3');
    expect(clock.now() - sentMs).toBeGreaterThanOrEqual(120_000);
    expect(invocations.length).toBeGreaterThan(20);
  });

  it('does not hang on a queue without visibility timeout', async () => {
    const { queues, invocations } = runPipeline(() => throttled, {}, { VisibilityTimeout: 0 });
    await queues.send(QUEUE_ARN, 'a');

    await sleep(700);

    expect(invocations).toHaveLength(2);
  });

  it('gives its messages back when the mapping stops, at once', async () => {
    const { queues, mapping, invocations } = runPipeline(() => throttled, {}, { VisibilityTimeout: 3_600 });
    await queues.send(QUEUE_ARN, 'a');
    await until(() => invocations.length === 1);
    const startedAt = performance.now();

    await mapping.stop();

    expect(performance.now() - startedAt).toBeLessThan(400);
    expect(await queues.receive(QUEUE_ARN, 1, 0)).toHaveLength(1);
  });
});

describe('a batching window', () => {
  const burst = async (queues: Queues, count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await queues.send(QUEUE_ARN, String(index));
  };
  const sizes = (pipeline: Pipeline): readonly number[] => pipeline.invocations.map(({ bodies }) => bodies.length);

  it('hands over full batches of a burst at once, and the rest when it ends', async () => {
    const pipeline = runPipeline(() => returned(null), { batchSize: 100, batchingWindowMs: 1_500 });
    const startedAt = performance.now();
    await burst(pipeline.queues, 250);
    await until(async () => (await pipeline.queues.depth(QUEUE_ARN)) === 0);

    expect(sizes(pipeline)).toEqual([100, 100, 50]);
    // One window, and not one a batch: those would take 4.5 s. On a busy machine one may take long.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  it('takes in what comes one by one while it lasts', async () => {
    const pipeline = runPipeline(() => returned(null), { batchSize: 100, batchingWindowMs: 200 });
    for (let index = 0; index < 5; index++) {
      await pipeline.queues.send(QUEUE_ARN, String(index));
      await sleep(5);
    }
    await until(() => pipeline.invocations.length > 0);

    expect(sizes(pipeline)).toEqual([5]);
  });

  it('ends at once when the clock is driven, and counts as idle until then', async () => {
    const pipeline = runPipeline(() => returned(null), { batchSize: 100, batchingWindowMs: 20_000 });
    await burst(pipeline.queues, 3);
    await sleep(20);
    expect([pipeline.mapping.idle(), sizes(pipeline)]).toEqual([true, []]);
    const startedAt = performance.now();

    pipeline.clock.advance(20_000);
    await until(async () => (await pipeline.queues.depth(QUEUE_ARN)) === 0);

    expect(sizes(pipeline)).toEqual([3]);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

it('stops at once while it waits for messages', async () => {
  const { mapping } = runPipeline(() => returned(null), { concurrencyMax: 20 });
  await sleep(20);
  const startedAt = performance.now();

  await mapping.stop();

  expect(performance.now() - startedAt).toBeLessThan(500);
});
