import {
  BatchWriteItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RunningDynamoDb, TABLE } from '../../test/support/local/running-dynamodb.ts';

const RUNS = 120;
let dynamo: RunningDynamoDb;

beforeAll(async () => {
  dynamo = await RunningDynamoDb.start();
  dynamo.declare();
  dynamo.declare({
    ...TABLE,
    TableName: 'local-index',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'B' },
      { AttributeName: 'at', AttributeType: 'N' },
    ],
    GlobalSecondaryIndexes: undefined,
    LocalSecondaryIndexes: [
      {
        IndexName: 'by-at',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'at', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  });
  for (let first = 0; first < RUNS; first += 20) {
    const requests = Array.from({ length: 20 }, (_none, position) => ({ PutRequest: { Item: run(first + position) } }));
    await dynamo.client.send(new BatchWriteItemCommand({ RequestItems: { books: requests } }));
  }
});
afterAll(() => dynamo.stop());

/** All in one partition, every third failed, two at the same time. */
const run = (number: number) => ({
  pk: { S: 'runs' },
  sk: { S: `run#${String(number).padStart(3, '0')}` },
  status: { S: number % 3 === 0 ? 'failed' : 'done' },
  at: { N: String(Math.floor(number / 2) - 30) },
});

const query = (input: Omit<QueryCommandInput, 'TableName'>): Promise<QueryCommandOutput> =>
  dynamo.client.send(new QueryCommand({ TableName: 'books', ...input }));

async function everyPage(input: Omit<QueryCommandInput, 'TableName'>): Promise<readonly QueryCommandOutput[]> {
  const pages: QueryCommandOutput[] = [];
  let ExclusiveStartKey: QueryCommandInput['ExclusiveStartKey'];
  do {
    const page = await query({ ...input, ExclusiveStartKey });
    pages.push(page);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return pages;
}

const sortKeys = (pages: readonly QueryCommandOutput[]) => pages.flatMap(({ Items }) => Items?.map(({ sk }) => sk?.S));
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_none, position) => run(from + position).sk.S);

const ALL = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'runs' } } };

it.each([
  ['sk = :a', { ':a': 'run#005' }, numbers(5, 6)],
  ['sk < :a', { ':a': 'run#003' }, numbers(0, 3)],
  ['sk <= :a', { ':a': 'run#003' }, numbers(0, 4)],
  ['sk > :a', { ':a': 'run#117' }, numbers(118, 120)],
  ['sk >= :a', { ':a': 'run#117' }, numbers(117, 120)],
  ['sk BETWEEN :a AND :b', { ':a': 'run#010', ':b': 'run#012' }, numbers(10, 13)],
  ['begins_with(sk, :a)', { ':a': 'run#01' }, numbers(10, 20)],
])('finds items by their sort key: %s', async (condition, values, expected) => {
  const entries = Object.entries(values).map(([name, text]) => [name, { S: text }]);
  const found = await query({
    KeyConditionExpression: `pk = :pk AND ${condition}`,
    ExpressionAttributeValues: { ':pk': { S: 'runs' }, ...Object.fromEntries(entries) },
  });

  expect(sortKeys([found])).toEqual(expected);
});

it.each([true, false])('gives every item once in pages, in order (forward: %s)', async (ScanIndexForward) => {
  const pages = await everyPage({ ...ALL, Limit: 7, ScanIndexForward });

  const expected = numbers(0, RUNS);
  expect(sortKeys(pages)).toEqual(ScanIndexForward ? expected : expected.reverse());
  expect(pages.slice(0, -1).every(({ ScannedCount }) => ScannedCount === 7)).toBe(true);
});

it('gives every item of an index once, those of one index key in several pages', async () => {
  const input = {
    IndexName: 'by-status',
    KeyConditionExpression: '#status = :failed AND #at >= :zero',
    ExpressionAttributeNames: { '#status': 'status', '#at': 'at' },
    ExpressionAttributeValues: { ':failed': { S: 'failed' }, ':zero': { N: '-5' } },
    Limit: 1,
  };
  const failed = numbers(50, RUNS).filter((_key, position) => (position + 50) % 3 === 0);

  expect(sortKeys(await everyPage(input))).toEqual(failed);
  expect(sortKeys(await everyPage({ ...input, ScanIndexForward: false }))).toEqual([...failed].reverse());
});

it('filters after it has counted, and counts without items', async () => {
  const values = { ':pk': { S: 'runs' }, ':failed': { S: 'failed' } };
  const filter = { FilterExpression: '#s = :failed', ExpressionAttributeNames: { '#s': 'status' } };
  const found = await query({ ...ALL, ...filter, ExpressionAttributeValues: values, Limit: 10 });
  const counted = await query({ ...ALL, ...filter, ExpressionAttributeValues: values, Select: 'COUNT' });

  expect(found).toMatchObject({ Count: 4, ScannedCount: 10 });
  expect(counted).toMatchObject({ Count: 40, ScannedCount: RUNS });
  expect(counted.Items).toBeUndefined();
});

it('ends a page at 1 MB', async () => {
  const big = { S: 'x'.repeat(300_000) };
  for (const sk of ['1', '2', '3', '4', '5', '6'])
    await dynamo.client.send(
      new PutItemCommand({ TableName: 'books', Item: { pk: { S: 'big' }, sk: { S: sk }, big } }),
    );
  const pages = await everyPage({
    ...ALL,
    ExpressionAttributeValues: { ':pk': { S: 'big' } },
    ProjectionExpression: 'sk',
  });

  expect(pages.map(({ Count }) => Count)).toEqual([4, 2]);
});

it('scans a table and an index in pages', async () => {
  const scanned: (string | undefined)[] = [];
  let ExclusiveStartKey: QueryCommandInput['ExclusiveStartKey'];
  do {
    const page = await dynamo.client.send(
      new ScanCommand({ TableName: 'books', IndexName: 'by-status', Limit: 50, ExclusiveStartKey }),
    );
    scanned.push(...(page.Items?.map(({ sk }) => sk?.S) ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);

  expect(scanned.sort()).toEqual(numbers(0, RUNS));
});

it('reads what a local index does not hold from its table', async () => {
  const Item = { pk: { S: 'p' }, sk: { B: new Uint8Array([0xff, 0xff]) }, at: { N: '1' }, note: { S: 'kept' } };
  await dynamo.client.send(new PutItemCommand({ TableName: 'local-index', Item }));
  const { note, ...keys } = Item;
  const input = { TableName: 'local-index', IndexName: 'by-at', KeyConditionExpression: 'pk = :p' };
  const ExpressionAttributeValues = { ':p': { S: 'p' } };
  const read = async (rest: Partial<QueryCommandInput>) =>
    (await dynamo.client.send(new QueryCommand({ ...input, ExpressionAttributeValues, ...rest }))).Items;

  expect(await read({})).toEqual([keys]);
  expect(await read({ ProjectionExpression: 'note' })).toEqual([{ note }]);
  expect(await read({ Select: 'ALL_ATTRIBUTES' })).toEqual([Item]);
});

it('finds binaries that begin with the greatest byte', async () => {
  const pk = { S: 'binary' };
  for (const bytes of [[0xfe], [0xff], [0xff, 1], [0xff, 0xff]])
    await dynamo.client.send(
      new PutItemCommand({ TableName: 'local-index', Item: { pk, sk: { B: new Uint8Array(bytes) } } }),
    );
  const { Count } = await dynamo.client.send(
    new QueryCommand({
      TableName: 'local-index',
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :start)',
      ExpressionAttributeValues: { ':pk': pk, ':start': { B: new Uint8Array([0xff]) } },
    }),
  );

  expect(Count).toBe(3);
});

it.each([
  ['without a partition key', { KeyConditionExpression: 'sk = :pk' }, 'missed key schema element: pk'],
  ['on a range of partitions', { KeyConditionExpression: 'pk > :pk' }, 'Query key condition not supported'],
  ['on another attribute', { KeyConditionExpression: 'pk = :pk AND elsewhere = :pk' }, 'missed key schema element: sk'],
  ['on an index that is not there', { IndexName: 'by-nothing' }, 'does not have the specified index: by-nothing'],
  ['with a filter on the key', { FilterExpression: 'sk = :pk' }, 'non-primary key attributes'],
  [
    'from a key of another partition',
    { ExclusiveStartKey: { pk: { S: 'x' }, sk: { S: 'x' } } },
    'outside query boundaries',
  ],
  ['from half a key', { ExclusiveStartKey: { pk: { S: 'runs' } } }, 'The provided starting key is invalid'],
  [
    'consistently on a global index',
    { IndexName: 'by-status', ConsistentRead: true },
    'Consistent reads are not supported',
  ],
])('refuses a query %s', async (_what, input, message) => {
  await expect(query({ ...ALL, ...input })).rejects.toThrow(message);
});
