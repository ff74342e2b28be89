import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HASH_KEY_MAX, parseHashKey } from './hash-key.ts';
import { mergeShards, scaleUniformly, splitShard } from './reshard.ts';
import { sequenceNumbers } from './sequence-number.ts';
import { initialShards, parentsOf, type Shard, shardIndexOf, shardRouter } from './shard.ts';

const HASH_KEYS = HASH_KEY_MAX + 1n;
const isOpen = (shard: Shard): boolean => shard.closedAtMs === undefined;
const firstOf = (shard: Shard): bigint => BigInt(shard.startingHashKey);
const lastOf = (shard: Shard): bigint => BigInt(shard.endingHashKey);
const widthOf = (shard: Shard): bigint => lastOf(shard) - firstOf(shard) + 1n;

function openInOrder(shards: readonly Shard[]): readonly Shard[] {
  return shards.filter(isOpen).sort((one, other) => (firstOf(one) < firstOf(other) ? -1 : 1));
}

interface Change {
  readonly kind: 'split' | 'merge' | 'scale';
  /** Which shard, and where in its range or to how many: what is possible is made of them. */
  readonly choice: number;
  readonly place: number;
  readonly nowMs: number;
}

const change = fc.record({
  kind: fc.constantFrom('split', 'merge', 'scale'),
  choice: fc.nat(),
  place: fc.integer({ min: 1, max: 999 }),
  nowMs: fc.nat(100_000),
});

function apply(shards: readonly Shard[], { kind, choice, place, nowMs }: Change): readonly Shard[] {
  const open = openInOrder(shards);
  const shard = open[choice % open.length];
  const adjacent = open[(choice % open.length) + 1];
  if (kind === 'scale') return scaleUniformly(shards, Math.ceil(open.length / 2) + (place % open.length), nowMs);
  if (kind === 'merge') return shard && adjacent ? mergeShards(shards, shard, adjacent, nowMs) : shards;
  if (!shard || widthOf(shard) < 4n) return shards;
  return splitShard(shards, shard, firstOf(shard) + 2n + ((widthOf(shard) - 3n) * BigInt(place)) / 1_000n, nowMs);
}

/** Every state that a stream comes by. */
function history(count: number, changes: readonly Change[]): readonly (readonly Shard[])[] {
  const states: (readonly Shard[])[] = [initialShards(count, 50_000)];
  for (const each of changes) states.push(apply(states.at(-1) ?? [], each));
  return states;
}

const histories = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.array(change, { maxLength: 8 }))
  .map(([count, changes]) => history(count, changes));

describe('after any splits, merges and scalings', () => {
  it('the open shards are a partition of 0 to 2^128 - 1, and each hash key goes to the one that has it', () => {
    fc.assert(
      fc.property(histories, fc.bigInt({ min: 0n, max: HASH_KEY_MAX }), (states, random) => {
        const open = openInOrder(states.at(-1) ?? []);
        expect(open.map(firstOf)).toEqual([0n, ...open.slice(0, -1).map((shard) => lastOf(shard) + 1n)]);
        expect(lastOf(open.at(-1) ?? fail())).toBe(HASH_KEY_MAX);
        const route = shardRouter(states.at(-1) ?? []);
        for (const key of [random, ...open.flatMap((shard) => [firstOf(shard), lastOf(shard)])]) {
          const holder = open.find((shard) => firstOf(shard) <= key && key <= lastOf(shard));
          expect(route(parseHashKey(key.toString()) ?? '')).toBe(holder?.shardId);
        }
      }),
    );
  });

  it('a closed shard stays as it was, and its children have its hash keys between them', () => {
    fc.assert(
      fc.property(histories, (states) => {
        const shards = states.at(-1) ?? [];
        for (const closed of shards.filter((shard) => !isOpen(shard))) {
          for (const state of states) {
            const before = state.find(({ shardId, closedAtMs }) => shardId === closed.shardId && closedAtMs);
            if (before) expect(before).toEqual(closed);
          }
          const children = shards.filter((shard) => parentsOf(shard).includes(closed.shardId));
          const parents = shards.filter(({ shardId }) => parentsOf(children[0] ?? closed).includes(shardId));
          const sum = (each: readonly Shard[]): bigint => each.reduce((total, shard) => total + widthOf(shard), 0n);
          expect(sum(children)).toBe(sum(parents));
          expect(children.length + parents.length).toBe(3);
        }
      }),
    );
  });

  it('ids and sequence numbers of a child are above those of every earlier shard, also when the clock was set back', () => {
    fc.assert(
      fc.property(histories, (states) => {
        const shards = states.at(-1) ?? [];
        expect(shards.map(({ shardId }) => shardIndexOf(shardId))).toEqual(shards.map((_, index) => index));
        const numbers = shards.map(({ shardId, madeAtMs }) =>
          sequenceNumbers({ shardIndex: shardIndexOf(shardId), madeAtMs }),
        );
        for (const [index, child] of numbers.entries()) {
          for (const earlier of numbers.slice(0, index)) {
            expect(child.starting > earlier.ending(9_999_999_999_000)).toBe(true);
          }
        }
      }),
    );
  });
});

describe('scaling uniformly', () => {
  it('comes to as many shards as asked for, of equal size but for a millionth', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 30 }), (states, count) => {
        const open = openInOrder(scaleUniformly(states.at(-1) ?? [], count, 200_000));

        expect(open).toHaveLength(count);
        const share = HASH_KEYS / BigInt(count);
        for (const shard of open) {
          const difference = widthOf(shard) - share;
          expect((difference < 0n ? -difference : difference) * 500_000n < share).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['doubling splits each shard once', 3, 6, 3, 6],
    ['halving merges pairs', 6, 3, 6, 3],
    ['the count that there is changes nothing', 3, 3, 0, 0],
    ['half as many again makes two shards in between', 2, 3, 4, 5],
  ])('%s', (_title, from, to, closed, made) => {
    const shards = scaleUniformly(initialShards(from, 0), to, 1);

    expect(shards.filter((shard) => !isOpen(shard))).toHaveLength(closed);
    expect(shards).toHaveLength(from + made);
  });

  it('up and down again leaves no slivers', () => {
    let shards: readonly Shard[] = initialShards(3, 0);
    for (const count of [6, 12, 6, 3]) shards = scaleUniformly(shards, count, 1);

    expect(shards).toHaveLength(3 + 6 + 12 + 6 + 3);
  });
});

function fail(): never {
  throw new Error('There is no open shard.');
}
