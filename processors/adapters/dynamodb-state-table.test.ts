import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RunningDynamoDb } from '../../test/support/local/running-dynamodb.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import {
  ConditionFailed,
  type StateAttributes,
  type StateKey,
  type StateTablePort,
  StateUnavailable,
  type StateUpdate,
  type StateWrite,
} from '../books/state-table.ts';
import { createDynamoDbStateTable } from './dynamodb-state-table.ts';

let running: RunningDynamoDb;
let table: StateTablePort;
let count = 0;

beforeAll(async () => {
  running = await RunningDynamoDb.start();
  running.declare();
  table = createDynamoDbStateTable({ client: running.client, tableName: 'books', wait: async () => {} });
});

afterAll(() => running.stop());

/** A partition of its own for each test. */
const fresh = () => `test#${count++}`;
const update = (key: StateKey, more: Partial<StateUpdate>): StateUpdate => ({ kind: 'update', key, ...more });

describe('values', () => {
  test.each<[string, StateAttributes]>([
    ['text', { value: 'ü€😀' }],
    ['a number', { value: -1.5 }],
    ['the largest integer that a double holds', { value: Number.MAX_SAFE_INTEGER }],
    ['an integer of 38 digits', { value: 99_999_999_999_999_999_999_999_999_999_999_999_999n }],
    ['a truth', { value: false }],
    ['bytes', { value: Uint8Array.of(0, 255) }],
    ['a set', { value: new Set(['a', 'b']) }],
    ['a reserved word for a name', { status: 'x', 'a.b-c#d': 'y' }],
  ])('come back as they were: %s', async (_, attributes) => {
    const key = { pk: fresh(), sk: 's' };
    await table.transact([{ kind: 'put', key, attributes, when: 'new' }]);

    expect(await table.get(key)).toEqual({ ...key, attributes });
  });

  test('are added exactly beyond what a double holds', async () => {
    const key = { pk: fresh(), sk: 's' };
    await table.update(update(key, { add: { sum: 9_007_199_254_740_993n } }));

    expect((await table.update(update(key, { add: { sum: 2 } }))).attributes.sum).toBe(9_007_199_254_740_995n);
  });
});

describe('a query', () => {
  test('gives a range of sort keys in either order, over all pages, up to a limit', async () => {
    const pk = fresh();
    const filler = new Uint8Array(300_000);
    for (const sk of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await table.transact([{ kind: 'put', key: { pk, sk }, attributes: { filler }, when: 'new' }]);
    }
    const keys = async (range?: Parameters<StateTablePort['query']>[1]) =>
      (await table.query(pk, range)).map(({ sk }) => sk).join('');

    expect(await keys()).toBe('abcdef');
    expect(await keys({ from: 'b', to: 'e' })).toBe('bcde');
    expect(await keys({ from: 'e' })).toBe('ef');
    expect(await keys({ to: 'b' })).toBe('ab');
    expect(await keys({ descending: true, limit: 5 })).toBe('fedcb');
  });
});

describe('conditions', () => {
  test('give the item as it is, by the index of the write', async () => {
    const pk = fresh();
    const key = { pk, sk: 'a' };
    await table.update(update(key, { set: { position: '1' } }));

    const writes: StateWrite[] = [
      { kind: 'put', key: { pk, sk: 'b' }, attributes: { n: 1 }, when: 'new' },
      update(key, { expect: { position: '0' }, set: { position: '2' } }),
    ];
    const error: unknown = await table.transact(writes).catch((thrown) => thrown);

    expect(error).toBeInstanceOf(ConditionFailed);
    expect(error).toMatchObject({ failed: new Map([[1, { ...key, attributes: { position: '1' } }]]) });
    expect(await table.get({ pk, sk: 'b' })).toBeUndefined();
  });
});

describe('a failure of the service', () => {
  test('is StateUnavailable', async () => {
    const elsewhere = createDynamoDbStateTable({ client: running.client, tableName: 'no-such-table' });

    await expect(elsewhere.get({ pk: 'a', sk: 'b' })).rejects.toThrow(StateUnavailable);
    await expect(elsewhere.get({ pk: 'a', sk: 'b' })).rejects.toThrow('ResourceNotFoundException');
  });
});

describe('the table in memory, which tests and the simulator use', () => {
  const name = fc.constantFrom('a', 'b', 'owner', 'generation');
  const number = fc.integer({ min: 0, max: 3 });
  const attributes = fc.dictionary(fc.constantFrom('a', 'owner'), fc.constantFrom('x', 'y'), { maxKeys: 2 });
  const expectation = fc.dictionary(name, fc.constantFrom('x', 'y', undefined), { maxKeys: 2 });
  const write = fc.constantFrom('1', '2', '3').chain((sk): fc.Arbitrary<StateWrite> => {
    const key = { pk: '', sk };
    return fc.oneof(
      fc
        .record({ expect: expectation, set: attributes, generation: number })
        .map(
          (more): StateWrite => update(key, { expect: more.expect, set: more.set, add: { count: more.generation } }),
        ),
      fc
        .record({ set: attributes, once: number })
        .map(
          ({ set, once }): StateWrite =>
            update(key, { set, setOnce: { once }, remove: ['b'], add: { names: new Set(['n']) } }),
        ),
      fc.record({ owner: fc.constantFrom('p', 'q'), generation: number, when: fc.constantFrom('new', 'claim') }).map(
        ({ owner, generation, when }): StateWrite => ({
          kind: 'put',
          key,
          attributes: { owner, generation },
          when,
        }),
      ),
      expectation
        .filter((expect) => Object.keys(expect).length > 0)
        .map((expect): StateWrite => ({ kind: 'check', key, expect })),
    );
  });

  test('does what DynamoDB does', async () => {
    const transaction = fc.uniqueArray(write, { selector: ({ key }) => key.sk, minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { maxLength: 15 }), async (transactions) => {
        const pk = fresh();
        const memory = createMemoryStateTable();
        for (const writes of transactions) {
          const here = writes.map((each) => ({ ...each, key: { ...each.key, pk } }));
          expect(await outcomeOf(memory, here)).toEqual(await outcomeOf(table, here));
        }
        expect(memory.items()).toEqual(await table.query(pk));
      }),
      { numRuns: 40 },
    );
  });

  async function outcomeOf(port: StateTablePort, writes: readonly StateWrite[]): Promise<unknown> {
    try {
      await port.transact(writes);
      return 'written';
    } catch (error) {
      if (error instanceof ConditionFailed) return error.failed;
      throw error;
    }
  }
});
