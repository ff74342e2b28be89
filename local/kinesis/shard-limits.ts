/**
 * What a shard takes and gives a second. Off unless asked for: a laptop is to show what the pipeline can do.
 * Sources: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html,
 * https://docs.aws.amazon.com/streams/latest/dev/large-records.html
 */
import type { Clock } from '../clock.ts';

export const WRITE_BYTES_A_SECOND = 1_000_000;
export const WRITE_RECORDS_A_SECOND = 1_000;
export const READ_BYTES_A_SECOND = 2_000_000;
export const READS_A_SECOND = 5;

export interface ShardLimits {
  /** True when the shard takes a record of so many bytes now; it is then counted. */
  readonly takes: (shardId: string, bytes: number) => boolean;
  /** True when the shard may be read now; the read is then counted. */
  readonly reads: (shardId: string) => boolean;
  /** Counts what a read gave: 10 MB close the shard for 5 s. */
  readonly gave: (shardId: string, bytes: number) => void;
}

export const NO_LIMITS: ShardLimits = { takes: () => true, reads: () => true, gave: () => undefined };

interface ShardAllowance {
  readonly bytes: Bucket;
  readonly records: Bucket;
  readonly reads: Bucket;
  readableAtMs: number;
}

export function createShardLimits(clock: Clock): ShardLimits {
  const allowances = new Map<string, ShardAllowance>();
  const of = (shardId: string): ShardAllowance => {
    let allowance = allowances.get(shardId);
    if (!allowance) {
      const now = clock.now();
      allowance = {
        bytes: new Bucket(WRITE_BYTES_A_SECOND, now),
        records: new Bucket(WRITE_RECORDS_A_SECOND, now),
        reads: new Bucket(READS_A_SECOND, now),
        readableAtMs: 0,
      };
      allowances.set(shardId, allowance);
    }
    return allowance;
  };
  return {
    takes(shardId, bytes) {
      const allowance = of(shardId);
      const now = clock.now();
      if (!allowance.bytes.has(bytes, now) || !allowance.records.has(1, now)) return false;
      allowance.bytes.take(bytes);
      allowance.records.take(1);
      return true;
    },
    reads(shardId) {
      const allowance = of(shardId);
      const now = clock.now();
      if (now < allowance.readableAtMs || !allowance.reads.has(1, now)) return false;
      allowance.reads.take(1);
      return true;
    },
    gave(shardId, bytes) {
      of(shardId).readableAtMs = clock.now() + (bytes / READ_BYTES_A_SECOND) * 1000;
    },
  };
}

/** Fills by its capacity a second. What is larger than the capacity is taken as a burst, and paid back. */
class Bucket {
  readonly #capacity: number;
  #level: number;
  #filledAtMs: number;

  constructor(capacity: number, nowMs: number) {
    this.#capacity = capacity;
    this.#level = capacity;
    this.#filledAtMs = nowMs;
  }

  has(amount: number, nowMs: number): boolean {
    this.#level = Math.min(this.#capacity, this.#level + ((nowMs - this.#filledAtMs) / 1000) * this.#capacity);
    this.#filledAtMs = nowMs;
    return this.#level >= Math.min(amount, this.#capacity);
  }

  take(amount: number): void {
    this.#level -= amount;
  }
}
