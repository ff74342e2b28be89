import { describe, expect, test } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext, EVENTS_PER_RECORD_MAX } from '../codecs/decode-context.ts';
import { decodeRecord } from '../codecs/decode-record.ts';
import { createProducer } from './producer.ts';
import { ProducerError } from './producer-metrics.ts';
import type { ProducerOptions } from './producer-options.ts';
import { PutRecordsError, type PutRecordsPort, type PutRecordsResult } from './put-records-port.ts';
import { createJumpingClock, createSimulatedStream } from './simulated-stream.ts';

const flights = datasets.get('flights');
if (flights === undefined) throw new Error('the dataset "flights" is gone');

const FLIGHT = { date: 978_332_100_000, delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };
const WHOLE = { shardId: 'shardId-000000000000', startingHashKey: '0', endingHashKey: String(2n ** 128n - 1n) };
const HALVES = [
  { ...WHOLE, endingHashKey: String(2n ** 127n - 1n) },
  { shardId: 'shardId-000000000001', startingHashKey: String(2n ** 127n), endingHashKey: WHOLE.endingHashKey },
];

function stream(options: { rejected?: number; shards?: typeof HALVES; random?: () => number } = {}) {
  const clock = createJumpingClock();
  const random = options.random ?? (() => 0.5);
  return { clock, port: createSimulatedStream({ shards: [WHOLE], ...options, random, clock }) };
}

function answering(results: (sent: number) => PutRecordsResult[] | Promise<PutRecordsResult[]>): PutRecordsPort {
  return {
    listShards: () => Promise.resolve([WHOLE]),
    putRecords: async (_streamName, entries) => results(entries.length),
  };
}

function producerOf(port: PutRecordsPort, options: Partial<ProducerOptions> = {}) {
  return createProducer({ port, streamName: 'test', clock: createJumpingClock(), random: () => 0.5, ...options });
}

describe('a producer', () => {
  test('puts records of a dataset as Avro that the pipeline decodes, many to a Kinesis record', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock });
    for (let i = 0; i < 1_000; i++) await producer.put(flights, { ...FLIGHT, delay: i });

    const metrics = await producer.close();

    const context = createDecodeContext({
      datasets: datasets.values(),
      defaultDataset: 'flights',
      defaultSource: 'urn:t',
    });
    const outcomes = port.records.flatMap(({ data }) => decodeRecord(data, context));
    expect(outcomes.map((outcome) => outcome.kind === 'event' && outcome.value)).toEqual(
      Array.from({ length: 1_000 }, (_, delay) => ({ ...FLIGHT, delay })),
    );
    expect(metrics).toMatchObject({
      userRecordsPut: 1_000,
      userRecordsAccepted: 1_000,
      recordsAccepted: port.records.length,
    });
    expect(port.records.length).toBeLessThan(5);
  });

  test('says at once that a record does not conform, and puts nothing', async () => {
    const producer = await producerOf(stream().port);

    expect(() => producer.put(flights, { ...FLIGHT, delay: 'late' })).toThrow();
    expect(producer.metrics().userRecordsPut).toBe(0);
  });

  test('sends a record that found no company after the linger time, unasked', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock, lingerMs: 70 });

    producer.putBytes(Buffer.from('alone'), 'k');
    while (producer.metrics().userRecordsAccepted === 0) await clock.sleep(1);

    expect(clock.sleeps[0]).toBe(70);
    expect(port.records.map(({ data }) => data.toString())).toEqual(['alone']);
  });

  test('sends a record too large for an aggregate alone, after what came before it', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock, aggregateBytesMax: 1_000 });

    producer.putBytes(Buffer.from('a'), 'k');
    producer.putBytes(Buffer.alloc(2_000, 'b'), 'k');
    producer.putBytes(Buffer.from('c'), 'k');
    await producer.flush();

    expect(port.records.map(({ data }) => data.toString('utf8', 0, 1))).toEqual(['a', 'b', 'c']);
  });

  test('puts no more records into an aggregate than the pipeline takes from one, however small they are', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock, aggregateBytesMax: 1_000_000 });

    for (let i = 0; i <= EVENTS_PER_RECORD_MAX; i++) producer.putBytes(Buffer.from('{}'), 'k');
    await producer.flush();

    const context = createDecodeContext({
      datasets: datasets.values(),
      defaultDataset: 'flights',
      defaultSource: 'urn:t',
    });
    const outcomes = port.records.flatMap(({ data }) => decodeRecord(data, context));
    expect(port.records).toHaveLength(2);
    expect(outcomes.filter(({ kind }) => kind === 'event')).toHaveLength(EVENTS_PER_RECORD_MAX + 1);
  });

  test('sends what already is an aggregate as it is', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock });
    const aggregate = Buffer.from('f3899ac200', 'hex');

    producer.putBytes(aggregate, 'k');
    producer.putBytes(aggregate, 'k');
    await producer.flush();

    expect(port.records.map(({ data }) => data)).toEqual([aggregate, aggregate]);
  });

  test('keeps bytes that the caller reuses', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock });
    const reused = Buffer.from('first');

    producer.putBytes(reused, 'k');
    reused.fill('x');
    await producer.flush();

    expect(port.records.map(({ data }) => data.toString())).toEqual(['first']);
  });

  test('waits between attempts up to a bound that doubles, by a random share of it', async () => {
    const clock = createJumpingClock();
    let calls = 0;
    const rejected = { errorCode: 'InternalFailure', errorMessage: 'no', shardId: undefined };
    const accepted = { errorCode: undefined, errorMessage: undefined, shardId: WHOLE.shardId };
    const port = answering(() => [++calls < 6 ? rejected : accepted]);
    const producer = await producerOf(port, { clock, lingerMs: 0, backoffBaseMs: 100, backoffMsMax: 1_000 });

    producer.putBytes(Buffer.from('a'), 'k');
    const metrics = await producer.flush();

    expect(clock.sleeps.filter((delayMs) => delayMs > 0)).toEqual([50, 100, 200, 400, 500]);
    expect(metrics).toMatchObject({ recordsRejected: 5, recordsAccepted: 1, callsSent: 6 });
  });

  test('asks to be awaited when its buffer is full, and refuses one who does not wait before memory runs out', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock, recordBytesMax: 10_000, bufferBytesMax: 10_000 });
    const kilobyte = Buffer.alloc(999);

    const waits = Array.from({ length: 10 }, () => producer.putBytes(kilobyte, 'k'));

    expect(waits.map((wait) => wait !== undefined)).toEqual([...new Array<boolean>(9).fill(false), true]);
    for (let i = 0; i < 10; i++) producer.putBytes(kilobyte, 'k');
    expect(() => producer.putBytes(kilobyte, 'k')).toThrow('await what put returns');
    await waits[9];
    expect(producer.metrics().bytesBuffered).toBeLessThanOrEqual(5_000);
  });

  test('flushes what was put before, though more is put meanwhile', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock, lingerMs: 60_000 });
    producer.putBytes(Buffer.from('before'), 'k');

    const flushed = producer.flush();
    producer.putBytes(Buffer.from('after'), 'k');
    const metrics = await flushed;

    expect(metrics.userRecordsAccepted).toBe(1);
    expect(port.records.map(({ data }) => data.toString())).toEqual(['before']);
  });

  test('takes nothing more once closed', async () => {
    const producer = await producerOf(stream().port);
    await producer.close();

    expect(() => producer.putBytes(Buffer.from('a'), 'k')).toThrow('closed');
  });

  test('counts records that land in another shard than the one listed', async () => {
    const { clock, port } = stream();
    const split: PutRecordsPort = { ...port, listShards: () => Promise.resolve(HALVES) };
    const producer = await producerOf(split, { clock });

    // md5("1") begins c4: the upper half.
    producer.putBytes(Buffer.from('a'), '1');

    expect((await producer.flush()).misroutedRecords).toBe(1);
  });

  test('works where no shards are listed', async () => {
    const { port, clock } = stream();
    const unlisted: PutRecordsPort = { ...port, listShards: () => Promise.resolve([]) };
    const producer = await producerOf(unlisted, { clock });
    for (let i = 0; i < 100; i++) producer.putBytes(Buffer.from(`${i}`), `key${i}`);

    expect((await producer.close()).userRecordsAccepted).toBe(100);
  });

  test('routes a record that stands alone by its own key', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock, isAggregated: false });
    for (let i = 0; i < 20; i++) producer.putBytes(Buffer.from(`${i}`), `key${i}`);
    await producer.flush();

    expect(port.records).toHaveLength(20);
    expect(port.calls.flat().every(({ entry }) => entry.explicitHashKey === undefined)).toBe(true);
  });
});

describe('a producer fails, and says how much was accepted, when', () => {
  test('a call fails for good', async () => {
    const denied = new PutRecordsError('AccessDeniedException: no', { isRetryable: false });
    const producer = await producerOf(answering(() => Promise.reject(denied)));
    producer.putBytes(Buffer.from('a'), 'k');

    const flushed = producer.flush();

    await expect(flushed).rejects.toThrow('PutRecords failed for good. 0 user records were accepted, 1 were not.');
    await expect(flushed).rejects.toMatchObject({ name: 'ProducerError', cause: denied, metrics: { callsFailed: 1 } });
    expect(() => producer.putBytes(Buffer.from('b'), 'k')).toThrow(ProducerError);
    await expect(producer.close()).rejects.toThrow(ProducerError);
  });

  test('Kinesis takes nothing for longer than it may', async () => {
    const { port, clock } = stream({ rejected: 1 });
    const producer = await producerOf(port, { clock, retryForMs: 60_000 });
    producer.putBytes(Buffer.from('a'), 'k');

    await expect(producer.flush()).rejects.toThrow(/has not taken a record for \d+ ms; 60000 are allowed/);
  });

  test('nothing answers: a call gets what is left of the time, and a second at least', async () => {
    const clock = createJumpingClock();
    const timeoutsMs: number[] = [];
    const silent: PutRecordsPort = {
      listShards: () => Promise.resolve([WHOLE]),
      async putRecords(_streamName, _entries, timeoutMs) {
        timeoutsMs.push(timeoutMs);
        await clock.sleep(Math.min(timeoutMs, 30_000));
        throw new PutRecordsError('no answer in time', { isRetryable: true });
      },
    };
    const producer = await producerOf(silent, { clock, retryForMs: 60_000, random: () => 0 });
    producer.putBytes(Buffer.from('a'), 'k');

    await expect(producer.close()).rejects.toThrow('has not taken a record for 60000 ms; 60000 are allowed');

    expect(timeoutsMs).toEqual([60_000, 30_000]);
    expect(producer.metrics()).toMatchObject({ callsSent: 2, callsFailed: 2 });
  });

  test.each([0, 500])('nothing answers within %i ms, in which an attempt gets its second', async (retryForMs) => {
    const clock = createJumpingClock();
    const timeoutsMs: number[] = [];
    const silent: PutRecordsPort = {
      listShards: () => Promise.resolve([WHOLE]),
      async putRecords(_streamName, _entries, timeoutMs) {
        timeoutsMs.push(timeoutMs);
        await clock.sleep(timeoutMs);
        throw new PutRecordsError('no answer in time', { isRetryable: true });
      },
    };
    const producer = await producerOf(silent, { clock, retryForMs });
    producer.putBytes(Buffer.from('a'), 'k');

    await expect(producer.close()).rejects.toThrow(ProducerError);
    expect(timeoutsMs).toEqual([1_000]);
  });

  test('the answer does not match the call', async () => {
    const producer = await producerOf(answering(() => []));
    producer.putBytes(Buffer.from('a'), 'k');

    await expect(producer.flush()).rejects.toMatchObject({
      cause: { message: 'PutRecords answered 0 results to 1 entries.' },
    });
  });
});

describe('what cannot be put is refused', () => {
  test.each([
    ['an empty partition key', 'a', '', 'A partition key of 0 characters'],
    ['a partition key of 257 characters', 'a', 'k'.repeat(257), 'A partition key of 257 characters'],
    ['half a surrogate pair in a partition key', 'a', '\ud800', 'no half of a surrogate pair'],
    ['a record over the limit with its key', 'a'.repeat(1024 * 1024), 'k', 'A record of 1048577 bytes'],
  ])('%s', async (_, text, key, message) => {
    const producer = await producerOf(stream().port);

    expect(() => producer.putBytes(Buffer.from(text), key)).toThrow(message);
  });

  test('while the largest record that Kinesis takes is put', async () => {
    const { port, clock } = stream();
    const producer = await producerOf(port, { clock });

    producer.putBytes(Buffer.alloc(1024 * 1024 - 1), 'k');

    expect((await producer.close()).userRecordsAccepted).toBe(1);
  });

  test('a setting out of its bounds', async () => {
    await expect(producerOf(stream().port, { aggregateBytesMax: 2_000_000 })).rejects.toThrow(
      'aggregateBytesMax: received 2000000, allowed: an integer from 64 to 1047808.',
    );
  });
});
