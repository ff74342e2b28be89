import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HASH_KEY_MAX, parseHashKey } from './hash-key.ts';
import { initialShards, type Shard, shardRouter } from './shard.ts';
import { matchesFilter } from './shard-filter.ts';

const keyOf = (value: bigint): string => parseHashKey(value.toString()) ?? '';

describe('shards of a new stream', () => {
  it('share the hash keys as those of AWS do', () => {
    expect(initialShards(3, 0).map((shard) => [shard.shardId, shard.startingHashKey, shard.endingHashKey])).toEqual([
      ['shardId-000000000000', '0', '113427455640312821154458202477256070484'],
      ['shardId-000000000001', '113427455640312821154458202477256070485', '226854911280625642308916404954512140969'],
      ['shardId-000000000002', '226854911280625642308916404954512140970', '340282366920938463463374607431768211455'],
    ]);
  });

  it('take each hash key in the one shard whose range, ends included, has it', () => {
    const shards = fc.integer({ min: 1, max: 40 }).map((count) => initialShards(count, 0));
    fc.assert(
      fc.property(shards, fc.bigInt({ min: 0n, max: HASH_KEY_MAX }), (made, random) => {
        const route = shardRouter(made);
        const ends = made.flatMap((shard) => [BigInt(shard.startingHashKey), BigInt(shard.endingHashKey)]);
        for (const key of [random, ...ends]) {
          const holders = made.filter(
            (shard) => BigInt(shard.startingHashKey) <= key && key <= BigInt(shard.endingHashKey),
          );
          expect(holders.map((shard) => shard.shardId)).toEqual([route(keyOf(key))]);
        }
      }),
      { numRuns: 20 },
    );
  });
});

/** A shard that was split into two at 100. */
const RESHARDED: Shard[] = [
  {
    shardId: 'shardId-000000000000',
    startingHashKey: '0',
    endingHashKey: HASH_KEY_MAX.toString(),
    madeAtMs: 10,
    closedAtMs: 100,
  },
  {
    shardId: 'shardId-000000000001',
    parentShardId: 'shardId-000000000000',
    startingHashKey: '0',
    endingHashKey: '999',
    madeAtMs: 100,
  },
  {
    shardId: 'shardId-000000000002',
    parentShardId: 'shardId-000000000000',
    startingHashKey: '1000',
    endingHashKey: HASH_KEY_MAX.toString(),
    madeAtMs: 100,
  },
];

it('routes around closed shards', () => {
  const route = shardRouter(RESHARDED);

  expect([route(keyOf(0n)), route(keyOf(999n)), route(keyOf(1000n)), route(keyOf(HASH_KEY_MAX))]).toEqual([
    'shardId-000000000001',
    'shardId-000000000001',
    'shardId-000000000002',
    'shardId-000000000002',
  ]);
});

it('refuses shards that leave hash keys out', () => {
  expect(() => shardRouter(RESHARDED.slice(2))).toThrow('hash key 0');
});

describe('a shard filter', () => {
  const matching = (filter: Parameters<typeof matchesFilter>[1], horizonMs = 0): number[] =>
    RESHARDED.flatMap((shard, index) => (matchesFilter(shard, filter, horizonMs) ? [index] : []));

  it.each([
    ['AT_LATEST', { Type: 'AT_LATEST' }, 0, [1, 2]],
    ['AT_TRIM_HORIZON while the stream is young', { Type: 'AT_TRIM_HORIZON' }, 0, [0]],
    ['AT_TRIM_HORIZON after the split', { Type: 'AT_TRIM_HORIZON' }, 150, [1, 2]],
    ['FROM_TRIM_HORIZON', { Type: 'FROM_TRIM_HORIZON' }, 50, [0, 1, 2]],
    ['FROM_TRIM_HORIZON once the parent has expired', { Type: 'FROM_TRIM_HORIZON' }, 150, [1, 2]],
    ['AT_TIMESTAMP', { Type: 'AT_TIMESTAMP', Timestamp: 0.05 }, 0, [0]],
    ['FROM_TIMESTAMP', { Type: 'FROM_TIMESTAMP', Timestamp: 0.05 }, 0, [0, 1, 2]],
    ['AFTER_SHARD_ID', { Type: 'AFTER_SHARD_ID', ShardId: 'shardId-000000000001' }, 0, [2]],
  ] as const)('%s gives the shards that AWS would', (_name, filter, horizonMs, expected) => {
    expect(matching(filter, horizonMs)).toEqual(expected);
  });
});
