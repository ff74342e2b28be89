import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import {
  COMMITTED_AT_MS,
  type PlannedEntry,
  type PlannedGroup,
  STREAM,
  summed,
  writeJournal,
} from '../../test/support/batch/journal.ts';
import { RunningDynamoDb } from '../../test/support/local/running-dynamodb.ts';
import { foldLedger } from './fold.ts';

let running: RunningDynamoDb;

beforeAll(async () => {
  running = await RunningDynamoDb.start();
  running.declare();
});

afterAll(() => running.stop());

const groupOn = (day: number): PlannedGroup => ({
  dataset: 'flights',
  runId: 'run-1',
  outcome: day % 3 === 0 ? 'quarantined' : 'delivered',
  day,
  hour: day % 4,
  events: 10 + day,
  fingerprint: 2n ** 60n + BigInt(day),
  eighths: 7 * day,
});

const entryOf = (days: number): PlannedEntry => ({
  groups: Array.from({ length: days }, (_, day) => groupOn(day)),
  records: 20,
  latencyMs: 1_500,
  secondsLater: 25,
});

test('the fold comes to the same on DynamoDB, with entries of many parts and folds at once', async () => {
  const table = createDynamoDbStateTable({ client: running.client, tableName: 'books' });
  const shards = [
    [entryOf(3), entryOf(200), entryOf(4), entryOf(5)],
    [entryOf(2), entryOf(160)],
  ];
  await writeJournal(table, shards);
  const ports = { table, clock: { now: () => COMMITTED_AT_MS }, isTimeUp: () => false };

  const folds = await Promise.all([foldLedger(STREAM, ports), foldLedger(STREAM, ports)]);

  expect(folds.flat().flatMap(({ finding }) => finding ?? [])).toEqual([]);
  for (const [name, expected] of Object.entries(summed(shards))) {
    const [pk = '', sk = ''] = name.split(' ');
    expect([name, (await table.get({ pk, sk }))?.attributes]).toEqual([name, expect.objectContaining(expected)]);
  }
});
