import { describe, expect, test } from '@jest/globals';
import { claimKey, journalPartition, runParkedKey } from '../../processors/books/keys.ts';
import { formatPosition, padSequence } from '../../streams/position.ts';
import { STREAM, shardOf } from '../../test/support/batch/journal.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { readParked } from './run-parked.ts';

const SHARD = shardOf(0);
const CHUNK = 'run#hash-of-run-source-chunk';
const at = (index: number) => formatPosition(SHARD.shardId, String(index), 0);

interface Entry {
  readonly position?: string;
  readonly generation?: number;
  readonly chunk?: string | undefined;
}

/** A table with an entry for each record, by the position of the one that carried it. */
async function tableWith(entries: Readonly<Record<string, Entry>>) {
  const table = createMemoryStateTable();
  for (const [carriedAt, { position = carriedAt, generation = 0, chunk }] of Object.entries(entries)) {
    const place = { stream_arn: STREAM.streamArn, position, carried_at: carriedAt, generation };
    const attributes = { events: 5, document: 'd', ...place, ...(chunk !== undefined && { chunk }) };
    await table.transact([{ kind: 'put', key: runParkedKey('run-1', carriedAt), when: 'new', attributes }]);
  }
  const claim = (subject: string, owner: string, generation = 0) =>
    table.transact([{ kind: 'put', key: claimKey(subject), when: 'claim', attributes: { owner, generation } }]);
  return { table, claim, parked: () => readParked(table, 'run-1') };
}

describe('a chunk that was given up', () => {
  test('is parked while nobody has its claim, or the very record that was given up has', async () => {
    const { claim, parked } = await tableWith({ [at(1)]: { chunk: CHUNK } });

    expect(await parked()).toBe(5);
    await claim(CHUNK, at(1));
    expect(await parked()).toBe(5);
  });

  test('is not parked when another copy has its claim', async () => {
    const { claim, parked } = await tableWith({ [at(1)]: { chunk: CHUNK } });
    await claim(CHUNK, at(2));

    expect(await parked()).toBe(0);
  });

  test('counts once when two copies of it were given up, whichever has the claim', async () => {
    const { claim, parked } = await tableWith({ [at(1)]: { chunk: CHUNK }, [at(2)]: { chunk: CHUNK } });

    expect(await parked()).toBe(5);
    await claim(CHUNK, at(2));
    expect(await parked()).toBe(5);
  });

  test('is not parked from when it is played again, until its replay is given up as well', async () => {
    const { claim, parked, table } = await tableWith({ [at(1)]: { chunk: CHUNK } });
    await claim(`replay#${at(1)}`, at(7), 1);
    expect(await parked()).toBe(0);

    const place = { stream_arn: STREAM.streamArn, position: at(1), carried_at: at(7), generation: 1, chunk: CHUNK };
    const attributes = { events: 5, document: 'd', ...place };
    await table.transact([{ kind: 'put', key: runParkedKey('run-1', 'again'), when: 'new', attributes }]);
    expect(await parked()).toBe(5);
  });

  test('is not parked when one frame of its replay was given up, and the other one counts', async () => {
    const { claim, parked } = await tableWith({ [at(8)]: { position: at(1), generation: 1, chunk: CHUNK } });
    await claim(`replay#${at(1)}`, at(7), 1);

    expect(await parked()).toBe(0);
  });
});

describe('records of no chunk that were given up', () => {
  test('count by where they stood', async () => {
    const { parked } = await tableWith({ [at(1)]: {}, [at(2)]: {} });

    expect(await parked()).toBe(10);
  });

  test('are not parked where an entry of the journal spans them, and that is remembered', async () => {
    const { table } = await tableWith({ [at(3)]: {}, [at(6)]: {} });
    const key = { pk: journalPartition(SHARD), sk: padSequence('5') };
    await table.transact([{ kind: 'put', key, when: 'new', attributes: { from: padSequence('2') } }]);

    expect(await readParked(table, 'run-1', STREAM)).toBe(5);
    table.forget(key);
    expect(await readParked(table, 'run-1', STREAM)).toBe(5);
  });
});
