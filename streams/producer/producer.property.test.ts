import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasAggregateMagic } from '../aggregation/aggregate-format.ts';
import { partitionKeyAt, readAggregate } from '../aggregation/read-aggregate.ts';
import { hashKeyOf } from './hash-lanes.ts';
import { REQUEST_BYTES_MAX, REQUEST_RECORDS_MAX } from './limits.ts';
import { createProducer } from './producer.ts';
import type { PutRecordsEntry, ShardRange } from './put-records-port.ts';
import { createJumpingClock, createSimulatedStream, type SimulatedStream } from './simulated-stream.ts';

const HASH_KEY_COUNT = 2n ** 128n;
const RECORD_BYTES_MAX = 4_096;

interface Scenario {
  readonly seed: number;
  readonly shardCount: number;
  readonly isListed: boolean;
  readonly isAggregated: boolean;
  readonly keys: number;
  readonly records: number;
  readonly largestBytes: number;
  readonly rejected: number;
  readonly lostRequests: number;
  readonly lostAnswers: number;
  readonly callsInFlightMax: number;
  readonly aggregateBytesMax: number;
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer({ min: 1 }),
  shardCount: fc.integer({ min: 1, max: 5 }),
  isListed: fc.boolean(),
  isAggregated: fc.boolean(),
  keys: fc.integer({ min: 1, max: 40 }),
  records: fc.integer({ min: 0, max: 400 }),
  largestBytes: fc.constantFrom(20, 200, 3_000),
  rejected: fc.constantFrom(0, 0.2, 0.7),
  lostRequests: fc.constantFrom(0, 0.2),
  lostAnswers: fc.constantFrom(0, 0.2),
  callsInFlightMax: fc.integer({ min: 1, max: 4 }),
  aggregateBytesMax: fc.constantFrom(100, 600, 3_000),
});

/** Mulberry32: small, and the same for a seed everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function uniformShards(count: number): ShardRange[] {
  return Array.from({ length: count }, (_, i) => ({
    shardId: `shardId-${String(i).padStart(12, '0')}`,
    startingHashKey: String((HASH_KEY_COUNT * BigInt(i)) / BigInt(count)),
    endingHashKey: String((HASH_KEY_COUNT * BigInt(i + 1)) / BigInt(count) - 1n),
  }));
}

/** The user records in an entry, with their keys. */
function userRecordsOf(data: Buffer, partitionKey: string): { readonly key: string; readonly text: string }[] {
  if (!hasAggregateMagic(data)) return [{ key: partitionKey, text: data.toString() }];
  const reading = readAggregate(data);
  if (reading.kind === 'plain') throw new Error(reading.reason);
  const { count, dataBounds } = reading.records;
  return Array.from({ length: count }, (_, i) => ({
    key: partitionKeyAt(data, reading.records, i) ?? 'none',
    text: data.toString('utf8', dataBounds[i * 2], dataBounds[i * 2 + 1]),
  }));
}

async function run(
  given: Scenario,
): Promise<{ stream: SimulatedStream; put: Map<string, string[]>; accepted: number }> {
  const random = seededRandom(given.seed);
  const clock = createJumpingClock();
  const shards = uniformShards(given.shardCount);
  const stream = createSimulatedStream({ ...given, shards, random, clock });
  const producer = await createProducer({
    port: stream,
    streamName: 'test',
    isAggregated: given.isAggregated,
    aggregateBytesMax: given.aggregateBytesMax,
    recordBytesMax: RECORD_BYTES_MAX,
    bufferBytesMax: 8_192,
    callsInFlightMax: given.callsInFlightMax,
    lanesPerShard: given.isAggregated ? 2 : 16,
    retryForMs: Number.MAX_SAFE_INTEGER,
    random,
    clock,
  });
  const put = new Map<string, string[]>();
  for (let i = 0; i < given.records; i++) {
    const key = String(Math.floor(random() * given.keys));
    const text = `${i}:${'x'.repeat(Math.floor(random() * given.largestBytes))}`;
    put.set(key, [...(put.get(key) ?? []), text]);
    await producer.putBytes(Buffer.from(text), key);
    expect(producer.metrics().bytesBuffered).toBeLessThanOrEqual(8_192 + RECORD_BYTES_MAX);
  }
  const { userRecordsAccepted, bytesBuffered } = await producer.close();
  expect(bytesBuffered).toBe(0);
  return { stream, put, accepted: userRecordsAccepted };
}

function requestBytes(entries: readonly { readonly entry: PutRecordsEntry }[]): number {
  return entries.reduce((sum, { entry }) => sum + entry.data.length + Buffer.byteLength(entry.partitionKey), 0);
}

describe('whatever the stream does', () => {
  test('every record arrives, those of a key in their order, and none twice unless an answer was lost', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { stream, put, accepted } = await run(given);

        const arrived = new Map<string, string[]>();
        for (const record of stream.records) {
          for (const { key, text } of userRecordsOf(record.data, record.partitionKey)) {
            const texts = arrived.get(key) ?? [];
            // Only the second coming of a call whose answer was lost is passed over.
            if (given.lostAnswers === 0 || !texts.includes(text)) texts.push(text);
            arrived.set(key, texts);
          }
        }
        expect(arrived).toEqual(put);
        expect(accepted).toBe(given.records);
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  test('an entry is sent again only when it was rejected or its call failed', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { stream } = await run(given);

        const accepted = new Set<PutRecordsEntry['data']>();
        for (const call of stream.calls) {
          for (const { entry, outcome } of call) {
            expect(accepted.has(entry.data)).toBe(false);
            if (outcome === 'accepted') accepted.add(entry.data);
          }
        }
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  test('no call exceeds a limit, and no more calls are under way than allowed', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { stream } = await run(given);

        for (const call of stream.calls) {
          expect(call.length).toBeGreaterThanOrEqual(1);
          expect(call.length).toBeLessThanOrEqual(REQUEST_RECORDS_MAX);
          expect(requestBytes(call)).toBeLessThanOrEqual(REQUEST_BYTES_MAX);
          for (const { entry } of call) expect(requestBytes([{ entry }])).toBeLessThanOrEqual(RECORD_BYTES_MAX);
        }
        expect(stream.callsInFlightMax).toBeLessThanOrEqual(given.callsInFlightMax);
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  test('an aggregate holds only keys of the shard that it goes to, where shards are listed', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { stream } = await run({ ...given, isListed: true });

        const shards = uniformShards(given.shardCount);
        for (const record of stream.records) {
          const shard = shards.find(({ shardId }) => shardId === record.shardId);
          for (const { key } of userRecordsOf(record.data, record.partitionKey)) {
            const hashKey = BigInt(`0x${hashKeyOf(key)}`);
            expect(hashKey).toBeGreaterThanOrEqual(BigInt(shard?.startingHashKey ?? -1));
            expect(hashKey).toBeLessThanOrEqual(BigInt(shard?.endingHashKey ?? -1));
          }
        }
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
