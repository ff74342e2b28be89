import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RunningDynamoDb } from '../../test/support/local/running-dynamodb.ts';

const KILLS = 4;
/** So many that most moments are within a write. */
const ENTRIES = 40;
let dynamo: RunningDynamoDb;

beforeAll(async () => {
  dynamo = await RunningDynamoDb.start();
  dynamo.declare();
});
afterAll(() => dynamo.stop());

/** Serves the folder's tables on a port that it prints, and moves a checkpoint with its entries in one transaction, for ever. */
function script(folder: string): string {
  const local = (file: string) => JSON.stringify(path.resolve(file));
  return `
    import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
    import { createClock } from ${local('local/clock.ts')};
    import { createDynamoDbService } from ${local('local/dynamodb/service.ts')};
    import { createFront } from ${local('local/front/front.ts')};
    const environment = { account: '000000000000', region: 'us-east-1', endpoint: '', clock: createClock() };
    const service = createDynamoDbService({ ...environment, folder: () => ${JSON.stringify(folder)} });
    const endpoint = await createFront({ services: [service], port: 0 }).listen();
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
    const TableName = 'books';
    const Key = { pk: { S: 'shard' }, sk: { S: 'checkpoint' } };
    const found = await client.send(new GetItemCommand({ TableName, Key }));
    for (let n = Number(found.Item?.n.N ?? 0) + 1; ; n++) {
      const ExpressionAttributeValues = { ':n': { N: String(n) } };
      const Update = { TableName, Key, UpdateExpression: 'SET n = :n', ExpressionAttributeValues };
      const entries = Array.from({ length: ${ENTRIES} }, (_none, entry) => {
        const Item = { pk: { S: 'journal' }, sk: { S: n + '-' + entry }, status: { S: 'done' }, at: { N: String(n) } };
        return { Put: { TableName, Item } };
      });
      await client.send(new TransactWriteItemsCommand({ TransactItems: [{ Update }, ...entries] }));
      console.log(n);
    }
  `;
}

/** Gives the last transaction that was answered before the process was killed. */
async function runAndKill(folder: string, afterMs: number): Promise<number> {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script(folder)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let answered = 0;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    answered = Number(line);
  });
  await once(lines, 'line');
  await sleep(afterMs);
  child.kill('SIGKILL');
  const [[, signal]] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  expect(signal).toBe('SIGKILL');
  return answered;
}

it('a process killed at any moment has written each transaction as a whole, and every one that was answered', async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const answered = await runAndKill(dynamo.folder, Math.random() * 60);
    await dynamo.restart();
    const Key = { pk: { S: 'shard' }, sk: { S: 'checkpoint' } };
    const { Item } = await dynamo.client.send(new GetItemCommand({ TableName: 'books', Key }));
    const { Count: items } = await dynamo.client.send(new ScanCommand({ TableName: 'books', Select: 'COUNT' }));
    const { Count: indexed } = await dynamo.client.send(
      new QueryCommand({
        TableName: 'books',
        IndexName: 'by-status',
        KeyConditionExpression: '#s = :done',
        ExpressionAttributeNames: { '#s': 'status' },
        ExpressionAttributeValues: { ':done': { S: 'done' } },
      }),
    );
    const checkpoint = Number(Item?.n?.N);

    expect(checkpoint === answered || checkpoint === answered + 1).toBe(true);
    expect(items).toBe(checkpoint * ENTRIES + 1);
    expect(indexed).toBe(checkpoint * ENTRIES);
  }
}, 30_000);
