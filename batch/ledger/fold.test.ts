import { describe, expect, test } from '@jest/globals';
import { cursorKey, journalKey, partitionLedgerKey } from '../../processors/books/keys.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { StateUnavailable } from '../../processors/books/state-table.ts';
import {
  COMMITTED_AT_MS,
  endOf,
  type PlannedEntry,
  type PlannedGroup,
  STREAM,
  shardOf,
  writeJournal,
} from '../../test/support/batch/journal.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { foldLedger } from './fold.ts';
import { GAINS_MAX } from './ledger-transactions.ts';

const GROUP: PlannedGroup = {
  dataset: 'flights',
  runId: '',
  outcome: 'delivered',
  day: 0,
  hour: 7,
  events: 10,
  fingerprint: 5n,
  eighths: 80,
};

const entry = (groups: readonly PlannedGroup[] = [GROUP]): PlannedEntry => ({
  groups,
  records: 2,
  latencyMs: 100,
  secondsLater: 1,
});

const wideEntry = (days: number) => entry(Array.from({ length: days }, (_, day) => ({ ...GROUP, day })));

const clock = { now: () => COMMITTED_AT_MS + 60_000 };
const fold = (table: StateTablePort, isTimeUp = () => false) => foldLedger(STREAM, { table, clock, isTimeUp });

/** How many writes each transaction had. */
function counting(table: StateTablePort): StateTablePort & { readonly sizes: readonly number[] } {
  const sizes: number[] = [];
  return {
    ...table,
    sizes,
    transact(writes) {
      sizes.push(writes.length);
      return table.transact(writes);
    },
  };
}

const deliveredOf = async (table: StateTablePort) =>
  (await table.get(partitionLedgerKey('flights', '2026-01-01')))?.attributes.delivered;

describe('the fold of a shard', () => {
  test('puts small entries into one transaction', async () => {
    const memory = createMemoryStateTable();
    await writeJournal(memory, [Array.from({ length: 40 }, () => entry())]);
    const table = counting(memory);

    const [report] = await fold(table);

    // The cursor, an hour, a partition and a minute.
    expect(table.sizes).toEqual([4]);
    expect(report).toEqual({
      shardId: shardOf(0).shardId,
      entries: 40,
      records: 80,
      lagEntries: 0,
      waitingSinceMs: undefined,
      finding: undefined,
    });
    expect(await deliveredOf(table)).toBe(400);
  });

  test('cuts an entry that one transaction does not hold, and none needs more than DynamoDB takes', async () => {
    const memory = createMemoryStateTable();
    await writeJournal(memory, [[entry(), wideEntry(250), entry()]]);
    const table = counting(memory);

    await fold(table);

    // 250 partitions, an hour and a minute.
    expect(table.sizes).toEqual([4, GAINS_MAX + 1, GAINS_MAX + 1, 252 - 2 * GAINS_MAX + 1, 4]);
    expect(await deliveredOf(table)).toBe(30);
    expect((await memory.get(cursorKey(shardOf(0))))?.attributes).toEqual({
      position: endOf(2),
      entries: 3,
      records: 6,
      updated_at: clock.now(),
    });
  });

  test('stops at a missing entry, says after which, and counts what comes before it', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[entry(), entry(), entry(), entry()], [entry()]]);
    table.forget(journalKey(shardOf(0), endOf(2)));

    for (let again = 0; again < 2; again++) {
      const [report] = await fold(table);

      expect(report).toMatchObject({
        finding: `missing journal entry after ${endOf(1)}: ${endOf(3)} follows ${endOf(2)}`,
        lagEntries: 2,
        waitingSinceMs: COMMITTED_AT_MS + 4_000,
      });
    }
    // Two of the shard, and the one of the other shard.
    expect(await deliveredOf(table)).toBe(30);
  });

  test.each([
    ['the last entry', 2, `missing journal entry after ${endOf(1)}`],
    ['the first entry', 0, `missing journal entry after the start of the shard: ${endOf(1)} follows ${endOf(0)}`],
  ])('misses %s', async (_, number, finding) => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[entry(), entry(), entry()]]);
    table.forget(journalKey(shardOf(0), endOf(number)));

    expect(await fold(table)).toMatchObject([{ finding }]);
  });

  test('stops at an entry that cannot be read, and says which', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[entry(), entry()]]);
    const key = journalKey(shardOf(0), endOf(1));
    await table.update({ kind: 'update', key, set: { counts: Buffer.from('{}') } });

    expect(await fold(table)).toMatchObject([
      { entries: 1, finding: expect.stringMatching(`journal entry ${endOf(1)} cannot be read: counts of`) },
    ]);
  });

  test('stops where another writes what only it may write', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[entry()]]);
    const meddled: StateTablePort = {
      ...table,
      async get(key) {
        const item = await table.get(key);
        if (key.pk.startsWith('minutes#')) await table.update({ kind: 'update', key, add: { records: 1 } });
        return item;
      },
    };

    expect(await fold(meddled)).toMatchObject([
      { entries: 0, finding: expect.stringMatching('an item of the ledger is written by another than its fold') },
    ]);
  });

  test('has nothing to report once all is folded, and nothing is written', async () => {
    const memory = createMemoryStateTable();
    await writeJournal(memory, [[entry()]]);
    await fold(memory);
    const table = counting(memory);

    expect(await fold(table)).toEqual([]);
    expect(table.sizes).toEqual([]);
  });

  test('of a shard whose table does not answer stops, and the others go on', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[entry()], [entry()]]);
    const broken: StateTablePort = {
      ...table,
      async query(pk, range) {
        if (pk.endsWith(shardOf(0).shardId)) throw new StateUnavailable('no answer', { cause: undefined });
        return table.query(pk, range);
      },
    };

    expect(await fold(broken)).toMatchObject([
      { finding: 'no answer', lagEntries: 1, waitingSinceMs: COMMITTED_AT_MS + 1_000 },
      { finding: undefined, entries: 1 },
    ]);
  });

  test('takes turns with the others, so that a long journal makes none wait', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [Array.from({ length: 120 }, () => entry()), [entry()]]);
    let left = 3;

    const reports = await fold(table, () => left-- <= 0);

    expect(reports.map(({ entries }) => entries)).toEqual([51, 0]);
  });

  test('of a stream that was made again leaves the journal of the earlier one alone', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[entry()]]);

    const stream = { ...STREAM, createdAtMs: STREAM.createdAtMs + 1 };

    expect(await foldLedger(stream, { table, clock, isTimeUp: () => false })).toEqual([]);
    expect(await deliveredOf(table)).toBeUndefined();
  });
});
