import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hashKeyOf, lanesOfShards, lanesWithoutShards } from './hash-lanes.ts';
import type { ShardRange } from './put-records-port.ts';

const HASH_KEY_MAX = 2n ** 128n - 1n;

/** Shards that cover the hash key space, from the points where it is cut. */
function shardsCutAt(cuts: readonly bigint[]): ShardRange[] {
  const starts = [0n, ...[...new Set(cuts)].filter((cut) => cut > 0n).sort((a, b) => (a < b ? -1 : 1))];
  return starts.map((start, i) => ({
    shardId: `shardId-${String(i).padStart(12, '0')}`,
    startingHashKey: String(start),
    endingHashKey: String((starts[i + 1] ?? HASH_KEY_MAX + 1n) - 1n),
  }));
}

const cuts = fc.array(fc.bigInt({ min: 1n, max: HASH_KEY_MAX }), { maxLength: 6 });

describe('hash lanes', () => {
  test('hash a key as Kinesis does: md5("1") is the vector of the fact sheet', () => {
    expect(BigInt(`0x${hashKeyOf('1')}`)).toBe(261578874264819908609102035485573088411n);
  });

  test('put a key into the shard whose range holds its hash', () => {
    fc.assert(
      fc.property(cuts, fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 5 }), (points, key, lanesPerShard) => {
        const shards = shardsCutAt(points);
        const lanes = lanesOfShards(shards, lanesPerShard);
        const hashKey = BigInt(`0x${hashKeyOf(key)}`);
        const owner = shards.find(
          (shard) => hashKey >= BigInt(shard.startingHashKey) && hashKey <= BigInt(shard.endingHashKey),
        );

        const slice = lanes.slices[lanes.laneOf(key)];

        expect(slice?.shardId).toBe(owner?.shardId);
        expect(BigInt(slice?.explicitHashKey ?? -1)).toBeGreaterThanOrEqual(BigInt(owner?.startingHashKey ?? -1));
        expect(BigInt(slice?.explicitHashKey ?? -1)).toBeLessThanOrEqual(hashKey);
      }),
      { numRuns: 1_000 },
    );
  });

  test('split a shard that holds fewer hash keys than lanes into as many lanes as it holds', () => {
    const lanes = lanesOfShards(shardsCutAt([1n, 3n]), 4);

    expect(lanes.slices.map((slice) => slice.explicitHashKey).slice(0, 4)).toEqual(['0', '1', '2', '3']);
  });

  test('share keys evenly where no shard is known', () => {
    const lanes = lanesWithoutShards(8);
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < 8_000; i++) {
      const lane = lanes.laneOf(`key${i}`);
      counts[lane] = (counts[lane] ?? 0) + 1;
    }

    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(lanes.slices[4]).toEqual({ explicitHashKey: String(2n ** 127n), shardId: undefined });
  });

  test('give a key the same lane after more keys than are remembered', () => {
    const lanes = lanesWithoutShards(64);
    const before = lanes.laneOf('first');

    for (let i = 0; i < 25_000; i++) lanes.laneOf(`key${i}`);

    expect(lanes.laneOf('first')).toBe(before);
  });
});
