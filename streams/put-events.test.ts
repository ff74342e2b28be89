import { describe, expect, test } from '@jest/globals';
import { datasets } from '../schemas/index.ts';
import { createDecodeContext } from './codecs/decode-context.ts';
import { decodeRecord } from './codecs/decode-record.ts';
import type { DecodedEvent } from './envelope.ts';
import {
  createEventProducer,
  type EventProducer,
  type EventProducerMetrics,
  type EventProducerOptions,
  ProducerError,
  PutEventsError,
  type PutRecordsEntry,
  PutRecordsError,
  type PutRecordsPort,
  type PutRecordsResult,
  type RefusedRecord,
} from './index.ts';
import { createJumpingClock } from './producer/simulated-stream.ts';

const SHARD = { shardId: 'shardId-000000000000', startingHashKey: '0', endingHashKey: String(2n ** 128n - 1n) };
const TAKEN: PutRecordsResult = { errorCode: undefined, errorMessage: undefined, shardId: SHARD.shardId };
const CONTEXT = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:default',
});

const flight = (delay: number) => ({
  ...{ date: '2001/01/01 06:55', delay, distance: 1797, origin: 'LAX', destination: 'BNA' },
});
const FLAWED = { ...flight(1), delay: 'late' };

interface Given {
  readonly producer: EventProducer;
  readonly entries: PutRecordsEntry[];
}

/** A producer on a stream that answers as a test says; without, it takes everything. */
async function given(
  options: Partial<EventProducerOptions> = {},
  answer?: (entries: readonly PutRecordsEntry[], call: number) => Promise<readonly PutRecordsResult[]>,
): Promise<Given> {
  const entries: PutRecordsEntry[] = [];
  let calls = 0;
  const port: PutRecordsPort = {
    listShards: async () => [SHARD],
    async putRecords(_streamName, sent) {
      const results = (await answer?.(sent, calls++)) ?? sent.map(() => TAKEN);
      entries.push(...sent.filter((_, i) => results[i]?.errorCode === undefined));
      return results;
    },
  };
  const clock = createJumpingClock();
  const producer = await createEventProducer({ port, streamName: 'test', clock, random: () => 0.5, ...options });
  return { producer, entries };
}

function eventsOf(entries: readonly PutRecordsEntry[]): DecodedEvent[] {
  return entries
    .flatMap(({ data }) => decodeRecord(data, CONTEXT))
    .map((outcome) => {
      if (outcome.kind !== 'event') throw new Error(outcome.failure.message);
      return outcome;
    });
}

const delaysOf = (entries: readonly PutRecordsEntry[]): unknown[] =>
  eventsOf(entries).map(({ value }) => (value as { readonly delay: number }).delay);

/** The error that a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<PutEventsError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PutEventsError) return error;
  throw new Error(`the call ended with ${String(error)}`);
}

describe('putEvents', () => {
  test("puts records in their JSON form as Avro, many to a Kinesis record, and leaves the caller's as they are", async () => {
    const { producer, entries } = await given();
    const records = Array.from({ length: 200 }, (_, i) => Object.freeze(flight(i)));

    const result = await producer.putEvents('flights', records);

    expect(result).toEqual({ taken: 200, accepted: 200, refusedCount: 0, refused: [], end: 'exhausted' });
    expect(records[7]).toEqual(flight(7));
    expect(entries).toHaveLength(1);
    const events = eventsOf(entries);
    expect(events.map(({ value }) => value)).toEqual(
      records.map((record) => ({ ...record, date: Date.UTC(2001, 0, 1, 6, 55) })),
    );
    expect(events[0]).toMatchObject({ conforms: true, source: 'urn:default', id: undefined });
  });

  test("puts CloudEvents where a source is given, with the dataset's id or the caller's", async () => {
    const { producer, entries } = await given();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

    await producer.putEvents('flights', [flight(1)], { source: '/airline', traceparent });
    await producer.putEvents('flights', [flight(2)], { source: '/airline', id: (_, position) => `n${position}` });

    expect(eventsOf(entries)).toMatchObject([
      { source: '/airline', id: `${Date.UTC(2001, 0, 1, 6, 55)}/LAX/BNA/1797/1`, traceId: traceparent.slice(3, 35) },
      { source: '/airline', id: 'n0', traceId: undefined, conforms: true },
    ]);
  });

  test('lists what the dataset refuses and what Kinesis would not take, with its place and the reason', async () => {
    const { producer, entries } = await given();
    const large = { ...flight(3), origin: 'x'.repeat(2 ** 20) };

    const result = await producer.putEvents('flights', [flight(0), FLAWED, flight(2), large, 'text', flight(5)], {
      partitionKey: () => 'k',
    });

    expect(result).toMatchObject({ taken: 6, accepted: 3, refusedCount: 3, end: 'exhausted' });
    expect(result.refused).toMatchObject([
      { position: 1, record: FLAWED, failure: { stage: 'validate', code: 'WRONG_TYPE', path: 'delay' } },
      { position: 3, failure: undefined, message: expect.stringContaining('at most 1048576 fit') },
      { position: 4, record: 'text', failure: { code: 'WRONG_TYPE', path: '' } },
    ]);
    expect(result.refused[0]?.record).toBe(FLAWED);
    expect(delaysOf(entries)).toEqual([0, 2, 5]);
  });

  test('refuses one record when a function of the caller throws for it', async () => {
    const { producer, entries } = await given();
    const partitionKey = (record: unknown): string => {
      if ((record as { delay: number }).delay === 1) throw new Error('no key for this one');
      return 'k';
    };

    const { refused } = await producer.putEvents('flights', [flight(0), flight(1), flight(2)], { partitionKey });

    expect(refused).toMatchObject([{ position: 1, message: 'no key for this one', failure: undefined }]);
    expect(delaysOf(entries)).toEqual([0, 2]);
  });

  test('puts nothing of an array with a refused record when it is to be rejected whole', async () => {
    const { producer, entries } = await given();

    const error = await errorOf(
      producer.putEvents('flights', [flight(0), FLAWED, flight(2)], { whenRefused: 'reject' }),
    );
    const whole = await producer.putEvents('flights', [flight(3), flight(4)], { whenRefused: 'reject' });

    expect(error.progress).toMatchObject({ taken: 3, accepted: 0, refusedCount: 1, refused: [{ position: 1 }] });
    expect(error.unaccepted).toEqual([0, 2].map((position) => ({ position, mayBeOnStream: false })));
    expect(whole).toMatchObject({ taken: 2, accepted: 2 });
    expect(delaysOf(entries)).toEqual([3, 4]);
  });

  test('gives refused records to a function, and waits for it', async () => {
    const { producer } = await given();
    const seen: string[] = [];
    async function* records(): AsyncGenerator<unknown> {
      for (const record of [FLAWED, flight(1), FLAWED]) {
        seen.push('read');
        yield record;
      }
    }

    const result = await producer.putEvents('flights', records(), {
      async whenRefused({ position }: RefusedRecord) {
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`refused ${position}`);
      },
    });

    expect(seen).toEqual(['read', 'refused 0', 'read', 'read', 'refused 2']);
    expect(result).toEqual({ taken: 3, accepted: 1, refusedCount: 2, refused: [], end: 'exhausted' });
  });

  test('ends with what it has done when more are refused than may be listed, and reads no further', async () => {
    const { producer, entries } = await given();
    let isReturned = false;
    function* records(): Generator<unknown> {
      try {
        for (let i = 0; ; i++) yield i % 2 === 0 ? flight(i) : FLAWED;
      } finally {
        isReturned = true;
      }
    }

    const error = await errorOf(producer.putEvents('flights', records(), { refusedMax: 2 }));

    expect(error.progress).toMatchObject({ taken: 6, accepted: 3, refusedCount: 3 });
    expect(error.progress.refused.map(({ position }) => position)).toEqual([1, 3, 5]);
    expect(error.unaccepted).toEqual([]);
    expect(error.message).toContain('record 5 was refused');
    expect(isReturned).toBe(true);
    expect(delaysOf(entries)).toEqual([0, 2, 4]);
  });

  test('accounts for what was read when the input throws', async () => {
    const { producer, entries } = await given();
    const cause = new Error('line 3 is no JSON');
    async function* records(): AsyncGenerator<unknown> {
      yield* [flight(0), flight(1)];
      throw cause;
    }

    const error = await errorOf(producer.putEvents('flights', records()));

    expect(error.cause).toBe(cause);
    expect(error.message).toBe(
      'putEvents ended early: line 3 is no JSON. Of 2 records taken, 2 were accepted, 0 refused, 0 not accepted.',
    );
    expect(delaysOf(entries)).toEqual([0, 1]);
  });

  test('stops at an abort, even while a silent input is read, and accounts for what was taken', async () => {
    const { producer, entries } = await given();
    const controller = new AbortController();
    async function* records(): AsyncGenerator<unknown> {
      yield* [flight(0), flight(1)];
      setImmediate(() => controller.abort());
      await new Promise(() => {});
    }

    const result = await producer.putEvents('flights', records(), { signal: controller.signal });
    const late = await producer.putEvents('flights', [flight(9)], { signal: controller.signal });

    expect(result).toEqual({ taken: 2, accepted: 2, refusedCount: 0, refused: [], end: 'aborted' });
    expect(late).toMatchObject({ taken: 0, end: 'aborted' });
    expect(delaysOf(entries)).toEqual([0, 1]);
  });

  test('lets the event loop turn while an endless input always has a record, so that an abort is heard', async () => {
    const { producer } = await given();
    const controller = new AbortController();
    function* records(): Generator<unknown> {
      for (;;) yield flight(0);
    }
    setTimeout(() => controller.abort(), 20);

    const { taken, accepted, end } = await producer.putEvents('flights', records(), { signal: controller.signal });

    expect(end).toBe('aborted');
    expect(accepted).toBe(taken);
  });

  test('names what is not accepted when the stream fails for good, and no more is read', async () => {
    const read = Promise.withResolvers<void>();
    const { producer, entries } = await given({ isAggregated: false, callsInFlightMax: 1 }, async (sent, call) => {
      await read.promise;
      if (call === 0) return sent.map((_, i) => (i === 0 ? TAKEN : { ...TAKEN, errorCode: 'InternalFailure' }));
      throw new PutRecordsError('AccessDeniedException', { isRetryable: false });
    });
    async function* records(): AsyncGenerator<unknown> {
      yield* [flight(0), flight(1), FLAWED, flight(3)];
      read.resolve();
      await new Promise(() => {});
    }

    const error = await errorOf(
      producer.putEvents('flights', records(), {
        partitionKey: (record) => String((record as { delay: number }).delay),
      }),
    );

    expect(error.cause).toBeInstanceOf(ProducerError);
    expect(error.progress).toMatchObject({ taken: 4, accepted: 1, refusedCount: 1 });
    expect(delaysOf(entries)).toHaveLength(1);
    const named = error.unaccepted.map(({ position }) => position);
    expect([...named, ...(delaysOf(entries) as number[])].sort()).toEqual([0, 1, 3]);
    expect(error.unaccepted.every(({ mayBeOnStream }) => !mayBeOnStream)).toBe(true);
    const again = await errorOf(producer.putEvents('flights', [flight(4)]));
    expect(again.progress.taken).toBe(0);
  });

  test('waits for calls under way before it says what a failed stream has taken', async () => {
    let answerFirst = (): void => {};
    const { producer } = await given({ isAggregated: false, callsInFlightMax: 2 }, async (sent, call) => {
      if (call > 0) throw new PutRecordsError('AccessDeniedException', { isRetryable: false });
      await new Promise<void>((resolve) => {
        answerFirst = resolve;
      });
      return sent.map(() => TAKEN);
    });
    async function* records(): AsyncGenerator<unknown> {
      yield flight(0);
      await new Promise((resolve) => setImmediate(resolve));
      yield { ...flight(1), origin: 'BNA' };
      setImmediate(() => setImmediate(() => answerFirst()));
      await new Promise(() => {});
    }

    const error = await errorOf(producer.putEvents('flights', records()));

    expect(error.progress).toMatchObject({ taken: 2, accepted: 1 });
    expect(error.unaccepted).toEqual([{ position: 1, mayBeOnStream: false }]);
  });

  test('says which records may be on the stream although no answer came', async () => {
    const { producer } = await given({ retryForMs: 1_000 }, async () => {
      throw new PutRecordsError('no answer in time', { isRetryable: true });
    });

    const error = await errorOf(producer.putEvents('flights', [flight(0), flight(1)]));

    expect(error.unaccepted).toEqual([0, 1].map((position) => ({ position, mayBeOnStream: true })));
  });

  test('takes many calls at a time, whose records share aggregates, and bounds what waits', async () => {
    let waitingMax = 0;
    const { producer, entries } = await given({ waitingRecordsMax: 50 }, async (sent) => {
      waitingMax = Math.max(waitingMax, producer.metrics().eventsWaiting);
      return sent.map(() => TAKEN);
    });

    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => producer.putEvents('flights', [flight(i)])),
    );

    expect(results.every(({ accepted }) => accepted === 1)).toBe(true);
    expect(waitingMax).toBe(50);
    expect(entries).toHaveLength(4);
  });

  test.each([
    ['an unknown dataset', 'trains', [], {}, 'dataset: received "trains", allowed: earthquakes, flights.'],
    ['an id without a source', 'flights', [], { id: () => 'a' }, 'id and traceparent: received without source'],
    ['an empty source', 'flights', [], { source: '' }, 'source: received ""'],
    ['too many to list', 'flights', [], { refusedMax: 1e7 }, 'refusedMax: received 10000000'],
    ['an input to reject whole that is no array', 'flights', new Set(), { whenRefused: 'reject' }, 'is no array'],
  ] as const)('says at once that it was given %s', async (_, dataset, records, options, message) => {
    const { producer } = await given();

    await expect(producer.putEvents(dataset, records, options)).rejects.toThrow(message);
    expect(producer.metrics().eventsTaken).toBe(0);
  });
});

describe('an event producer', () => {
  test('counts events, bytes, throttles, retries, and how long acceptance took', async () => {
    const { producer } = await given({}, async (sent, call) =>
      sent.map(() => (call === 0 ? { ...TAKEN, errorCode: 'ProvisionedThroughputExceededException' } : TAKEN)),
    );

    await producer.putEvents('flights', [flight(0), flight(1), FLAWED]);

    const metrics = producer.metrics();
    expect(metrics).toMatchObject({ eventsTaken: 3, eventsRefused: 1, eventsWaiting: 0, userRecordsAccepted: 2 });
    expect(metrics).toMatchObject({ recordsAccepted: 1, recordsThrottled: 1, recordsResent: 1, bytesBuffered: 0 });
    expect(metrics.bytesAccepted).toBeGreaterThan(40);
    // The linger time of 100 ms, and half of a first backoff of 50 ms.
    expect(metrics.acceptanceMsMean).toBe(125);
    expect(metrics.acceptanceMsMax).toBe(125);
  });

  test('gives its metrics at intervals and at its close', async () => {
    const given1: EventProducerMetrics[] = [];
    const { producer } = await given({ metricsIntervalMs: 5, onMetrics: (metrics) => given1.push(metrics) });

    while (given1.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await producer.putEvents('flights', [flight(0)]);
    const last = await producer.close();

    expect(given1.at(-1)).toEqual(last);
    expect(last.userRecordsAccepted).toBe(1);
  });

  test('ends calls under way when it is closed, and takes none after', async () => {
    const { producer, entries } = await given();
    async function* records(): AsyncGenerator<unknown> {
      yield flight(0);
      await new Promise(() => {});
    }
    const call = producer.putEvents('flights', records());
    await new Promise((resolve) => setImmediate(resolve));

    const metrics = await producer.close();

    await expect(call).resolves.toMatchObject({ taken: 1, accepted: 1, end: 'closed' });
    expect(metrics.userRecordsAccepted).toBe(1);
    expect(delaysOf(entries)).toEqual([0]);
    await expect(producer.putEvents('flights', [flight(1)])).rejects.toThrow('closed');
    await expect(producer.close()).resolves.toEqual(metrics);
  });

  test.each([
    ['waitingRecordsMax', 0],
    ['metricsIntervalMs', 2 ** 31],
    ['bufferBytesMax', 1],
  ])('refuses %s = %d with what is allowed', async (name, value) => {
    await expect(given({ [name]: value })).rejects.toThrow(`${name}: received ${value}, allowed: an integer from`);
  });
});
