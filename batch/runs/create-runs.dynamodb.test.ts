import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import {
  ANY_PARTITION,
  FAILED_EVENTS,
  partitionLedgerKey,
  runLedgerKey,
  runPartitionKey,
} from '../../processors/books/keys.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { STREAM } from '../../test/support/batch/journal.ts';
import { RunningDynamoDb, TABLE } from '../../test/support/local/running-dynamodb.ts';
import { createLedgerHandler } from '../ledger/handler.ts';
import { createRuns } from './create-runs.ts';
import type { NewRun } from './run.ts';
import type { RunsPort } from './runs-port.ts';

let running: RunningDynamoDb;
let table: StateTablePort;
let runs: RunsPort;
let nowMs = Date.UTC(2026, 10, 25);
let count = 0;

beforeAll(async () => {
  running = await RunningDynamoDb.start();
  running.declare({
    ...TABLE,
    TableName: 'state',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
      { AttributeName: 'status', AttributeType: 'S' },
      { AttributeName: 'updated_at', AttributeType: 'N' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'by-status',
        KeySchema: [
          { AttributeName: 'status', KeyType: 'HASH' },
          { AttributeName: 'updated_at', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
    TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
  });
  table = createDynamoDbStateTable({ client: running.client, tableName: 'state' });
  runs = createRuns({ table, clock: { now: () => nowMs } });
});

afterAll(() => running.stop());

const newRun = (more: Partial<NewRun> = {}): NewRun => ({
  id: `run-${count++}`,
  source: { kind: 's3', bucket: 'raw', key: 'incoming/ü +.json', versionId: 'v', etag: 'e' },
  dataset: 'flights',
  dataType: 'json',
  priority: 'normal',
  metadata: '{"batch_id":"batch_001"}',
  chunkRecordsMax: 500,
  ...more,
});
const opened = async (more: Partial<NewRun> = {}) => runs.open(newRun(more));
const API = { source: { kind: 'api' } } as const;

describe('a run', () => {
  test('is queued when it is made, and found as it was made', async () => {
    const made = newRun();

    const run = await runs.open(made);

    expect(run).toEqual({
      ...made,
      status: 'queued',
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      startedAtMs: undefined,
      endedAtMs: undefined,
      produced: 0,
      hasAllProduced: false,
      position: '',
      error: undefined,
      cancelRequestedAtMs: undefined,
    });
    expect(await runs.get(made.id)).toEqual(run);
    expect(await runs.get('another')).toBeUndefined();
  });

  test('that is made again is as it was', async () => {
    const made = newRun();
    await runs.open(made);
    await runs.progress(made.id, { produced: 5, position: '1' });

    expect(await runs.open({ ...made, dataset: 'earthquakes' })).toMatchObject({ dataset: 'flights', produced: 5 });
  });

  test.each<[string, Partial<NewRun>]>([
    ['an id with a slash', { id: 'a/b' }],
    ['an id of 65 characters', { id: 'a'.repeat(65) }],
    ['metadata of 4,097 bytes', { metadata: `${'ü'.repeat(2_048)}a` }],
    ['chunks of none', { chunkRecordsMax: 0 }],
  ])('is not made with %s', async (_, more) => {
    await expect(opened(more)).rejects.toThrow(RangeError);
  });
});

describe('progress', () => {
  test('begins a run, and goes up only', async () => {
    const { id } = await opened();

    expect(await runs.progress(id, { produced: 0, position: '' })).toMatchObject({ status: 'running', produced: 0 });
    expect(await runs.progress(id, { produced: 900, position: '9' })).toMatchObject({ produced: 900, position: '9' });
    expect(await runs.progress(id, { produced: 500, position: '5' })).toMatchObject({ produced: 900, position: '9' });
  });

  test('told by many at once ends with the highest', async () => {
    const { id } = await opened();
    const told = [3, 1, 7, 5, 2, 6, 4];

    await Promise.all(told.map((n) => runs.progress(id, { produced: n * 100, position: String(n) })));

    expect(await runs.get(id)).toMatchObject({ produced: 700, position: '7' });
  });

  test('of a run that there is not is an error', async () => {
    await expect(runs.progress('nobody', { produced: 1, position: '' })).rejects.toThrow('no such run');
  });
});

describe('finish', () => {
  test('says the same when it is told twice, and keeps why the source was not read whole', async () => {
    const { id } = await opened();
    const first = await runs.finish(id, { produced: 10, error: 'line 11 ends in the middle' });

    expect(first).toMatchObject({ hasAllProduced: true, produced: 10, error: 'line 11 ends in the middle' });
    expect(await runs.finish(id, { produced: 10 })).toEqual(first);
    expect(await runs.progress(id, { produced: 7, position: '7' })).toEqual(first);
  });
});

describe('add', () => {
  test('counts a request once, however often and with whatever others it is told', async () => {
    const { id } = await opened(API);
    const requests = ['a', 'b', 'a', 'c', 'b', 'a'];

    await Promise.all(requests.map((request) => runs.add(id, request, 10)));

    expect(await runs.get(id)).toMatchObject({ status: 'running', produced: 30 });
  });

  test('is refused once all is produced, but for a request that was added before', async () => {
    const { id } = await opened(API);
    await runs.add(id, 'a', 10);
    await runs.finish(id, { produced: 0 });

    expect(await runs.add(id, 'b', 10)).toBeUndefined();
    expect(await runs.add(id, 'a', 10)).toMatchObject({ produced: 10, hasAllProduced: true });
  });

  test('is refused by a run of another source, and where there is none', async () => {
    const { id } = await opened();

    expect(await runs.add(id, 'a', 1)).toBeUndefined();
    expect(await runs.add('nobody', 'a', 1)).toBeUndefined();
  });
});

describe('cancel', () => {
  test('ends a queued run at once, and no producer begins it', async () => {
    const { id } = await opened();

    expect(await runs.cancel(id)).toMatchObject({ status: 'cancelled', endedAtMs: nowMs });
    const told = await runs.progress(id, { produced: 5, position: '1' });
    expect(told).toMatchObject({ status: 'cancelled', produced: 0 });
    expect(await runs.finish(id, { produced: 5 })).toEqual(told);
  });

  test('asks a producer to stop, and lets no request add to a run any more', async () => {
    const [object, api] = [await opened(), await opened(API)];
    await runs.progress(object.id, { produced: 5, position: '1' });
    await runs.add(api.id, 'a', 5);

    expect(await runs.cancel(object.id)).toMatchObject({ status: 'running', hasAllProduced: false });
    expect((await runs.get(object.id))?.cancelRequestedAtMs).toBe(nowMs);
    expect(await runs.cancel(api.id)).toMatchObject({ status: 'running', hasAllProduced: true });
    expect(await runs.add(api.id, 'b', 5)).toBeUndefined();
    expect(await runs.cancel('nobody')).toBeUndefined();
  });

  test('changes nothing of a run that has produced all', async () => {
    const { id } = await opened();
    const before = await runs.finish(id, { produced: 5 });

    expect(await runs.cancel(id)).toEqual(before);
  });
});

describe('the list', () => {
  test('gives runs of a status page by page, the one that was changed last first', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) {
      nowMs += 1;
      const { id } = await opened(API);
      await runs.cancel(id);
      ids.unshift(id);
    }
    const listed: string[] = [];
    let next: string | undefined;
    do {
      const page = await runs.list('cancelled', 3, next);
      listed.push(...page.runs.map(({ id }) => id));
      next = page.next;
    } while (next !== undefined);

    expect(listed.slice(0, 7)).toEqual(ids);
  });

  test.each(['', 'x', '5', '5.a/b', '.a'])('refuses to go on at %j', async (next) => {
    await expect(runs.list('queued', 5, next)).rejects.toThrow(RangeError);
  });
});

test('counts are those of the ledger of the run', async () => {
  const run = await opened();
  await table.update({
    kind: 'update',
    key: runLedgerKey(run.id),
    add: { delivered: 4, quarantined: 3, dropped: 2, duplicate: 1, score_millionths: 3_500_000 },
  });

  expect(await runs.counts(run)).toEqual({
    delivered: 4,
    quarantined: 3,
    dropped: 2,
    duplicate: 1,
    parked: 0,
    landed: undefined,
    qualityScore: 0.875,
  });
});

test('the Ledger function ends a run that is accounted for, once its rows have landed, and tells of it', async () => {
  const run = await opened();
  await runs.finish(run.id, { produced: 10 });
  const [day, failed] = [partitionLedgerKey('flights', '2026-01-01'), partitionLedgerKey(FAILED_EVENTS, ANY_PARTITION)];
  await table.transact([
    { kind: 'update', key: runLedgerKey(run.id), add: { delivered: 7, quarantined: 2, duplicate: 1 } },
    { kind: 'update', key: runPartitionKey(run.id, 'flights', '2026-01-01'), add: { delivered: 7 } },
    { kind: 'update', key: runPartitionKey(run.id, FAILED_EVENTS, ANY_PARTITION), add: { delivered: 2 } },
    { kind: 'update', key: day, add: { delivered: 20, landed: 13 } },
    { kind: 'update', key: failed, add: { delivered: 4 } },
  ]);
  const lines: string[] = [];
  const ledger = createLedgerHandler(
    { streamName: 'stream', metricsNamespace: 'Test' },
    { table, streams: { refOf: async () => STREAM }, clock: { now: () => nowMs }, log: (line) => lines.push(line) },
  );
  const fold = () => ledger({}, { getRemainingTimeInMillis: () => 60_000 });

  await fold();
  expect(await runs.get(run.id)).toMatchObject({ status: 'landing' });
  await table.update({ kind: 'update', key: day, add: { landed: 7 } });
  await fold();
  expect(await runs.get(run.id)).toMatchObject({ status: 'landing' });
  const hour = partitionLedgerKey(FAILED_EVENTS, '2026-11-25T07');
  await table.update({ kind: 'update', key: hour, add: { landed: 4 } });
  await fold();

  expect(await runs.get(run.id)).toMatchObject({ status: 'succeeded_with_failures', produced: 10, error: undefined });
  expect(await runs.counts(run)).toMatchObject({ delivered: 7, quarantined: 2, duplicate: 1, landed: 7 });
  expect(lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'runs advanced')).toMatchObject([
    { landing: expect.any(Number) },
    { RunsSucceededWithFailures: 1 },
  ]);
});
