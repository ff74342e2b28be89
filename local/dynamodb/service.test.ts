import { crc32 } from 'node:zlib';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CONTEXT, RunningDynamoDb, TABLE } from '../../test/support/local/running-dynamodb.ts';

let dynamo: RunningDynamoDb;

beforeEach(async () => {
  dynamo = await RunningDynamoDb.start();
});
afterEach(() => dynamo.stop());

const key = (sk: string) => ({ pk: { S: 'a' }, sk: { S: sk } });
const put = (sk: string, rest: Record<string, { S: string } | { N: string }> = {}) =>
  dynamo.client.send(new PutItemCommand({ TableName: 'books', Item: { ...key(sk), ...rest } }));
const get = async (sk: string) =>
  (await dynamo.client.send(new GetItemCommand({ TableName: 'books', Key: key(sk) }))).Item;

async function statusDone(): Promise<readonly (string | undefined)[]> {
  const { Items } = await dynamo.client.send(
    new QueryCommand({
      TableName: 'books',
      IndexName: 'by-status',
      KeyConditionExpression: '#s = :done',
      ExpressionAttributeNames: { '#s': 'status' },
      ExpressionAttributeValues: { ':done': { S: 'done' } },
    }),
  );
  return (Items ?? []).map(({ sk }) => sk?.S);
}

describe('a table', () => {
  const SMALL: CreateTableCommandInput = {
    TableName: 'small',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  };

  it('can be made, described, listed and deleted, and leaves no items behind', async () => {
    const Item = { id: { N: '1' } };
    await dynamo.client.send(new CreateTableCommand(SMALL));
    await dynamo.client.send(new PutItemCommand({ TableName: 'small', Item }));

    const { Table } = await dynamo.client.send(new DescribeTableCommand({ TableName: 'small' }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/small',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      KeySchema: SMALL.KeySchema,
      ItemCount: 1,
    });
    expect((await dynamo.client.send(new ListTablesCommand({}))).TableNames).toEqual(['small']);
    await expect(dynamo.client.send(new CreateTableCommand(SMALL))).rejects.toMatchObject({
      name: 'ResourceInUseException',
    });

    await dynamo.client.send(new DeleteTableCommand({ TableName: 'small' }));
    await expect(dynamo.client.send(new DescribeTableCommand({ TableName: 'small' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await dynamo.client.send(new CreateTableCommand(SMALL));
    const found = await dynamo.client.send(new GetItemCommand({ TableName: 'small', Key: Item }));
    expect(found.Item).toBeUndefined();
  });

  it('is refused with a stream, and with a key that is not defined', async () => {
    const stream = { StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' as const } };

    await expect(dynamo.client.send(new CreateTableCommand({ ...SMALL, ...stream }))).rejects.toThrow(
      'The local DynamoDB does not support StreamSpecification of CreateTable.',
    );
    await expect(
      dynamo.client.send(new CreateTableCommand({ ...SMALL, KeySchema: [{ AttributeName: 'x', KeyType: 'HASH' }] })),
    ).rejects.toThrow('Some index key attributes are not defined in AttributeDefinitions');
  });
});

describe('a restart', () => {
  it('keeps items, indexes, time to live, and tokens', async () => {
    dynamo.declare();
    await put('1', { status: { S: 'done' }, at: { N: '1' } });
    const Update = {
      TableName: 'books',
      Key: key('counter'),
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    };
    const count = () =>
      dynamo.client.send(new TransactWriteItemsCommand({ TransactItems: [{ Update }], ClientRequestToken: 'once' }));
    await count();

    await dynamo.restart();
    dynamo.declare();
    await count();

    expect(await get('1')).toMatchObject({ status: { S: 'done' } });
    expect(await statusDone()).toEqual(['1']);
    expect(await get('counter')).toMatchObject({ n: { N: '1' } });
    const described = await dynamo.client.send(new DescribeTimeToLiveCommand({ TableName: 'books' }));
    expect(described.TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ends' });
  });

  it('builds an index that the template has gained, and drops one that it has lost', async () => {
    const { GlobalSecondaryIndexes: _indexes, ...without } = TABLE;
    const AttributeDefinitions = [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ];
    dynamo.declare({ ...without, AttributeDefinitions });
    await put('1', { status: { S: 'done' }, at: { N: '1' } });
    await put('2', { status: { S: 'done' }, at: { S: 'of another type' } });

    await dynamo.restart();
    dynamo.declare();
    expect(await statusDone()).toEqual(['1']);

    await dynamo.restart();
    dynamo.declare({ ...without, AttributeDefinitions });
    await expect(statusDone()).rejects.toThrow('does not have the specified index: by-status');
  });

  it('with another key is an error that says so', async () => {
    dynamo.declare();
    const KeySchema = [{ AttributeName: 'sk', KeyType: 'HASH' }];
    const AttributeDefinitions = [{ AttributeName: 'sk', AttributeType: 'N' }];
    const { GlobalSecondaryIndexes: _indexes, ...without } = TABLE;

    expect(() => dynamo.declare({ ...without, KeySchema, AttributeDefinitions })).toThrow(
      'Table books exists with the key pk (S), sk (S); the template declares sk (N). ' +
        "A table's key cannot change: give it another TableName, or start anew with --fresh.",
    );
  });
});

describe('time to live', () => {
  const ends = (inSeconds: number) => ({ N: String(Math.floor(dynamo.clock.now() / 1000) + inSeconds) });
  const set = (Enabled: boolean, AttributeName = 'ends') =>
    dynamo.client.send(
      new UpdateTimeToLiveCommand({ TableName: 'books', TimeToLiveSpecification: { Enabled, AttributeName } }),
    );

  it('deletes items, and their index entries, when their second has passed and the clock has moved', async () => {
    dynamo.declare();
    const done = { status: { S: 'done' }, at: { N: '1' } };
    await put('soon', { ...done, ends: ends(30) });
    await put('later', { ...done, ends: ends(3600) });
    await put('never', { ...done, ends: { S: 'x' } });
    await put('long ago', { ends: ends(-6 * 365 * 86_400) });

    dynamo.clock.advance(29_000);
    expect(await get('soon')).toBeDefined();
    dynamo.clock.advance(91_000);

    expect(await get('soon')).toBeUndefined();
    expect((await statusDone()).toSorted()).toEqual(['later', 'never']);
    expect(await get('long ago')).toBeDefined();
  });

  it('can be switched off and on, for items that are there', async () => {
    dynamo.declare({ ...TABLE, TimeToLiveSpecification: undefined });
    await put('1', { ends: ends(-10) });
    dynamo.clock.advance(120_000);
    expect(await get('1')).toBeDefined();

    await set(true);
    await expect(set(true)).rejects.toThrow('TimeToLive is already enabled');
    await expect(set(false, 'other')).rejects.toThrow('active on a different AttributeName');
    dynamo.clock.advance(120_000);
    expect(await get('1')).toBeUndefined();

    await set(false);
    await expect(set(false)).rejects.toThrow('TimeToLive is already disabled');
    await put('2', { ends: ends(-10) });
    dynamo.clock.advance(120_000);
    expect(await get('2')).toBeDefined();
  });

  it('is upkeep, which nobody waits for', () => {
    expect(dynamo.clock.nextDueMs()).toBeUndefined();
  });
});

describe('AWS::DynamoDB::GlobalTable', () => {
  const Replicas = [{ Region: 'us-east-1', PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }];
  const declare = (properties: object) =>
    dynamo.declare({ ...TABLE, Replicas, ...properties }, 'AWS::DynamoDB::GlobalTable');

  it('with one replica in the region is a table', async () => {
    declare({});
    await put('1');

    expect(await get('1')).toEqual(key('1'));
  });

  it('is refused with a replica elsewhere, with a stream, and with throughput to keep', () => {
    expect(() => declare({ Replicas: [{ Region: 'eu-west-1' }] })).toThrow(
      'Table books: its replica is in eu-west-1; the local runtime has us-east-1 only.',
    );
    expect(() => declare({ Replicas: [...Replicas, { Region: 'eu-west-1' }] })).toThrow('has one replica locally');
    expect(() => declare({ Replicas: [{ ...Replicas[0], KinesisStreamSpecification: {} }] })).toThrow(
      'KinesisStreamSpecification',
    );
    expect(() => declare({ BillingMode: 'PROVISIONED' })).toThrow('BillingMode: is PAY_PER_REQUEST locally');
  });
});

describe('AWS::DynamoDB::Table', () => {
  it('has the name as its Ref, and the attributes that CloudFormation documents', () => {
    const [table, globalTable] = dynamo.service.resourceKinds;
    const Arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/Stack-Table';
    const TableId = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);

    expect(table?.identify({}, CONTEXT)).toEqual({ ref: 'Stack-Table', attributes: { Arn, TableId } });
    expect(globalTable?.identify({ TableName: 'books' }, CONTEXT).ref).toBe('books');
  });

  it('has no place for streams, imports and replicas, which the plan then refuses', () => {
    for (const { executed, inert } of dynamo.service.resourceKinds) {
      for (const name of [
        'StreamSpecification',
        'ImportSourceSpecification',
        'KinesisStreamSpecification',
        'VectorIndexes',
      ]) {
        expect(executed).not.toContain(name);
        expect(inert).not.toHaveProperty(name);
      }
    }
  });

  it('takes provisioned throughput, as text too, and says what is wrong with the rest', () => {
    const { BillingMode: _onDemand, ...rest } = TABLE;
    const table = { ...rest, TableName: 'provisioned' };
    const ProvisionedThroughput = { ReadCapacityUnits: '5', WriteCapacityUnits: 5 };
    const [index] = [TABLE.GlobalSecondaryIndexes].flat();
    const GlobalSecondaryIndexes = [{ ...Object(index), ProvisionedThroughput }];

    dynamo.declare({ ...table, ProvisionedThroughput, GlobalSecondaryIndexes });

    expect(() => dynamo.declare({ ...table, TableName: 'other' })).toThrow(
      'Table other: One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified',
    );
    expect(() => dynamo.declare({ ...TABLE, KeySchema: 'pk' })).toThrow('Table books: KeySchema:');
  });
});

describe('faults', () => {
  it('cancel a transaction whose actions meet another one, and nothing else', async () => {
    dynamo.declare();
    const draws = [0, 0.9];
    dynamo.service.faults.set({ partialRate: 0.5 }, () => draws.shift() ?? 1);
    const TransactItems = ['1', '2'].map((sk) => ({ Put: { TableName: 'books', Item: key(sk) } }));

    await expect(dynamo.client.send(new TransactWriteItemsCommand({ TransactItems }))).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [
        { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' },
        { Code: 'None' },
      ],
    });
    await put('3');
    expect(await get('1')).toBeUndefined();
  });

  it('leave entries of batches unprocessed, and refuse a batch of which nothing is left', async () => {
    dynamo.declare();
    const write = () =>
      dynamo.client.send(
        new BatchWriteItemCommand({
          RequestItems: { books: ['1', '2'].map((sk) => ({ PutRequest: { Item: key(sk) } })) },
        }),
      );
    const read = () =>
      dynamo.client.send(new BatchGetItemCommand({ RequestItems: { books: { Keys: ['1', '2'].map(key) } } }));
    const reject = (...draws: number[]) => dynamo.service.faults.set({ partialRate: 0.5 }, () => draws.shift() ?? 1);

    reject(0.9, 0);
    expect((await write()).UnprocessedItems).toEqual({ books: [{ PutRequest: { Item: key('2') } }] });
    reject(0, 0.9);
    expect(await read()).toMatchObject({ Responses: { books: [] }, UnprocessedKeys: { books: { Keys: [key('1')] } } });
    reject(0, 0);
    await expect(write()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
    reject(0, 0);
    await expect(read()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });

    dynamo.service.faults.clear();
    expect([await get('1'), await get('2')]).toEqual([key('1'), undefined]);
  });
});

it('refuses other operations by name', async () => {
  await expect(dynamo.client.send(new ExecuteStatementCommand({ Statement: 'SELECT 1' }))).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message: expect.stringContaining('The local dynamodb does not support DynamoDB_20120810.ExecuteStatement.'),
  });
  expect(dynamo.service.handle.operations).toContain('TransactWriteItems');
});

it('sends the sum of each answer, as AWS does', async () => {
  const response = await fetch(dynamo.endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables', 'content-type': 'application/x-amz-json-1.0' },
    body: '{}',
  });
  const text = await response.text();

  expect(JSON.parse(text)).toEqual({ TableNames: [] });
  expect(response.headers.get('x-amz-crc32')).toBe(String(crc32(text)));
});
