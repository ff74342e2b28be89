/** The producer's settings, with their defaults and bounds. */
import { AGGREGATE_BYTES_MAX, LINGER_MS, RECORD_BYTES_MAX, REQUEST_BYTES_MAX } from './limits.ts';
import type { PutRecordsPort } from './put-records-port.ts';

export interface ProducerClock {
  /** Epoch milliseconds. */
  now(): number;
  sleep(delayMs: number): Promise<void>;
}

export interface ProducerOptions {
  readonly port: PutRecordsPort;
  readonly streamName: string;
  /** Whether records share KPL aggregates. Default true. */
  readonly isAggregated?: boolean;
  /**
   * Bytes that an aggregate is filled to, 64 to `recordBytesMax` less a partition key. Default 51,200, the KPL's. It has
   * 10,000 user records at most, since the pipeline takes no more events from one Kinesis record.
   */
  readonly aggregateBytesMax?: number;
  /** Bytes of a record with its partition key, at most 10 MiB. Default 1 MiB; more when the stream is set to take it. */
  readonly recordBytesMax?: number;
  /** How long a record waits for company in its aggregate, milliseconds. Default 100, the KPL's. */
  readonly lingerMs?: number;
  /** Buffered bytes from which `put` asks to be awaited; at least `recordBytesMax`. Default 16 MiB. */
  readonly bufferBytesMax?: number;
  /** PutRecords calls at a time. Default 2. */
  readonly callsInFlightMax?: number;
  /** Lanes that a shard's range is cut into. Default 1 with aggregation, 128 without: a call takes one entry of each. */
  readonly lanesPerShard?: number;
  /** Lanes in all where the port lists no shards. Default 8 with aggregation, 512 without. */
  readonly lanesWithoutShards?: number;
  /** Upper end of the first backoff, milliseconds; it doubles with each attempt. Default 50. */
  readonly backoffBaseMs?: number;
  /** Upper end of any backoff, milliseconds. Default 5,000. */
  readonly backoffMsMax?: number;
  /**
   * How long a record is tried before the producer fails, milliseconds, from when it was first sent. Default 300,000: five
   * minutes. An attempt gets a second at least, so the last may end that much later.
   */
  readonly retryForMs?: number;
  /** 0 to less than 1, for the jitter. Default `Math.random`. */
  readonly random?: () => number;
  /** Default the system's. */
  readonly clock?: ProducerClock;
}

export type ResolvedProducerOptions = Required<ProducerOptions>;

const MIB = 1024 * 1024;
/** Room for a partition key beside an aggregate: 256 characters of up to 3 bytes in UTF-8. */
const PARTITION_KEY_BYTES_MAX = 768;

export const SYSTEM_CLOCK: ProducerClock = {
  now: () => Date.now(),
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
};

/** @throws RangeError when a setting is out of its bounds */
export function resolveOptions(options: ProducerOptions): ResolvedProducerOptions {
  const isAggregated = options.isAggregated ?? true;
  const recordBytesMax = within('recordBytesMax', options.recordBytesMax ?? RECORD_BYTES_MAX, 1_024, REQUEST_BYTES_MAX);
  return {
    port: options.port,
    streamName: options.streamName,
    isAggregated,
    recordBytesMax,
    aggregateBytesMax: within(
      'aggregateBytesMax',
      options.aggregateBytesMax ?? Math.min(AGGREGATE_BYTES_MAX, recordBytesMax - PARTITION_KEY_BYTES_MAX),
      64,
      recordBytesMax - PARTITION_KEY_BYTES_MAX,
    ),
    lingerMs: within('lingerMs', options.lingerMs ?? LINGER_MS, 0, 60_000),
    bufferBytesMax: within('bufferBytesMax', options.bufferBytesMax ?? 16 * MIB, recordBytesMax, 1_024 * MIB),
    callsInFlightMax: within('callsInFlightMax', options.callsInFlightMax ?? 2, 1, 64),
    lanesPerShard: within('lanesPerShard', options.lanesPerShard ?? (isAggregated ? 1 : 128), 1, 1_024),
    lanesWithoutShards: within('lanesWithoutShards', options.lanesWithoutShards ?? (isAggregated ? 8 : 512), 1, 4_096),
    backoffBaseMs: within('backoffBaseMs', options.backoffBaseMs ?? 50, 0, 60_000),
    backoffMsMax: within('backoffMsMax', options.backoffMsMax ?? 5_000, 0, 600_000),
    retryForMs: within('retryForMs', options.retryForMs ?? 300_000, 0, Number.MAX_SAFE_INTEGER),
    random: options.random ?? Math.random,
    clock: options.clock ?? SYSTEM_CLOCK,
  };
}

/** @throws RangeError when the value is no integer of the range, both ends included */
export function within(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: received ${value}, allowed: an integer from ${min} to ${max}.`);
  }
  return value;
}
