import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactGetItemsCommand,
  type TransactGetItemsCommandOutput,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clientOf, RunningDynamoDb } from '../../test/support/local/running-dynamodb.ts';

const TableName = 'books';
let dynamo: RunningDynamoDb;
let client: DynamoDBClient;
let made = 0;

beforeAll(async () => {
  dynamo = await RunningDynamoDb.start();
  dynamo.declare();
  client = dynamo.client;
});
afterAll(() => dynamo.stop());

const newKey = () => ({ pk: { S: `key-${made++}` }, sk: { S: '0' } });
type Key = ReturnType<typeof newKey>;

const transact = (TransactItems: TransactWriteItem[], rest: Partial<TransactWriteItemsCommandInput> = {}) =>
  client.send(new TransactWriteItemsCommand({ TransactItems, ...rest }));
const get = async (Key: Key) => (await client.send(new GetItemCommand({ TableName, Key }))).Item;
const putting = (Item: Key & Record<string, { S: string } | { N: string }>): TransactWriteItem => ({
  Put: { TableName, Item },
});

async function cancellation(transaction: Promise<unknown>): Promise<TransactionCanceledException> {
  const error = await transaction.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TransactionCanceledException) return error;
  throw new Error(`not cancelled: ${String(error)}`);
}

describe('a transaction', () => {
  it('puts, updates, deletes and checks, all at once', async () => {
    const [put, updated, deleted, checked] = [newKey(), newKey(), newKey(), newKey()];
    await transact([putting({ ...updated, n: { N: '1' } }), putting(deleted), putting(checked)]);

    await transact([
      putting({ ...put, v: { S: 'new' } }),
      {
        Update: {
          TableName,
          Key: updated,
          UpdateExpression: 'SET n = n + :one',
          ExpressionAttributeValues: { ':one': { N: '1' } },
        },
      },
      { Delete: { TableName, Key: deleted } },
      { ConditionCheck: { TableName, Key: checked, ConditionExpression: 'attribute_exists(pk)' } },
    ]);

    expect(await get(put)).toMatchObject({ v: { S: 'new' } });
    expect(await get(updated)).toMatchObject({ n: { N: '2' } });
    expect(await get(deleted)).toBeUndefined();
    expect(await get(checked)).toEqual(checked);
  });

  it('writes nothing when one condition fails, and says which, with the item where it was asked for', async () => {
    const [free, held, quiet] = [newKey(), newKey(), newKey()];
    await transact([putting({ ...held, v: { S: 'mine' } }), putting(quiet)]);
    const absent = { ConditionExpression: 'attribute_not_exists(pk)' };

    const error = await cancellation(
      transact([
        putting(free),
        { Put: { TableName, Item: held, ...absent, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } },
        { ConditionCheck: { TableName, Key: quiet, ...absent } },
      ]),
    );

    expect(error.message).toBe(
      'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]',
    );
    const Message = 'The conditional request failed';
    expect(error.CancellationReasons).toEqual([
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Message, Item: { ...held, v: { S: 'mine' } } },
      { Code: 'ConditionalCheckFailed', Message },
    ]);
    expect(await get(free)).toBeUndefined();
  });

  it('is cancelled by an update that does not fit its item', async () => {
    const [word, other] = [newKey(), newKey()];
    await transact([putting({ ...word, v: { S: 'text' } })]);
    const Update = {
      TableName,
      Key: word,
      UpdateExpression: 'SET v = v + :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    };

    const error = await cancellation(transact([putting(other), { Update }]));

    expect(error.CancellationReasons).toEqual([
      { Code: 'None' },
      { Code: 'ValidationError', Message: 'An operand in the update expression has an incorrect data type' },
    ]);
    expect(await get(other)).toBeUndefined();
  });

  it('refuses the same item twice, more than 100 actions, more than 4 MB, and what is malformed', async () => {
    const key = newKey();
    const twice = [putting(key), { Delete: { TableName, Key: key } }];
    await expect(transact(twice)).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Transaction request cannot include multiple operations on one item',
    });
    await expect(transact(Array.from({ length: 101 }, () => putting(newKey())))).rejects.toThrow(
      'Member must have length less than or equal to 100',
    );
    const large = Array.from({ length: 11 }, () => putting({ ...newKey(), v: { S: 'x'.repeat(390_000) } }));
    await expect(transact(large)).rejects.toThrow('4194304 are allowed');
    await expect(transact([])).rejects.toThrow('greater than or equal to 1');
    await expect(
      transact([{ ConditionCheck: { TableName, Key: key, ConditionExpression: undefined } }]),
    ).rejects.toThrow("The parameter 'ConditionExpression' is required");
    await expect(transact([{ Put: { TableName: 'none', Item: key } }])).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await transact(Array.from({ length: 100 }, () => putting(newKey())));
    expect(await get(key)).toBeUndefined();
  });

  it('tells twice the capacity of its parts', async () => {
    const items = [putting(newKey()), putting({ ...newKey(), v: { S: 'x'.repeat(1500) } })];

    expect((await transact(items, { ReturnConsumedCapacity: 'TOTAL' })).ConsumedCapacity).toEqual([
      { TableName, CapacityUnits: 6 },
    ]);
  });
});

describe('a request token', () => {
  const counting = (key: Key): TransactWriteItem => ({
    Update: {
      TableName,
      Key: key,
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    },
  });

  it('makes the same request count once for ten minutes, and refuses another request', async () => {
    const key = newKey();
    const ClientRequestToken = `token-${key.pk.S}`;

    await transact([counting(key)], { ClientRequestToken });
    await transact([counting(key)], { ClientRequestToken });
    expect(await get(key)).toMatchObject({ n: { N: '1' } });
    await expect(transact([putting(key)], { ClientRequestToken })).rejects.toMatchObject({
      name: 'IdempotentParameterMismatchException',
    });

    dynamo.clock.advance(600_001);
    await transact([counting(key)], { ClientRequestToken });
    expect(await get(key)).toMatchObject({ n: { N: '2' } });
  });

  it('of a cancelled transaction stays free', async () => {
    const key = newKey();
    const ClientRequestToken = `token-${key.pk.S}`;
    const Item = { ...key, v: { S: 'x' } };
    const conditional = { Put: { TableName, Item, ConditionExpression: 'attribute_exists(pk)' } };

    await cancellation(transact([conditional], { ClientRequestToken }));
    await transact([putting(key)]);
    await transact([conditional], { ClientRequestToken });

    expect(await get(key)).toEqual(Item);
  });

  it('lets a client that lost its answer try again without counting twice', async () => {
    const key = newKey();
    let draws = 0;
    dynamo.service.faults.set({ lostAnswerRate: 0.5 }, () => [0, 1][draws++] ?? 1);
    const patient = clientOf(dynamo.endpoint, { maxAttempts: 3 });

    await patient.send(new TransactWriteItemsCommand({ TransactItems: [counting(key)] }));
    dynamo.service.faults.clear();

    expect(draws).toBe(2);
    expect(await get(key)).toMatchObject({ n: { N: '1' } });
    patient.destroy();
  });
});

describe('TransactGetItems', () => {
  const read = (keys: readonly Key[]): Promise<TransactGetItemsCommandOutput> =>
    client.send(
      new TransactGetItemsCommand({
        TransactItems: keys.map((Key) => ({ Get: { TableName, Key, ProjectionExpression: 'n' } })),
      }),
    );

  it('answers in order, with nothing for what is missing', async () => {
    const [one, missing, other] = [newKey(), newKey(), newKey()];
    await transact([putting({ ...one, n: { N: '1' } }), putting({ ...other, n: { N: '2' } })]);

    expect((await read([one, missing, other])).Responses).toEqual([
      { Item: { n: { N: '1' } } },
      {},
      { Item: { n: { N: '2' } } },
    ]);
    await expect(read([one, one])).rejects.toThrow('multiple operations on one item');
  });

  it('never sees half of a transaction', async () => {
    const pair = [newKey(), newKey()];
    const write = async () => {
      for (let n = 0; n < 40; n++) await transact(pair.map((key) => putting({ ...key, n: { N: String(n) } })));
    };
    const writing = write();
    for (let reads = 0; reads < 40; reads++) {
      const { Responses } = await read(pair);
      expect(Responses?.[0]).toEqual(Responses?.[1]);
    }
    await writing;
  });
});

/** Moves a counter by compare-and-set and writes an entry under the new count, as often as it takes. */
async function increment(counter: Key, writer: string): Promise<void> {
  for (;;) {
    const n = Number((await get(counter))?.n?.N ?? '0');
    const values = { ':old': { N: String(n) }, ':new': { N: String(n + 1) } };
    const move: TransactWriteItem = {
      Update: {
        TableName,
        Key: counter,
        UpdateExpression: 'SET n = :new',
        ConditionExpression: n === 0 ? 'attribute_not_exists(n) OR n = :old' : 'n = :old',
        ExpressionAttributeValues: values,
      },
    };
    const Item = { pk: counter.pk, sk: { S: `entry-${n + 1}` }, writer: { S: writer } };
    const entry = { Put: { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' } };
    try {
      await transact([move, entry]);
      return;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
    }
  }
}

it('concurrent increments by compare-and-set are never lost, also when transactions conflict', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 6 }),
      fc.double({ min: 0, max: 0.4, noNaN: true }),
      async (writers, conflicts) => {
        const counter = newKey();
        dynamo.service.faults.set({ partialRate: conflicts, operations: ['TransactWriteItems'] });
        const all = writers.map(async (times, writer) => {
          for (let time = 0; time < times; time++) await increment(counter, String(writer));
        });
        await Promise.all(all).finally(() => dynamo.service.faults.clear());
        const total = writers.reduce((sum, times) => sum + times, 0);

        expect(await get(counter)).toMatchObject({ n: { N: String(total) } });
        const last = { pk: counter.pk, sk: { S: `entry-${total}` } };
        expect(await get(last)).toBeDefined();
        expect(await get({ ...last, sk: { S: `entry-${total + 1}` } })).toBeUndefined();
      },
    ),
    { numRuns: 8 },
  );
});

it('a single write that comes between makes a compare-and-set fail', async () => {
  const key = newKey();
  await transact([putting({ ...key, n: { N: '1' } })]);
  await client.send(new PutItemCommand({ TableName, Item: { ...key, n: { N: '2' } } }));

  const error = await cancellation(
    transact([
      {
        Update: {
          TableName,
          Key: key,
          UpdateExpression: 'SET n = :new',
          ConditionExpression: 'n = :old',
          ExpressionAttributeValues: { ':old': { N: '1' }, ':new': { N: '2' } },
        },
      },
    ]),
  );

  expect(error.CancellationReasons?.map(({ Code }) => Code)).toEqual(['ConditionalCheckFailed']);
});
