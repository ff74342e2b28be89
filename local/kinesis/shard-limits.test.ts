import { afterEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { createShardLimits, type ShardLimits } from './shard-limits.ts';

let clock: Clock;

afterEach(() => clock.stop());

function limits(): ShardLimits {
  clock = stoppedClock();
  return createShardLimits(clock);
}

/** Time stands still unless it is driven. */
function stoppedClock(): Clock {
  const real = createClock();
  let now = 1_000_000;
  return {
    ...real,
    now: () => now,
    advance: (durationMs) => {
      now += durationMs;
    },
  };
}

const taken = (shard: ShardLimits, count: number, bytes: number): number =>
  Array.from({ length: count }, () => shard.takes('a', bytes)).filter(Boolean).length;

describe('the limits of a shard', () => {
  it('take 1,000 records a second', () => {
    const shard = limits();

    expect(taken(shard, 1_500, 10)).toBe(1_000);
    clock.advance(500);
    expect(taken(shard, 1_500, 10)).toBe(500);
  });

  it('take 1 MB a second', () => {
    const shard = limits();

    expect(taken(shard, 20, 100_000)).toBe(10);
    expect(shard.takes('another', 100_000)).toBe(true);
    clock.advance(1_000);
    expect(taken(shard, 20, 100_000)).toBe(10);
  });

  it('take a record over 1 MB as a burst that is paid back', () => {
    const shard = limits();

    expect(taken(shard, 2, 5_000_000)).toBe(1);
    clock.advance(4_000);
    expect(shard.takes('a', 1)).toBe(false);
    clock.advance(1_000);
    expect(shard.takes('a', 1_000_000)).toBe(true);
  });

  it('give 5 reads a second, and nothing for 5 s after 10 MB', () => {
    const shard = limits();
    const reads = (count: number): number =>
      Array.from({ length: count }, () => shard.reads('a')).filter(Boolean).length;

    expect(reads(8)).toBe(5);
    clock.advance(1_000);
    shard.gave('a', 10_000_000);
    clock.advance(4_999);
    expect(reads(1)).toBe(0);
    clock.advance(1);
    expect(reads(8)).toBe(5);
  });
});
