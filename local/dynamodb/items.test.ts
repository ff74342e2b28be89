import { randomBytes } from 'node:crypto';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningDynamoDb } from '../../test/support/local/running-dynamodb.ts';

let dynamo: RunningDynamoDb;
let made = 0;

beforeAll(async () => {
  dynamo = await RunningDynamoDb.start();
  dynamo.declare();
});
afterAll(() => dynamo.stop());

const newKey = () => ({ pk: { S: `item-${made++}` }, sk: { S: '0' } });
type Key = ReturnType<typeof newKey>;

const put = (Item: PutItemCommandInput['Item'], rest: Partial<PutItemCommandInput> = {}) =>
  dynamo.client.send(new PutItemCommand({ TableName: 'books', Item, ...rest }));
const get = async (Key: Key) => (await dynamo.client.send(new GetItemCommand({ TableName: 'books', Key }))).Item;
const update = (Key: Key, UpdateExpression: string, rest: Partial<UpdateItemCommandInput> = {}) =>
  dynamo.client.send(new UpdateItemCommand({ TableName: 'books', Key, UpdateExpression, ...rest }));

describe('an item', () => {
  it('comes back with every type as it was put', async () => {
    const item = {
      ...newKey(),
      n: { N: '-1.5' },
      b: { B: new Uint8Array([0, 255, 1]) },
      t: { BOOL: false },
      nil: { NULL: true },
      ss: { SS: ['a', 'b'] },
      ns: { NS: ['1', '2.5'] },
      bs: { BS: [new Uint8Array([1])] },
      l: { L: [{ S: 'ü\u0000' }, { L: [] }] },
      m: { M: { constructor: { S: 'a name like others' }, '': { S: '' } } },
    };

    await put(item);

    expect(await get({ pk: item.pk, sk: item.sk })).toEqual(item);
  });

  it('keeps numbers of 38 digits, and is refused with 39', async () => {
    const key = newKey();
    const digits = '12345678901234567890123456789012345678';
    await put({ ...key, n: { N: digits }, small: { N: '1.0e-130' } });

    expect(await get(key)).toMatchObject({ n: { N: digits }, small: { N: `0.${'0'.repeat(129)}1` } });
    await expect(put({ ...key, n: { N: `${digits}9` } })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Attempting to store more than 38 significant digits in a Number',
    });
    await expect(
      update(key, 'SET n = n + :tiny', { ExpressionAttributeValues: { ':tiny': { N: '0.1' } } }),
    ).rejects.toMatchObject({ message: 'Attempting to store more than 38 significant digits in a Number' });
  });

  it('has at most 400 KB, counted in bytes of UTF-8 with its names', async () => {
    const key = newKey();
    const rest = 400 * 1024 - Buffer.byteLength(`pk${key.pk.S}sk0v`);

    await put({ ...key, v: { S: 'x'.repeat(rest) } });
    await expect(put({ ...key, v: { S: 'x'.repeat(rest + 1) } })).rejects.toThrow(
      'Item size has exceeded the maximum allowed size',
    );
    await expect(put({ ...key, v: { S: 'ü'.repeat(rest / 2 + 1) } })).rejects.toThrow('maximum allowed size');
    await expect(update(key, 'SET w = :w', { ExpressionAttributeValues: { ':w': { S: 'x' } } })).rejects.toThrow(
      'Item size to update has exceeded the maximum allowed size',
    );
    expect((await get(key))?.v?.S).toHaveLength(rest);
  });

  it('nests lists and maps 32 levels deep, and no deeper', async () => {
    const nested = (levels: number): AttributeValue => (levels === 0 ? { S: 'x' } : { L: [nested(levels - 1)] });

    await put({ ...newKey(), v: nested(32) });
    await expect(put({ ...newKey(), v: nested(33) })).rejects.toThrow('Nesting Levels have exceeded supported limits');
    await expect(put({ ...newKey(), v: nested(1_000) })).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
  });

  it('is refused without its key, with a key of another type, and with an empty index key', async () => {
    await expect(put({ pk: { S: 'a' } })).rejects.toThrow('Missing the key sk in the item');
    await expect(put({ pk: { S: 'a' }, sk: { N: '1' } })).rejects.toThrow(
      'Type mismatch for key sk expected: S actual: N',
    );
    await expect(put({ ...newKey(), at: { S: 'late' } })).rejects.toThrow('Type mismatch for Index Key at');
    await expect(put({ ...newKey(), status: { S: '' } })).rejects.toThrow('IndexName: by-status, IndexKey: status');
    await expect(
      dynamo.client.send(new GetItemCommand({ TableName: 'books', Key: { pk: { S: 'a' } } })),
    ).rejects.toThrow('The provided key element does not match the schema');
    await expect(dynamo.client.send(new GetItemCommand({ TableName: 'none', Key: newKey() }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('refuses the name that JavaScript would lose, and parameters of before expressions', async () => {
    const item = newKey();
    Object.defineProperty(item, '__proto__', { value: { S: 'x' }, enumerable: true });

    await expect(put(item)).rejects.toThrow('takes neither an attribute nor a text named __proto__');
    await expect(put(newKey(), { Expected: { pk: { Exists: false } } })).rejects.toThrow(
      'does not support the legacy parameter Expected: use ConditionExpression.',
    );
  });
});

describe('a condition', () => {
  it('that fails leaves the item, which comes with the error when asked for', async () => {
    const key = newKey();
    await put({ ...key, v: { N: '1' } });
    const absent = { ConditionExpression: 'attribute_not_exists(pk)' } as const;
    const asking = { ...absent, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

    await expect(put({ ...key, v: { N: '2' } }, absent)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      Item: undefined,
    });
    const held = { name: 'ConditionalCheckFailedException', Item: { ...key, v: { N: '1' } } };
    await expect(put({ ...key, v: { N: '2' } }, asking)).rejects.toMatchObject(held);
    await expect(
      update(key, 'SET v = :two', { ...asking, ExpressionAttributeValues: { ':two': { N: '2' } } }),
    ).rejects.toMatchObject(held);
    await expect(
      dynamo.client.send(new DeleteItemCommand({ TableName: 'books', Key: key, ...asking })),
    ).rejects.toMatchObject(held);
    expect(await get(key)).toEqual({ ...key, v: { N: '1' } });
  });

  it('compares maps and lists by what is in them', async () => {
    const key = newKey();
    const checkpoint = { M: { positions: { L: [{ S: '1' }, { S: '2' }] }, n: { N: '10' } } };
    const turned = { M: { positions: { L: [{ S: '2' }, { S: '1' }] }, n: { N: '10' } } };
    await put({ ...key, checkpoint });
    const swap = (expected: typeof checkpoint) =>
      update(key, 'SET done = :true', {
        ConditionExpression: 'checkpoint = :expected',
        ExpressionAttributeValues: { ':expected': expected, ':true': { BOOL: true } },
      });

    await expect(swap(turned)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    await swap(checkpoint);

    expect(await get(key)).toMatchObject({ done: { BOOL: true } });
  });
});

describe('UpdateItem', () => {
  it('counts from nothing with if_not_exists, and returns what it was asked for', async () => {
    const key = newKey();
    const count = (ReturnValues: UpdateItemCommandInput['ReturnValues']) =>
      update(key, 'SET attempts = if_not_exists(attempts, :zero) + :one', {
        ExpressionAttributeValues: { ':zero': { N: '0' }, ':one': { N: '1' } },
        ReturnValues,
      });

    expect((await count('UPDATED_OLD')).Attributes).toBeUndefined();
    expect((await count('UPDATED_NEW')).Attributes).toEqual({ attempts: { N: '2' } });
    expect((await count('ALL_OLD')).Attributes).toEqual({ ...key, attempts: { N: '2' } });
    expect((await count('ALL_NEW')).Attributes).toEqual({ ...key, attempts: { N: '4' } });
  });

  it('sums up 38 digits exactly', async () => {
    const key = newKey();
    await put({ ...key, sum: { N: '99999999999999999999999999999999999998' } });
    const { Attributes } = await update(key, 'ADD #sum :one', {
      ExpressionAttributeNames: { '#sum': 'sum' },
      ExpressionAttributeValues: { ':one': { N: '1' } },
      ReturnValues: 'UPDATED_NEW',
    });

    expect(Attributes).toEqual({ sum: { N: '99999999999999999999999999999999999999' } });
  });

  it('refuses to change a key, and what does not fit the item', async () => {
    const key = newKey();
    await put({ ...key, text: { S: 'x' } });
    const one = { ExpressionAttributeValues: { ':one': { N: '1' } } };

    await expect(update(key, 'SET sk = :one', one)).rejects.toThrow('This attribute is part of the key');
    await expect(update(key, 'ADD #t :one', { ...one, ExpressionAttributeNames: { '#t': 'text' } })).rejects.toThrow(
      'An operand in the update expression has an incorrect data type',
    );
    await expect(update(key, 'SET a.b = :one', one)).rejects.toThrow('document path provided');
    await expect(update(key, 'SET a = nowhere + :one', one)).rejects.toThrow('does not exist in the item');
    await expect(update(key, 'SET a = :one b', one)).rejects.toThrow('Invalid UpdateExpression: Syntax error');
    expect(await get(key)).toEqual({ ...key, text: { S: 'x' } });
  });
});

describe('a batch', () => {
  it('writes and reads many items, and refuses the same key twice', async () => {
    const keys = Array.from({ length: 25 }, newKey);
    await dynamo.client.send(
      new BatchWriteItemCommand({ RequestItems: { books: keys.map((Item) => ({ PutRequest: { Item } })) } }),
    );
    await dynamo.client.send(
      new BatchWriteItemCommand({
        RequestItems: { books: keys.slice(0, 5).map((Key) => ({ DeleteRequest: { Key } })) },
      }),
    );
    const { Responses } = await dynamo.client.send(
      new BatchGetItemCommand({ RequestItems: { books: { Keys: keys } } }),
    );

    expect(Responses?.books).toEqual(keys.slice(5));
    const [Item] = keys;
    const twice = { RequestItems: { books: [{ PutRequest: { Item } }, { PutRequest: { Item } }] } };
    await expect(dynamo.client.send(new BatchWriteItemCommand(twice))).rejects.toThrow('contains duplicates');
  });

  it('leaves keys beyond 16 MB unprocessed, with the projection they came with', async () => {
    const keys = Array.from({ length: 44 }, newKey);
    const v = { B: randomBytes(390 * 1024) };
    for (const key of keys) await put({ ...key, v });
    const first = await dynamo.client.send(
      new BatchGetItemCommand({ RequestItems: { books: { Keys: keys, ProjectionExpression: 'pk, sk' } } }),
    );
    const RequestItems = first.UnprocessedKeys;
    const second = await dynamo.client.send(new BatchGetItemCommand({ RequestItems }));

    expect(first.Responses?.books).toHaveLength(42);
    expect(RequestItems?.books?.ProjectionExpression).toBe('pk, sk');
    expect([...(first.Responses?.books ?? []), ...(second.Responses?.books ?? [])]).toEqual(keys);
  });
});
