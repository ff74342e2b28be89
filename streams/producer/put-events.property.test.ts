import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from '../codecs/decode-context.ts';
import { decodeRecord } from '../codecs/decode-record.ts';
import { createEventProducer } from '../put-events.ts';
import { PutEventsError, type PutEventsProgress, type UnacceptedRecord } from './put-events-result.ts';
import { PutRecordsError, type PutRecordsPort } from './put-records-port.ts';
import { createJumpingClock, createSimulatedStream, type SimulatedStream } from './simulated-stream.ts';

const BUFFER_BYTES_MAX = 4_096;
const WAITING_RECORDS_MAX = 60;
const HALF = 2n ** 127n;
const SHARDS = [
  { shardId: 'shardId-000000000000', startingHashKey: '0', endingHashKey: String(HALF - 1n) },
  { shardId: 'shardId-000000000001', startingHashKey: String(HALF), endingHashKey: String(HALF * 2n - 1n) },
];
const CONTEXT = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'flights',
  defaultSource: 'urn:default',
});

interface Scenario {
  readonly seed: number;
  readonly records: number;
  readonly calls: number;
  readonly isAsync: boolean;
  readonly source: string | undefined;
  readonly isAggregated: boolean;
  readonly rejected: number;
  readonly lostRequests: number;
  readonly lostAnswers: number;
  /** One in this many records is flawed. */
  readonly flawedEvery: number;
  /** PutRecords calls until the stream refuses everything for good; none by default. */
  readonly callsUntilDenied: number;
  /** Records after which the signal is aborted; never by default. */
  readonly recordsUntilAbort: number;
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer({ min: 1 }),
  records: fc.integer({ min: 0, max: 150 }),
  calls: fc.integer({ min: 1, max: 3 }),
  isAsync: fc.boolean(),
  source: fc.constantFrom(undefined, '/airline'),
  isAggregated: fc.boolean(),
  rejected: fc.constantFrom(0, 0.2, 0.7),
  lostRequests: fc.constantFrom(0, 0.2),
  lostAnswers: fc.constantFrom(0, 0.2),
  flawedEvery: fc.constantFrom(1, 7, 1_000),
  callsUntilDenied: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 3, 10),
  recordsUntilAbort: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 30),
});

/** What one call of `putEvents` ended with. */
interface Outcome extends PutEventsProgress {
  readonly unaccepted: readonly UnacceptedRecord[];
  readonly isFailed: boolean;
}

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

/** Call and position are in the record, so that the stream tells what came. */
function recordOf(call: number, position: number, { flawedEvery }: Scenario): Readonly<Record<string, unknown>> {
  const isFlawed = position % flawedEvery === flawedEvery - 1;
  const origin = isFlawed ? undefined : `K${position % 5}`;
  return Object.freeze({ date: '2001/01/01 06:55', delay: position, distance: call, origin, destination: 'BNA' });
}

async function run(given: Scenario): Promise<{ stream: SimulatedStream; outcomes: Outcome[]; bytesMax: number }> {
  const random = seededRandom(given.seed);
  const clock = createJumpingClock();
  const stream = createSimulatedStream({ ...given, shards: SHARDS, random, clock });
  let calls = 0;
  let bytesMax = 0;
  const port: PutRecordsPort = {
    listShards: (name) => stream.listShards(name),
    putRecords(name, entries, timeoutMs) {
      const { bytesBuffered, eventsWaiting } = producer.metrics();
      bytesMax = Math.max(bytesMax, bytesBuffered);
      expect(eventsWaiting).toBeLessThanOrEqual(WAITING_RECORDS_MAX);
      if (calls++ < given.callsUntilDenied) return stream.putRecords(name, entries, timeoutMs);
      return Promise.reject(new PutRecordsError('AccessDeniedException', { isRetryable: false }));
    },
  };
  const producer = await createEventProducer({
    ...{
      port,
      streamName: 'test',
      clock,
      random,
      isAggregated: given.isAggregated,
      waitingRecordsMax: WAITING_RECORDS_MAX,
    },
    ...{ recordBytesMax: 2_048, bufferBytesMax: BUFFER_BYTES_MAX, aggregateBytesMax: 400 },
    retryForMs: Number.MAX_SAFE_INTEGER,
  });
  const putCalls = Array.from({ length: given.calls }, (_, call) => {
    const controller = new AbortController();
    function* plain(): Generator<unknown> {
      for (let i = 0; i < given.records; i++) {
        if (i === given.recordsUntilAbort) controller.abort();
        yield recordOf(call, i, given);
      }
    }
    async function* inTurns(): AsyncGenerator<unknown> {
      yield* plain();
    }
    const input = given.isAsync ? inTurns() : plain();
    const options = { source: given.source, signal: controller.signal, refusedMax: 100_000 };
    return producer.putEvents('flights', input, options).then(
      (result): Outcome => ({ ...result, unaccepted: [], isFailed: false }),
      (error: unknown): Outcome => {
        if (!(error instanceof PutEventsError)) throw error;
        return { ...error.progress, unaccepted: error.unaccepted, isFailed: true };
      },
    );
  });
  const outcomes = await Promise.all(putCalls);
  await producer.close().catch(() => undefined);
  return { stream, outcomes, bytesMax };
}

/** How often each record of each call is on the stream, and the order in which those of a key first came. */
function arrivals(stream: SimulatedStream): { times: Map<string, number>; firstByKey: Map<string, number[]> } {
  const times = new Map<string, number>();
  const firstByKey = new Map<string, number[]>();
  for (const { data } of stream.records) {
    for (const outcome of decodeRecord(data, CONTEXT)) {
      if (outcome.kind !== 'event') throw new Error(outcome.failure.message);
      const { delay, distance, origin } = outcome.value as { delay: number; distance: number; origin: string };
      const name = `${distance}/${delay}`;
      if (!times.has(name)) {
        const key = `${distance}/${origin}`;
        firstByKey.set(key, [...(firstByKey.get(key) ?? []), delay]);
      }
      times.set(name, (times.get(name) ?? 0) + 1);
    }
  }
  return { times, firstByKey };
}

/** What an outcome says that is not so: an `expect` a record would take most of the time. */
function untruths(outcome: Outcome, call: number, times: ReadonlyMap<string, number>, given: Scenario): string[] {
  const { taken, accepted, refusedCount, refused, unaccepted, isFailed } = outcome;
  const found: string[] = [];
  const require = (isSo: boolean, claim: string): unknown => isSo || found.push(`call ${call}: ${claim}`);
  const open = new Map(unaccepted.map(({ position, mayBeOnStream }) => [position, mayBeOnStream]));
  const flawed = new Set(refused.map(({ position }) => position));
  require(accepted + refusedCount + unaccepted.length === taken, 'the counts make up what was taken');
  require(refused.length === refusedCount, 'refused records are listed');
  require(isFailed || open.size === 0, 'nothing is left open without an error');
  for (let i = 0; i < given.records; i++) {
    const came = times.get(`${call}/${i}`) ?? 0;
    const isRefused = recordOf(call, i, given).origin === undefined;
    require(flawed.has(i) === (isRefused && i < taken), `${i} is listed as refused if it is`);
    if (isRefused || i >= taken || open.get(i) === false) require(came === 0, `${i} is not on the stream`);
    else if (!open.has(i)) require(came >= 1, `${i} is on the stream`);
    if (given.lostAnswers === 0) require(came <= 1, `${i} is on the stream once`);
  }
  return found;
}

describe('whatever the stream does, putEvents', () => {
  test('accounts for every record, and what it says of each is so', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { stream, outcomes } = await run(given);

        const { times, firstByKey } = arrivals(stream);
        expect(outcomes.flatMap((outcome, call) => untruths(outcome, call, times, given))).toEqual([]);
        for (const positions of firstByKey.values()) expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        const isWhole = given.callsUntilDenied === Number.POSITIVE_INFINITY;
        if (isWhole && given.recordsUntilAbort >= given.records) {
          for (const { taken, isFailed } of outcomes) expect([taken, isFailed]).toEqual([given.records, false]);
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('buffers no more than it may, and a record more', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { bytesMax } = await run(given);

        expect(bytesMax).toBeLessThanOrEqual(BUFFER_BYTES_MAX + 2_048);
      }),
      { numRuns: 8 },
    );
  }, 60_000);

  test('can be gone on from after a failure, without losing a record or the order of a key', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const failing = { ...given, calls: 1, recordsUntilAbort: Number.POSITIVE_INFINITY };
        const { stream, outcomes } = await run({ ...failing, callsUntilDenied: 2 });
        const [{ taken, unaccepted } = { taken: 0, unaccepted: [] }] = outcomes;

        const rest = [...unaccepted.map(({ position }) => position), ...positionsFrom(taken, given.records)];
        const clock = createJumpingClock();
        const next = await createEventProducer({ port: stream, streamName: 'test', clock });
        await next.putEvents(
          'flights',
          rest.map((position) => recordOf(0, position, given)),
          { refusedMax: 100_000 },
        );

        const { times, firstByKey } = arrivals(stream);
        const conforming = positionsFrom(0, given.records).filter((i) => recordOf(0, i, given).origin !== undefined);
        expect(times.size).toBe(conforming.length);
        for (const positions of firstByKey.values()) expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});

function positionsFrom(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
