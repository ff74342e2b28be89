import { hash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { padSequence, type StreamRecord } from '../../streams/position.ts';
import { ARRIVED_AT_MS, sequenceOf } from '../../test/support/processors/kinesis-event.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { probeJson } from '../../test/support/processors/probe-dataset.ts';
import { decodeStage, throughStagesOf } from '../../test/support/processors/through-stages.ts';
import { type BatchWork, BooksConflict } from '../ports.ts';
import { decode } from '../stages/decode.ts';
import type { Item } from '../stages/items.ts';
import { createTally } from '../tally.ts';
import { createBooks } from './books.ts';
import { COUNTS_BYTES_MAX, type JournalGroup, readJournalEntry } from './journal-entry.ts';
import { checkpointKey, journalPartition } from './keys.ts';
import type { StateTablePort } from './state-table.ts';

const STREAM_ARN = 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream';
const SHARD = { streamArn: STREAM_ARN, createdAtMs: 1_700_000_000_000, shardId: 'shardId-000000000000' };
const NOW_MS = ARRIVED_AT_MS + 2_000;

function books(table: StateTablePort, more: { readonly qualityThreshold?: number; readonly version?: string } = {}) {
  const { qualityThreshold = 0.85, version = 'v1' } = more;
  const streams = { createdAtMs: async () => SHARD.createdAtMs };
  return createBooks({ table, streams, clock: { now: () => NOW_MS }, qualityThreshold, version });
}

const record = (index: number, mode = 'fine'): StreamRecord => ({
  shardId: SHARD.shardId,
  sequenceNumber: sequenceOf(index),
  partitionKey: 'key',
  data: probeJson(mode),
  arrivedAtMs: ARRIVED_AT_MS + index,
});

const recordsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => record(first + i));

const rangeOf = (records: readonly StreamRecord[]) => ({
  streamArn: STREAM_ARN,
  shardId: SHARD.shardId,
  from: records[0]?.sequenceNumber ?? '',
  to: records.at(-1)?.sequenceNumber ?? '',
  records: records.length,
  requestId: 'request',
});

/** The first `done` records are done, of as many tables as are named to be further. */
function workOn(
  records: readonly StreamRecord[],
  done = records.length,
  accepted: Record<string, number> = {},
): BatchWork {
  const tally = createTally(records.length);
  const items: Item[] = [];
  for (const [index, each] of records.entries()) decode(decodeStage(), each, index, items);
  for (const routed of throughStagesOf(items)) tally.count(routed);
  return { records, done, tally, acceptedByTable: new Map(Object.entries(accepted)) };
}

async function journalOf(table: StateTablePort) {
  return (await table.query(journalPartition(SHARD))).map((item) => readJournalEntry(SHARD, item));
}

const attributesOf = async (table: StateTablePort) => (await table.get(checkpointKey(SHARD)))?.attributes ?? {};

describe('begin and commit', () => {
  test('move the checkpoint and add one entry, by one update and one transaction', async () => {
    const memory = createMemoryStateTable();
    const calls: string[] = [];
    const table: StateTablePort = {
      ...memory,
      update(update) {
        calls.push('update');
        return memory.update(update);
      },
      transact(writes) {
        calls.push(`transact ${writes.length}`);
        return memory.transact(writes);
      },
    };
    const records = [...recordsFrom(0, 2), record(2, 'poor'), record(3, 'drops')];

    const opened = await books(table).begin(rangeOf(records));
    const done = await opened.commit(workOn(records));

    expect(calls).toEqual(['update', 'transact 2']);
    expect(opened).toMatchObject({ doneUpTo: '', attemptsAlone: 0, qualityThreshold: 0.85 });
    expect(done).toBe(4);
    expect(await attributesOf(memory)).toEqual({
      position: padSequence(sequenceOf(3)),
      entries: 1,
      records: 4,
      revision: 2,
      updated_at: NOW_MS,
    });
    const [entry, ...others] = await journalOf(memory);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      after: '',
      from: padSequence(sequenceOf(0)),
      to: padSequence(sequenceOf(3)),
      records: 4,
      attempts: 1,
      version: 'v1',
      requestId: 'request',
      committedAtMs: NOW_MS,
      arrivedFromMs: ARRIVED_AT_MS,
      arrivedToMs: ARRIVED_AT_MS + 3,
    });
    expect(entry?.groups).toMatchObject([
      { dataset: 'probe', outcome: 'delivered', partition: '2026-06-01', hour: '2026-06-01T12', events: 2 },
      { dataset: 'probe', outcome: 'quarantined', partition: '', events: 1 },
      { dataset: 'probe', outcome: 'dropped', partition: '', events: 1 },
    ]);
    const total = entry?.groups.reduce((sum, { fingerprint }) => sum + fingerprint, 0n);
    expect(total).toBe(entry?.fingerprint);
  });

  test('link each entry to the one before', async () => {
    const table = createMemoryStateTable();
    for (const first of [0, 3, 6]) {
      const records = recordsFrom(first, 3);
      await (await books(table).begin(rangeOf(records))).commit(workOn(records));
    }

    const entries = await journalOf(table);

    expect(entries.map(({ after }) => after)).toEqual(['', ...entries.slice(0, -1).map(({ to }) => to)]);
  });

  test('count a part, and the rest by the next attempt', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 5);

    expect(await (await books(table).begin(rangeOf(records))).commit(workOn(records, 2))).toBe(2);
    const again = await books(table).begin(rangeOf(records));

    expect(again.doneUpTo).toBe(padSequence(sequenceOf(1)));
    await again.commit(workOn(records.slice(2)));
    expect((await journalOf(table)).map((entry) => entry.records)).toEqual([2, 3]);
  });

  test('of two attempts at the same records, count one, and both are done', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 3);
    const [first, second] = [await books(table).begin(rangeOf(records)), await books(table).begin(rangeOf(records))];

    expect(await first.commit(workOn(records))).toBe(3);
    expect(await second.commit(workOn(records))).toBe(3);
    expect((await journalOf(table)).map((entry) => entry.records)).toEqual([3]);
  });

  test('of two attempts, the one that reached further counts nothing and fails', async () => {
    const table = createMemoryStateTable();
    const short = recordsFrom(0, 3);
    const long = recordsFrom(0, 5);
    const [first, second] = [await books(table).begin(rangeOf(short)), await books(table).begin(rangeOf(long))];
    await first.commit(workOn(short));

    await expect(second.commit(workOn(long))).rejects.toThrow(BooksConflict);
    expect((await journalOf(table)).map((entry) => entry.records)).toEqual([3]);
  });

  test('of two attempts, the slower one that did not reach as far is done, and moves nothing back', async () => {
    const table = createMemoryStateTable();
    const short = recordsFrom(0, 3);
    const long = recordsFrom(0, 5);
    const [first, second] = [await books(table).begin(rangeOf(short)), await books(table).begin(rangeOf(long))];
    await second.commit(workOn(long));

    expect(await first.commit(workOn(short))).toBe(3);
    expect((await attributesOf(table)).position).toBe(padSequence(sequenceOf(4)));
    expect((await journalOf(table)).map((entry) => entry.records)).toEqual([5]);
  });
});

describe('an entry that would be too large', () => {
  /** A tally whose records each have so many groups of their own. */
  function crowded(records: readonly StreamRecord[], groupsPerRecord: number): BatchWork {
    const work = workOn(records, records.length, { probe: records.length });
    const group = (index: number): JournalGroup => ({
      dataset: 'probe',
      runId: hash('sha512', String(index)).slice(0, 64),
      outcome: 'delivered',
      partition: '2026-06-01',
      hour: '2026-06-01T12',
      events: 1,
      fingerprint: BigInt(index),
      score: 1,
    });
    const groupsUpTo = (done: number) => Array.from({ length: done * groupsPerRecord }, (_, index) => group(index));
    return { ...work, tally: { ...work.tally, groupsUpTo } };
  }

  test('splits the batch: what fits is counted, the rest is known to be accepted', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 8);

    const done = await (await books(table).begin(rangeOf(records))).commit(crowded(records, 4_000));

    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(8);
    const [item] = await table.query(journalPartition(SHARD));
    const { counts } = item?.attributes ?? {};
    expect(counts instanceof Uint8Array && counts.length).toBeLessThanOrEqual(COUNTS_BYTES_MAX);
    const next = await books(table).begin(rangeOf(records.slice(done)));
    expect(next.acceptedUpTo).toEqual(new Map([['probe', padSequence(sequenceOf(7))]]));
    expect(next.doneUpTo).toBe(padSequence(sequenceOf(done - 1)));
  });

  test('by one record alone leaves made-up run ids out', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 1);

    expect(await (await books(table).begin(rangeOf(records))).commit(crowded(records, 10_000))).toBe(1);
    const [entry] = await journalOf(table);
    expect(entry?.groups).toHaveLength(10_000);
    expect(new Set(entry?.groups.map(({ runId }) => runId))).toEqual(new Set(['']));
  });
});

describe('two attempts under way at once', () => {
  test('do not undo what the other has written: the one that commits reckons from the item as it is', async () => {
    const table = createMemoryStateTable();
    const first = await books(table, { qualityThreshold: 0.5 }).begin(rangeOf(recordsFrom(0, 1)));
    await books(table, { qualityThreshold: 0.5 }).begin(rangeOf(recordsFrom(0, 2)));

    await first.commit(workOn(recordsFrom(0, 1)));

    // The second may have had record 1 accepted, as judged by the first threshold.
    const third = await books(table, { qualityThreshold: 0.9 }).begin(rangeOf(recordsFrom(1, 1)));
    expect(third.qualityThreshold).toBe(0.5);
  });

  test('keep what each had accepted', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 4);
    const [first, second] = [await books(table).begin(rangeOf(records)), await books(table).begin(rangeOf(records))];

    await first.release(workOn(records, 0, { probe: 4 }));
    await second.release(workOn(records, 0, { failed_events: 2 }));

    expect((await books(table).begin(rangeOf(records))).acceptedUpTo).toEqual(
      new Map([
        ['probe', padSequence(sequenceOf(3))],
        ['failed_events', padSequence(sequenceOf(1))],
      ]),
    );
  });
});

describe('what is pinned', () => {
  test('is the threshold of the first attempt, until every record that was tried is done', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 4);
    await books(table, { qualityThreshold: 0.5 }).begin(rangeOf(records));

    const second = await books(table, { qualityThreshold: 0.9 }).begin(rangeOf(records.slice(0, 2)));
    await second.commit(workOn(records.slice(0, 2)));
    const third = await books(table, { qualityThreshold: 0.9 }).begin(rangeOf(records.slice(2)));
    await third.commit(workOn(records.slice(2)));
    const next = await books(table, { qualityThreshold: 0.9 }).begin(rangeOf(recordsFrom(4, 1)));

    expect([second, third, next].map(({ qualityThreshold }) => qualityThreshold)).toEqual([0.5, 0.5, 0.9]);
  });

  test('does not grow with the number of attempts', async () => {
    const table = createMemoryStateTable();
    for (let count = 1; count <= 200; count++) await books(table).begin(rangeOf(recordsFrom(0, count + 1)));

    const { ends } = await attributesOf(table);

    expect(ends instanceof Set && ends.size).toBeLessThanOrEqual(65);
    expect(ends instanceof Set && ends.has(padSequence(sequenceOf(200)))).toBe(true);
  });
});

describe('attempts at one record alone', () => {
  test('are counted while they end without an answer', async () => {
    const table = createMemoryStateTable();
    const alone = recordsFrom(0, 1);
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) counts.push((await books(table).begin(rangeOf(alone))).attemptsAlone);

    expect(counts).toEqual([1, 2, 3]);
  });

  test('are not counted for a batch of several', async () => {
    const table = createMemoryStateTable();
    await books(table).begin(rangeOf(recordsFrom(0, 2)));

    expect((await books(table).begin(rangeOf(recordsFrom(0, 2)))).attemptsAlone).toBe(0);
  });

  test('begin at one again after an attempt that ended in order: an outage is no reason to give a record up', async () => {
    const table = createMemoryStateTable();
    const alone = recordsFrom(0, 1);
    for (let i = 0; i < 3; i++) await (await books(table).begin(rangeOf(alone))).release(workOn(alone, 0));

    expect((await books(table).begin(rangeOf(alone))).attemptsAlone).toBe(1);
  });

  test('at a record are forgotten with it', async () => {
    const table = createMemoryStateTable();
    const alone = recordsFrom(0, 1);
    await books(table).begin(rangeOf(alone));
    await (await books(table).begin(rangeOf(alone))).commit(workOn(alone));

    expect(Object.keys(await attributesOf(table)).filter((name) => name.startsWith('alone_'))).toEqual([]);
  });
});

describe('what was accepted of a batch that is not done', () => {
  test('is known to the next attempt, by table', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 5);
    await (await books(table).begin(rangeOf(records))).release(workOn(records, 0, { probe: 5, failed_events: 0 }));

    const second = await books(table).begin(rangeOf(records));
    expect(second.acceptedUpTo).toEqual(new Map([['probe', padSequence(sequenceOf(4))]]));
    await second.commit(workOn(records, 2, { probe: 2, failed_events: 2 }));
    const third = await books(table).begin(rangeOf(records.slice(2)));
    expect(third.acceptedUpTo).toEqual(new Map([['probe', padSequence(sequenceOf(4))]]));
    await third.commit(workOn(records.slice(2)));
    expect(await attributesOf(table)).not.toHaveProperty('accepted_probe');
  });

  test('is nothing to another version of the code: it may decide otherwise', async () => {
    const table = createMemoryStateTable();
    const records = recordsFrom(0, 5);
    await (await books(table).begin(rangeOf(records))).release(workOn(records, 0, { probe: 5 }));

    expect((await books(table, { version: 'v2' }).begin(rangeOf(records))).acceptedUpTo).toEqual(new Map());
  });
});
