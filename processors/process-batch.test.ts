import { createHook } from 'node:async_hooks';
import { setImmediate as tick } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { lastValueFrom, Observable } from 'rxjs';
import { createAggregateBuilder } from '../streams/aggregation/aggregate-builder.ts';
import type { StreamRecord } from '../streams/position.ts';
import { ARRIVED_AT_MS, sequenceOf } from '../test/support/processors/kinesis-event.ts';
import { probeJson } from '../test/support/processors/probe-dataset.ts';
import { recordPorts } from '../test/support/processors/recorded-ports.ts';
import { decodeStage, EVALUATED_AT_MS, ROUTE_STAGE } from '../test/support/processors/through-stages.ts';
import { StateUnavailable } from './books/state-table.ts';
import { TURN_MS_MAX } from './paced.ts';
import { type ClaimsPort, DeliveryError, PayloadError } from './ports.ts';
import {
  BACKLOG_BYTES_MAX,
  type BatchPlan,
  CALLS_IN_FLIGHT_MAX,
  CHUNK_BYTES_MAX,
  CHUNK_EVENTS,
  type DecodeRecord,
  processBatch,
} from './process-batch.ts';
import { type DecodeStage, decode } from './stages/decode.ts';

const STAGE = decodeStage();

const PLAN: BatchPlan = {
  decode: decoding(STAGE),
  route: ROUTE_STAGE,
  acceptedByTable: new Map(),
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

const recordsOf = (...lists: readonly (readonly Buffer[])[]) => lists.flat().map(record);

function decoding(stage: DecodeStage): DecodeRecord {
  return (record, index, items) => decode(stage, record, index, items);
}

/** A clock that goes on by `stepMs` whenever it is read. */
function stepping(stepMs: number): () => number {
  let nowMs = EVALUATED_AT_MS - stepMs;
  return () => {
    nowMs += stepMs;
    return nowMs;
  };
}

function aggregateOf(payloads: readonly Buffer[]): Buffer {
  const builder = createAggregateBuilder();
  for (const payload of payloads) builder.add('key', payload);
  return builder.encode();
}

/** A decode stage that tells what was done, in its order: records decoded, and events of the probe transformed. */
function probedDecoding() {
  const steps: ('decode' | 'transform')[] = [];
  const { context, identity } = STAGE;
  const probed = context.defaultDataset;
  const definition: typeof probed.definition = {
    ...probed.definition,
    transform(...args) {
      steps.push('transform');
      return probed.definition.transform(...args);
    },
  };
  const stage: DecodeStage = {
    context: { ...context, defaultDataset: { ...probed, definition } },
    identity: {
      forRecord(...args) {
        steps.push('decode');
        return identity.forRecord(...args);
      },
    },
  };
  return {
    stage,
    /** Records decoded so far. */
    taken: () => steps.filter((step) => step === 'decode').length,
    /** How many times a step was done before the other was. */
    runsOf: (step: 'decode' | 'transform') =>
      [...steps.join(' ').matchAll(new RegExp(`(?:${step} ?)+`, 'g'))].map((run) => run[0].split(step).length - 1),
  };
}

const many = (count: number, mode = 'fine') => Array.from({ length: count }, () => probeJson(mode));

describe('a batch that', () => {
  test('is empty gives one answer, in which nothing is done', async () => {
    const ports = recordPorts();

    const result = await lastValueFrom(processBatch([], PLAN, ports));

    expect(result).toMatchObject({ done: 0, reasons: [] });
    expect(ports.calls).toEqual([]);
  });

  test('has a few records is done whole', async () => {
    const { done, tally } = await lastValueFrom(processBatch(recordsOf(many(3)), PLAN, recordPorts()));

    expect(done).toBe(3);
    expect(tally.upTo(3)).toEqual({ received: 3, delivered: 3, quarantined: 0, dropped: 0, duplicate: 0 });
  });

  test('has many gives one answer, and keeps their order', async () => {
    const ports = recordPorts();
    const payloads = Array.from({ length: 210 }, (_, i) => probeJson('fine', { text: String(i) }));

    const answers: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      processBatch(recordsOf(payloads), PLAN, ports).subscribe({
        next: (answer) => answers.push(answer),
        complete: resolve,
        error: reject,
      });
    });

    expect(answers).toMatchObject([{ done: 210 }]);
    expect(ports.rows('probe').map(({ text }) => text)).toEqual(payloads.map((_, i) => String(i)));
  });

  test('is left early is not read on, and starts no further call', async () => {
    const probed = probedDecoding();
    const ports = recordPorts({ now: stepping(TURN_MS_MAX) });

    const subscription = processBatch(
      recordsOf(many(1_000)),
      { ...PLAN, decode: decoding(probed.stage) },
      ports,
    ).subscribe();
    await tick();
    subscription.unsubscribe();
    const taken = probed.taken();
    await tick();

    expect(taken).toBeLessThan(1_000);
    expect(probed.taken()).toBe(taken);
    expect(ports.calls).toEqual([]);
  });

  test('can be subscribed to twice, with books of its own each time', async () => {
    const batch = processBatch(recordsOf(many(2)), PLAN, recordPorts());

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
    const records = recordsOf([probeJson('fine'), probeJson(mode), probeJson('fine')]);

    const { done, tally } = await lastValueFrom(processBatch(records, PLAN, ports));

    expect(done).toBe(3);
    expect(tally.upTo(3)).toEqual({ received: 3, delivered: 2, quarantined: 1, dropped: 0, duplicate: 0 });
  });
});

describe('a port', () => {
  const failing = (error: unknown) => recordPorts({ deliver: () => Promise.reject(error) });

  test('that fails with a DeliveryError leaves its records undone, and says why', async () => {
    const ports = failing(new DeliveryError('ServiceUnavailable: slow down', { cause: undefined }));

    const result = await lastValueFrom(processBatch(recordsOf(many(3)), PLAN, ports));

    expect(result).toMatchObject({ done: 0, reasons: ['probe: ServiceUnavailable: slow down'] });
  });

  test('that fails with anything else is an error of the program, and the batch fails with it', async () => {
    const ports = failing(new TypeError('x is not a function'));

    await expect(lastValueFrom(processBatch(recordsOf(many(3)), PLAN, ports))).rejects.toThrow(TypeError);
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

    await expect(lastValueFrom(processBatch(recordsOf(many(1)), PLAN, throwing))).rejects.toThrow('at once');
  });

  test('for payloads that fails leaves the one record undone', async () => {
    const ports = recordPorts({
      keep: () => Promise.reject(new PayloadError('S3 is away', { cause: undefined })),
    });
    const records = recordsOf([probeJson('fine'), Buffer.alloc(700_001, '{'), probeJson('fine')]);

    const { done, tally, reasons } = await lastValueFrom(processBatch(records, PLAN, ports));

    expect({ done, reasons }).toEqual({ done: 1, reasons: ['S3 is away'] });
    expect(tally.upTo(done)).toEqual({ received: 1, delivered: 1, quarantined: 0, dropped: 0, duplicate: 0 });
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

    await lastValueFrom(processBatch(recordsOf(large), PLAN, ports));

    expect(ports.calls.length).toBeGreaterThan(CALLS_IN_FLIGHT_MAX);
    expect(most).toBe(CALLS_IN_FLIGHT_MAX);
  });
});

describe('once a call has failed', () => {
  test('no further record is taken, and what was taken before is still delivered', async () => {
    const probed = probedDecoding();
    const ports = recordPorts({
      deliver: (call) => (call.table === 'failed_events' ? call.records : []),
      now: stepping(TURN_MS_MAX),
    });
    // Five of their rows fill a call, which is sent while the rest is still to be decoded.
    const huge = Array.from({ length: 8 }, () => Buffer.alloc(600_000, '{'));

    const result = lastValueFrom(
      processBatch(recordsOf(many(5), huge, many(1_000)), { ...PLAN, decode: decoding(probed.stage) }, ports),
    );

    expect(await result).toMatchObject({ done: 5 });
    expect(ports.rows('probe').length).toBe(probed.taken() - Math.min(8, probed.taken() - 5));
    expect(probed.taken()).toBeLessThan(100);
  });
});

describe('what is to be sent', () => {
  const LARGE_BYTES = 5 * 1024 * 1024;
  /** Not JSON, so that it is kept in S3 as it came. */
  const large = Buffer.alloc(LARGE_BYTES, '{');
  const batchOfOne = gzipSync(Buffer.from(`["${'a'.repeat(LARGE_BYTES - 4)}"]`));

  test.each([
    ['its records', large],
    ['what they were decompressed to', batchOfOne],
  ])('is bounded in bytes while it waits, whether these are %s', async (_, data) => {
    const probed = probedDecoding();
    const { promise, resolve: release } = Promise.withResolvers<void>();
    const ports = recordPorts({ keep: () => promise });

    const result = lastValueFrom(
      processBatch(recordsOf(Array<Buffer>(12).fill(data)), { ...PLAN, decode: decoding(probed.stage) }, ports),
    );
    for (let turns = 0; turns < 5; turns++) await tick();
    const takenBytes = probed.taken() * LARGE_BYTES;

    expect(takenBytes).toBeGreaterThanOrEqual(BACKLOG_BYTES_MAX);
    expect(takenBytes).toBeLessThan(BACKLOG_BYTES_MAX + 2 * LARGE_BYTES);
    release();
    expect(await result).toMatchObject({ done: 12 });
    expect(ports.kept).toHaveLength(12);
  });

  test('is bounded for Firehose as it is for S3', async () => {
    const probed = probedDecoding();
    const { promise, resolve: accept } = Promise.withResolvers<readonly []>();
    const ports = recordPorts({ deliver: () => promise });
    const payloads = Array.from({ length: 100 }, () => probeJson('large output', { count: 900_000 }));

    const result = lastValueFrom(processBatch(recordsOf(payloads), { ...PLAN, decode: decoding(probed.stage) }, ports));
    await tick();

    // A chunk of these small records makes 64 large documents.
    expect(probed.taken()).toBe(CHUNK_EVENTS);
    accept([]);
    expect(await result).toMatchObject({ done: 100 });
  });

  test('is not waited for once the batch has failed', async () => {
    const probed = probedDecoding();
    const ports = recordPorts({ keep: () => Promise.reject(new TypeError('x is not a function')) });

    const result = lastValueFrom(
      processBatch(recordsOf(Array<Buffer>(40).fill(large)), { ...PLAN, decode: decoding(probed.stage) }, ports),
    );

    await expect(result).rejects.toThrow(TypeError);
    expect(probed.taken()).toBeLessThan(40);
  });
});

describe('the hot path', () => {
  test('goes in chunks of at most 128 events, also through aggregates', async () => {
    expect(CHUNK_EVENTS).toBeLessThanOrEqual(128);
    const probed = probedDecoding();
    const aggregate = createAggregateBuilder();
    for (const data of many(30)) aggregate.add('key', data);
    const aggregates = Array.from({ length: 40 }, () => aggregate.encode());

    await lastValueFrom(
      processBatch(recordsOf(many(200), aggregates), { ...PLAN, decode: decoding(probed.stage) }, recordPorts()),
    );

    expect(probed.runsOf('transform').reduce((sum, run) => sum + run, 0)).toBe(200 + 40 * 30);
    expect(Math.max(...probed.runsOf('transform'))).toBeLessThanOrEqual(128);
  });

  test('holds large events a few at a time, by what they are decompressed to', async () => {
    const probed = probedDecoding();
    const half = gzipSync(
      Buffer.from(
        probeJson('fine')
          .toString()
          .padEnd(CHUNK_BYTES_MAX / 2),
      ),
    );

    await lastValueFrom(
      processBatch(recordsOf(Array<Buffer>(20).fill(half)), { ...PLAN, decode: decoding(probed.stage) }, recordPorts()),
    );

    expect(Math.max(...probed.runsOf('decode'))).toBe(2);
  });

  test.each([
    ['many small records', recordsOf(many(64 * 40))],
    ['one record of many events', recordsOf([aggregateOf(many(64 * 40))])],
  ])('gives the event loop a turn at least every %s', async (_, records) => {
    let longestMs = 0;
    let turnStartedMs = EVALUATED_AT_MS;
    let nowMs = EVALUATED_AT_MS;
    // A clock on which each chunk takes 4 ms: it is read twice a chunk, or once inside a large record.
    const now = () => {
      nowMs += 2;
      longestMs = Math.max(longestMs, nowMs - turnStartedMs);
      return nowMs;
    };
    let isOver = false;
    const onTurn = () => {
      turnStartedMs = nowMs;
      if (!isOver) setImmediate(onTurn);
    };
    setImmediate(onTurn);

    await lastValueFrom(processBatch(records, PLAN, recordPorts({ now })));
    isOver = true;

    expect(nowMs - EVALUATED_AT_MS).toBeGreaterThan(2 * TURN_MS_MAX);
    expect(longestMs).toBeLessThan(2 * TURN_MS_MAX);
  });

  test('makes no promise and no observable for a record', async () => {
    const records = recordsOf(many(40 * 64));
    let promises = 0;
    let observables = 0;
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
      await lastValueFrom(processBatch(records, PLAN, recordPorts()));
    } finally {
      hook.disable();
      Observable.prototype.subscribe = subscribe;
    }

    expect(promises).toBeLessThan(40 * 4);
    expect(observables).toBeLessThan(40 * 8);
  });
});

describe('a claim that fails', () => {
  test('leaves its records and those behind them, and nothing that stands before them', async () => {
    const { context, identity } = STAGE;
    const probed = context.defaultDataset;
    const once = { ...probed, definition: { ...probed.definition, deduplicate: 'event' as const } };
    const stage: DecodeStage = { context: { ...context, defaultDataset: once }, identity };
    const ofChunk = { specversion: '1.0', source: '/test', type: 'flights', chunkid: '1', data: {} };
    const records = recordsOf(
      Array.from({ length: 2 * CHUNK_EVENTS }, (_, n) => probeJson('fine', { text: String(n) })),
      Array.from({ length: CHUNK_EVENTS }, (_, n) => Buffer.from(JSON.stringify({ ...ofChunk, id: String(n) }))),
    );
    const ports = recordPorts();
    let eventClaims = 0;
    const claims: ClaimsPort = {
      async claim([first]) {
        if (first?.subject.startsWith('chunk#')) throw new StateUnavailable('throttled', { cause: undefined });
        eventClaims += 1;
        // The chunk behind it waits, while the one behind that fails.
        if (eventClaims === 1) for (let turn = 0; turn < 5; turn++) await tick();
        return new Set();
      },
    };

    const result = await lastValueFrom(
      processBatch(records, { ...PLAN, decode: decoding(stage) }, { ...ports, claims }),
    );

    expect(result.done).toBe(2 * CHUNK_EVENTS);
    expect(result.tally.upTo(result.done).received).toBe(2 * CHUNK_EVENTS);
    expect(ports.rows('probe')).toHaveLength(2 * CHUNK_EVENTS);
    expect(eventClaims).toBe(2);
  });
});
