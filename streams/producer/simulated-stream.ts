/**
 * A stream for tests: shards that take, throttle and lose, on a clock of its own. It is stricter than Kinesis where
 * the API promises nothing: the entries of one call are taken in a random order.
 */
import { hashKeyOf } from './hash-lanes.ts';
import type { ProducerClock } from './producer-options.ts';
import {
  type PutRecordsEntry,
  PutRecordsError,
  type PutRecordsPort,
  type PutRecordsResult,
  type ShardRange,
} from './put-records-port.ts';

export interface SimulatedStreamOptions {
  readonly shards: readonly ShardRange[];
  /** Whether the shards are listed; without, the producer does not know them. Default true. */
  readonly isListed?: boolean;
  readonly random: () => number;
  readonly clock: ProducerClock;
  /** Shares of entries that are rejected, and of calls that fail before and after they were taken. Default 0. */
  readonly rejected?: number;
  readonly lostRequests?: number;
  readonly lostAnswers?: number;
}

export interface StoredRecord {
  readonly shardId: string;
  readonly data: Buffer;
  readonly partitionKey: string;
}

/** One entry of one call, and what became of it. */
export interface CallEntry {
  readonly entry: PutRecordsEntry;
  readonly outcome: 'accepted' | 'rejected' | 'unknown';
}

export interface SimulatedStream extends PutRecordsPort {
  readonly records: readonly StoredRecord[];
  readonly calls: readonly (readonly CallEntry[])[];
  readonly callsInFlightMax: number;
}

export function createSimulatedStream(options: SimulatedStreamOptions): SimulatedStream {
  const { shards, random, clock } = options;
  const records: StoredRecord[] = [];
  const calls: CallEntry[][] = [];
  let callsInFlight = 0;
  let callsInFlightMax = 0;

  function shardOf(entry: PutRecordsEntry): string {
    const hashKey = BigInt(entry.explicitHashKey ?? `0x${hashKeyOf(entry.partitionKey)}`);
    const shard = shards.find(
      ({ startingHashKey, endingHashKey }) => hashKey >= BigInt(startingHashKey) && hashKey <= BigInt(endingHashKey),
    );
    if (shard === undefined) throw new Error(`No shard takes the hash key ${hashKey}.`);
    return shard.shardId;
  }

  function take(entries: readonly PutRecordsEntry[]): PutRecordsResult[] {
    const results = new Array<PutRecordsResult>(entries.length);
    const order = entries.map((_, i) => ({ i, at: random() })).sort((a, b) => a.at - b.at);
    for (const { i } of order) {
      const entry = entries[i];
      if (entry === undefined) continue;
      const isRejected = random() < (options.rejected ?? 0);
      const shardId = shardOf(entry);
      if (!isRejected) records.push({ shardId, data: Buffer.from(entry.data), partitionKey: entry.partitionKey });
      results[i] = isRejected
        ? { errorCode: 'ProvisionedThroughputExceededException', errorMessage: 'Slow down.', shardId: undefined }
        : { errorCode: undefined, errorMessage: undefined, shardId };
    }
    return results;
  }

  return {
    records,
    calls,
    get callsInFlightMax() {
      return callsInFlightMax;
    },
    listShards: () => Promise.resolve(options.isListed === false ? [] : shards),
    async putRecords(_streamName, entries) {
      const call: CallEntry[] = entries.map((entry) => ({ entry, outcome: 'unknown' }));
      calls.push(call);
      callsInFlight++;
      callsInFlightMax = Math.max(callsInFlightMax, callsInFlight);
      await clock.sleep(random() * 20);
      const isRequestLost = random() < (options.lostRequests ?? 0);
      const results = isRequestLost ? [] : take(entries);
      await clock.sleep(random() * 20);
      callsInFlight--;
      if (isRequestLost || random() < (options.lostAnswers ?? 0)) {
        throw new PutRecordsError('The connection was lost.', { isRetryable: true });
      }
      for (const [i, entry] of entries.entries()) {
        call[i] = { entry, outcome: results[i]?.errorCode === undefined ? 'accepted' : 'rejected' };
      }
      return results;
    },
  };
}

/** A clock that jumps to the next wake-up as soon as nothing else is left to do. */
export function createJumpingClock(): ProducerClock & { readonly sleeps: readonly number[] } {
  let nowMs = 0;
  let isTicking = false;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const sleeps: number[] = [];

  function tick(): void {
    sleepers.sort((a, b) => a.atMs - b.atMs);
    const [first, ...others] = sleepers;
    isTicking = first !== undefined;
    if (first === undefined) return;
    sleepers = others;
    nowMs = Math.max(nowMs, first.atMs);
    first.wake();
    setImmediate(tick);
  }

  return {
    sleeps,
    now: () => nowMs,
    sleep(delayMs) {
      sleeps.push(delayMs);
      const { promise, resolve } = Promise.withResolvers<void>();
      sleepers.push({ atMs: nowMs + delayMs, wake: resolve });
      if (!isTicking) {
        isTicking = true;
        setImmediate(tick);
      }
      return promise;
    },
  };
}
