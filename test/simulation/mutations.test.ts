import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMutatedTree, type MutatedTree } from './mutated-tree.ts';
import { MUTATIONS } from './mutations.ts';

/** Most bugs show within ten seeds; those that take hundreds name one that shows them. */
const SEEDS_MAX = 1_500;

let tree: MutatedTree;
beforeAll(() => {
  tree = createMutatedTree();
});
afterAll(() => tree.remove());

describe('the simulation', () => {
  test('finds nothing where nothing is planted', async () => {
    expect(await tree.firstViolation(undefined, 1, 20)).toBeUndefined();
  }, 120_000);

  test.each(MUTATIONS)(
    'finds a pipeline that $bug',
    async (mutation) => {
      const { seed } = mutation;
      const known = seed === undefined ? undefined : await tree.firstViolation(mutation, seed, 1);
      const found = known ?? (await tree.firstViolation(mutation, 1, SEEDS_MAX));
      expect(found).toMatchObject({ message: expect.stringMatching(/\S/) });
    },
    300_000,
  );
});
