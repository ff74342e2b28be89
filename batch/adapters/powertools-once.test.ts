import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { clientOf, RunningDynamoDb } from '../../test/support/local/running-dynamodb.ts';
import { KeyReused, type Once, StillInProgress, Unavailable } from '../pipelines/ports.ts';
import { DynamoDbIdempotency } from './dynamodb-idempotency.ts';
import { createPowertoolsOnce } from './powertools-once.ts';

const TABLE = 'data-pipeline-idempotency';
const REMAINING_MS = 10_000;

let dynamoDb: RunningDynamoDb;
let once: Once;

beforeAll(async () => {
  dynamoDb = await RunningDynamoDb.start();
  dynamoDb.declare({
    TableName: TABLE,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
  });
  once = createPowertoolsOnce(new DynamoDbIdempotency(dynamoDb.client, TABLE));
});
afterAll(() => dynamoDb.stop());

const remaining =
  (ms = REMAINING_MS) =>
  () =>
    ms;

it('does the work once a key, and gives what it came to', async () => {
  let times = 0;
  const work = async () => `run-${++times}`;
  const request = { key: 'once', bodyHash: 'a' };

  const answers = [await once.once(request, remaining(), work), await once.once(request, remaining(), work)];

  expect(answers).toEqual(['run-1', 'run-1']);
  expect(await once.once({ ...request, key: 'other' }, remaining(), work)).toBe('run-2');
});

it('refuses a key that came with another body', async () => {
  await once.once({ key: 'reused', bodyHash: 'a' }, remaining(), async () => 'x');

  await expect(once.once({ key: 'reused', bodyHash: 'b' }, remaining(), async () => 'y')).rejects.toThrow(KeyReused);
});

it('lets nobody in while the work goes on, and takes over what was not finished in its time', async () => {
  const request = { key: 'killed', bodyHash: 'a' };
  let begun = (): void => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  // As a function that is killed: its work never ends.
  void once.once(request, remaining(1_500), () => {
    begun();
    return new Promise(() => {});
  });
  await hasBegun;

  await expect(once.once(request, remaining(), async () => 'too soon')).rejects.toThrow(StillInProgress);
  await new Promise((resolve) => setTimeout(resolve, 1_600));
  expect(await once.once(request, remaining(), async () => 'taken over')).toBe('taken over');
});

it('has not done work that threw, and throws what it threw', async () => {
  const request = { key: 'threw', bodyHash: 'a' };
  const failure = new Error('no');

  await expect(once.once(request, remaining(), () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await once.once(request, remaining(), async () => 'done')).toBe('done');
});

it('says that the table does not answer', async () => {
  const unreachable = createPowertoolsOnce(new DynamoDbIdempotency(clientOf('http://127.0.0.1:1'), TABLE));

  await expect(unreachable.once({ key: 'k', bodyHash: 'a' }, remaining(), async () => 'x')).rejects.toThrow(
    Unavailable,
  );
});
