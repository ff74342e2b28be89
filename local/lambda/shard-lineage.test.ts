import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type LineageShard, readableShards } from './shard-lineage.ts';

/** 0 was split into 1 and 2, and these were merged into 3. */
const SPLIT_AND_MERGED: readonly LineageShard[] = [
  { shardId: '0', parents: [] },
  { shardId: '1', parents: ['0'] },
  { shardId: '2', parents: ['0'] },
  { shardId: '3', parents: ['1', '2'] },
];

describe('the shards that may be read', () => {
  it.each([
    ['the parent alone, before it is drained', [], ['0']],
    ['both children of a split after it', ['0'], ['1', '2']],
    ['no child of a merge while one parent is not drained', ['0', '1'], ['2']],
    ['the child of a merge once both parents are', ['0', '1', '2'], ['3']],
    ['none when all are drained', ['0', '1', '2', '3'], []],
  ])('are %s', (_title, drained, readable) => {
    expect(readableShards(SPLIT_AND_MERGED, new Set(drained))).toEqual(readable);
  });

  it('do not wait for a parent that is no longer listed', () => {
    expect(readableShards(SPLIT_AND_MERGED.slice(2), new Set())).toEqual(['2']);
  });

  it('come to all of them, each after all its ancestors, whatever is split and merged and whichever is drained next', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), fc.infiniteStream(fc.nat()), (reshards, choices) => {
        const shards = lineageOf(reshards);
        const drained = new Set<string>();
        for (let readable = readableShards(shards, drained); readable.length > 0; ) {
          const next = readable[Number(choices.next().value) % readable.length] ?? '';
          const parents = shards.find(({ shardId }) => shardId === next)?.parents ?? [];
          expect(parents.filter((parent) => !drained.has(parent))).toEqual([]);
          drained.add(next);
          readable = readableShards(shards, drained);
        }

        expect(drained.size).toBe(shards.length);
      }),
    );
  });
});

/** Two shards, and then by turns splits and merges of open ones. */
function lineageOf(reshards: readonly number[]): readonly LineageShard[] {
  const shards: LineageShard[] = [
    { shardId: '0', parents: [] },
    { shardId: '1', parents: [] },
  ];
  const open = ['0', '1'];
  const add = (parents: readonly string[]): void => {
    const shardId = String(shards.length);
    shards.push({ shardId, parents });
    open.push(shardId);
  };
  for (const [turn, choice] of reshards.entries()) {
    const parents = open.splice(choice % (open.length - 1), turn % 2 === 0 ? 1 : 2);
    add(parents);
    if (parents.length === 1) add(parents);
  }
  return shards;
}
