import { createHook } from 'node:async_hooks';
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { EMPTY, from, lastValueFrom, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { createAggregateBuilder } from '../streams/aggregation/aggregate-builder.ts';
import type { StreamRecord } from '../streams/position.ts';
import { ARRIVED_AT_MS, sequenceOf } from '../test/support/processors/kinesis-event.ts';
import { probeJson } from '../test/support/processors/probe-dataset.ts';
import { recordPorts } from '../test/support/processors/recorded-ports.ts';
import { decodeStage, EVALUATED_AT_MS, ROUTE_STAGE } from '../test/support/processors/through-stages.ts';
import type { DeliveryCall } from './ports.ts';
import { DeliveryError, PayloadError } from './ports.ts';
import { type BatchPlan, CALLS_IN_FLIGHT_MAX, CHUNK_EVENTS, processBatch, type RecordChunk } from './process-batch.ts';

const PLAN: BatchPlan = {
  decode: decodeStage(),
  route: ROUTE_STAGE,
  evaluatedAtMs: EVALUATED_AT_MS,
  qualityThreshold: 0.85,
  stopAtMs: EVALUATED_AT_MS + 10_000,
  deliverUntilMs: EVALUATED_AT_MS + 20_000,
};

const record = (data: Buffer, index: number): StreamRecord => ({
  shardId: 'shardId-000000000000',
  sequenceNumber: sequenceOf(index),
  partitionKey: 'key',
  data,
  arrivedAtMs: ARRIVED_AT_MS,
});

/** One chunk a payload list; indexes go on from chunk to chunk. */
function chunksOf(...lists: readonly (readonly Buffer[])[]): RecordChunk[] {
  let next = 0;
  return lists.map((payloads) => {
    const firstIndex = next;
    next += payloads.length;
    return { firstIndex, records: payloads.map((data, offset) => record(data, firstIndex + offset)) };
  });
}

const many = (count: number, mode = 'fine') => Array.from({ length: count }, () => probeJson(mode));

describe('a stream of chunks that', () => {
  test('never comes leaves the batch open', async () => {
    const seen: string[] = [];
    const subscription = processBatch(NEVER, 1, PLAN, recordPorts()).subscribe({
      next: () => seen.push('next'),
      complete: () => seen.push('complete'),
    });

    await tick();

    expect(seen).toEqual([]);
    subscription.unsubscribe();
  });

  test('is empty gives one answer, in which nothing is done', async () => {
    const ports = recordPorts();

    const result = await lastValueFrom(processBatch(EMPTY, 0, PLAN, ports));

    expect(result).toMatchObject({ done: 0, reasons: [] });
    expect(ports.calls).toEqual([]);
  });

  test('has one chunk is done whole', async () => {
    const ports = recordPorts();

    const { done, tally } = await lastValueFrom(processBatch(from(chunksOf(many(3))), 3, PLAN, ports));

    expect(done).toBe(3);
    expect(tally.upTo(3)).toEqual({ received: 3, delivered: 3, quarantined: 0, dropped: 0 });
  });

  test('has many chunks gives one answer, and keeps their order', async () => {
    const ports = recordPorts();
    const lists = ['a', 'b', 'c'].map((text) =>
      Array.from({ length: 70 }, (_, i) => probeJson('fine', { text: `${text}${i}` })),
    );

    const answers: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      processBatch(from(chunksOf(...lists)), 210, PLAN, ports).subscribe({
        next: (answer) => answers.push(answer),
        complete: resolve,
        error: reject,
      });
    });

    expect(answers).toMatchObject([{ done: 210 }]);
    expect(ports.rows('probe').map(({ text }) => text)).toEqual(
      lists.flatMap((list, at) => list.map((_, i) => `${'abc'[at]}${i}`)),
    );
  });

  test('fails makes the batch fail with its error', async () => {
    const failing = throwError(() => new Error('no more records'));

    await expect(lastValueFrom(processBatch(failing, 1, PLAN, recordPorts()))).rejects.toThrow('no more records');
  });

  test('is left early is not read on, and starts no further call', async () => {
    const chunks = new Subject<RecordChunk>();
    const ports = recordPorts();
    const [first, second] = chunksOf(many(10), many(10));

    const subscription = processBatch(chunks, 20, PLAN, ports).subscribe();
    if (first) chunks.next(first);
    subscription.unsubscribe();
    if (second) chunks.next(second);
    chunks.complete();
    await tick();

    expect(chunks.observed).toBe(false);
    expect(ports.calls).toEqual([]);
  });

  test('can be subscribed to twice, with books of its own each time', async () => {
    const batch = processBatch(from(chunksOf(many(2))), 2, PLAN, recordPorts());

    const [one, two] = [await lastValueFrom(batch), await lastValueFrom(batch)];

    expect(one.tally.upTo(2)).toEqual(two.tally.upTo(2));
  });
});

describe('a bad record', () => {
  test.each([
    'throws',
    'throws no error',
    'getter throws',
    'frozen',
    'id throws',
    'eventTime throws',
    'bad output',
    'poor',
  ])('whose dataset behaves so: "%s", never ends the batch', async (mode) => {
    const ports = recordPorts();
    const chunks = chunksOf([probeJson('fine'), probeJson(mode), probeJson('fine')]);

    const { done, tally } = await lastValueFrom(processBatch(from(chunks), 3, PLAN, ports));

    expect(done).toBe(3);
    expect(tally.upTo(3)).toEqual({ received: 3, delivered: 2, quarantined: 1, dropped: 0 });
  });
});

describe('a port', () => {
  const failing = (error: unknown) => recordPorts({ deliver: () => Promise.reject(error) });

  test('that fails with a DeliveryError leaves its records undone, and says why', async () => {
    const ports = failing(new DeliveryError('ServiceUnavailable: slow down', { cause: undefined }));

    const result = await lastValueFrom(processBatch(from(chunksOf(many(3))), 3, PLAN, ports));

    expect(result).toMatchObject({ done: 0, reasons: ['probe: ServiceUnavailable: slow down'] });
  });

  test('that fails with anything else is an error of the program, and the batch fails with it', async () => {
    const ports = failing(new TypeError('x is not a function'));

    await expect(lastValueFrom(processBatch(from(chunksOf(many(3))), 3, PLAN, ports))).rejects.toThrow(TypeError);
  });

  test('that throws at once, and not later, fails the batch the same way', async () => {
    const ports = recordPorts();
    const throwing = {
      ...ports,
      delivery: {
        deliver: () => {
          throw new TypeError('at once');
        },
      },
    };

    await expect(lastValueFrom(processBatch(from(chunksOf(many(1))), 1, PLAN, throwing))).rejects.toThrow('at once');
  });

  test('for payloads that fails leaves the one record undone', async () => {
    const ports = recordPorts({
      keep: () => Promise.reject(new PayloadError('S3 is away', { cause: undefined })),
    });
    const chunks = chunksOf([probeJson('fine'), Buffer.alloc(700_001, '{'), probeJson('fine')]);

    const { done, tally, reasons } = await lastValueFrom(processBatch(from(chunks), 3, PLAN, ports));

    expect({ done, reasons }).toEqual({ done: 1, reasons: ['S3 is away'] });
    expect(tally.upTo(done)).toEqual({ received: 1, delivered: 1, quarantined: 0, dropped: 0 });
  });

  test('gets at most four calls at once, each as soon as it is full', async () => {
    let open = 0;
    let most = 0;
    const ports = recordPorts({
      deliver: async () => {
        open += 1;
        most = Math.max(most, open);
        await tick();
        open -= 1;
        return [];
      },
    });
    // Five of about 900 KB fill a call of 4 MiB.
    const large = Array.from({ length: 40 }, () => probeJson('large output', { count: 900_000 }));

    await lastValueFrom(processBatch(from(chunksOf(large)), 40, PLAN, ports));

    expect(ports.calls.length).toBeGreaterThan(CALLS_IN_FLIGHT_MAX);
    expect(most).toBe(CALLS_IN_FLIGHT_MAX);
  });
});

describe('once a call has failed', () => {
  test('no further chunk is taken, and what was taken before it is still delivered', async () => {
    const chunks = new Subject<RecordChunk>();
    const rejectAll = (call: DeliveryCall) => (call.table === 'failed_events' ? call.records : []);
    const ports = recordPorts({ deliver: rejectAll });
    const huge = Array.from({ length: 8 }, () => Buffer.alloc(600_000, '{'));
    const [good, bad, never] = chunksOf(many(5), huge, many(5));

    const result = lastValueFrom(processBatch(chunks, 18, PLAN, ports));
    if (good) chunks.next(good);
    if (bad) chunks.next(bad);
    await tick();
    if (never) chunks.next(never);
    chunks.complete();

    expect(await result).toMatchObject({ done: 5 });
    expect(ports.rows('probe')).toHaveLength(5);
  });

  test('time that runs backwards takes no record up again', async () => {
    const times = [0, 20_000, 0, 0, 0, 0].map((offset) => EVALUATED_AT_MS + offset);
    const ports = recordPorts({ now: () => times.shift() ?? EVALUATED_AT_MS });

    const { done } = await lastValueFrom(processBatch(from(chunksOf(many(100), many(10), many(10))), 120, PLAN, ports));

    // The first 64 fill a chunk, and the clock then says that time is up.
    expect(done).toBe(64);
    expect(ports.rows('probe')).toHaveLength(64);
  });
});

describe('the hot path', () => {
  test('goes in chunks of at most 128 events, also through aggregates', async () => {
    expect(CHUNK_EVENTS).toBeLessThanOrEqual(128);
    const steps: string[] = [];
    const { context } = PLAN.decode;
    const probed = context.defaultDataset;
    const definition = {
      ...probed.definition,
      transform: (...args: Parameters<typeof probed.definition.transform>) => {
        steps.push('transform');
        return probed.definition.transform(...args);
      },
    };
    const identity = {
      forRecord: (...args: [string, string]) => {
        steps.push('decode');
        return PLAN.decode.identity.forRecord(...args);
      },
    };
    const plan = { ...PLAN, decode: { context: { ...context, defaultDataset: { ...probed, definition } }, identity } };
    const aggregate = createAggregateBuilder();
    for (const data of many(30)) aggregate.add('key', data);
    const aggregates = Array.from({ length: 40 }, () => aggregate.encode());

    await lastValueFrom(processBatch(from(chunksOf(many(200), aggregates)), 240, plan, recordPorts()));

    expect(steps.filter((step) => step === 'transform')).toHaveLength(200 + 40 * 30);
    for (const run of steps.join(' ').matchAll(/(?:transform ?)+/g)) {
      expect(run[0].split('transform').length - 1).toBeLessThanOrEqual(128);
    }
  });

  test('makes no promise and no observable for a record', async () => {
    const chunks = chunksOf(...Array.from({ length: 40 }, () => many(64)));
    let promises = 0;
    let observables = 0;
    const counting = new Observable<RecordChunk>((subscriber) => of(...chunks).subscribe(subscriber));
    const hook = createHook({
      init(_id, type) {
        if (type === 'PROMISE') promises += 1;
      },
    });
    const { subscribe } = Observable.prototype;
    Observable.prototype.subscribe = function count(this: Observable<unknown>, ...args: []) {
      observables += 1;
      return subscribe.apply(this, args);
    };
    hook.enable();
    try {
      await lastValueFrom(processBatch(counting, 40 * 64, PLAN, recordPorts()));
    } finally {
      hook.disable();
      Observable.prototype.subscribe = subscribe;
    }

    expect(promises).toBeLessThan(40 * 4);
    expect(observables).toBeLessThan(40 * 8);
  });
});
