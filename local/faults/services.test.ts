/** Every kind of failure, as clients of the SDK see it. */
import { AthenaClient, ListWorkGroupsCommand } from '@aws-sdk/client-athena';
import { BatchWriteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { FirehoseClient, ListDeliveryStreamsCommand } from '@aws-sdk/client-firehose';
import { GetDatabasesCommand, GlueClient } from '@aws-sdk/client-glue';
import {
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectsCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningServices, SUBJECT, startServices } from '../../test/support/local/running-services.ts';
import type { Faults } from './faults.ts';

let running: RunningServices;
let clients: ReturnType<typeof connect>;

const connect = ({ client }: RunningServices) => ({
  athena: new AthenaClient(client),
  dynamodb: new DynamoDBClient(client),
  firehose: new FirehoseClient(client),
  glue: new GlueClient(client),
  kinesis: new KinesisClient(client),
  lambda: new LambdaClient(client),
  s3: new S3Client({ ...client, forcePathStyle: true }),
  sqs: new SQSClient(client),
});

beforeAll(async () => {
  running = await startServices();
  clients = connect(running);
});

afterEach(() => {
  for (const { faults } of running.services.all) faults?.clear();
});

afterAll(async () => {
  for (const client of Object.values(clients)) client.destroy();
  await running.stop();
});

function faultsOf(scope: string): Faults {
  const faults = running.services.all.find((service) => service.scope === scope)?.faults;
  if (!faults) throw new Error(`${scope} has no fault switch`);
  return faults;
}

it('every service of the runtime has a switch', () => {
  expect(running.services.all.filter(({ faults }) => !faults).map(({ scope }) => scope)).toEqual([]);
});

/** A write and the look whether it was done, for services of three protocols. */
const WRITES = {
  kinesis: {
    operation: 'PutRecord',
    other: () => clients.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: SUBJECT })),
    write: (id: string) =>
      clients.kinesis.send(new PutRecordCommand({ StreamName: SUBJECT, PartitionKey: id, Data: Buffer.from(id) })),
    isDone: async (id: string) => {
      const arn = `arn:aws:kinesis:us-east-1:000000000000:stream/${SUBJECT}`;
      const records = running.services.kinesis.read(arn, 'shardId-000000000000', undefined, 1_000, 1e6);
      return records.some(({ partitionKey }) => partitionKey === id);
    },
    failure: 'InternalFailure',
    throttling: 'ProvisionedThroughputExceededException',
  },
  s3: {
    operation: 'PutObject',
    other: () => clients.s3.send(new GetObjectCommand({ Bucket: SUBJECT, Key: 'there' })),
    write: (id: string) => clients.s3.send(new PutObjectCommand({ Bucket: SUBJECT, Key: id, Body: id })),
    isDone: async (id: string) => running.services.s3.keys(SUBJECT, id).length === 1,
    failure: 'InternalError',
    throttling: 'SlowDown',
  },
  dynamodb: {
    operation: 'PutItem',
    other: () => clients.dynamodb.send(new GetItemCommand({ TableName: SUBJECT, Key: { id: { S: 'there' } } })),
    write: (id: string) => clients.dynamodb.send(new PutItemCommand({ TableName: SUBJECT, Item: { id: { S: id } } })),
    isDone: async (id: string) =>
      (await clients.dynamodb.send(new GetItemCommand({ TableName: SUBJECT, Key: { id: { S: id } } }))).Item !==
      undefined,
    failure: 'InternalServerError',
    throttling: 'ProvisionedThroughputExceededException',
  },
};

describe.each(Object.entries(WRITES))('%s', (scope, { operation, other, write, isDone, failure, throttling }) => {
  it('refuses by errorRate with its server error, and does nothing', async () => {
    faultsOf(scope).set({ errorRate: 1 });

    await expect(write('refused')).rejects.toMatchObject({ name: failure, $metadata: { httpStatusCode: 500 } });

    faultsOf(scope).clear();
    expect(await isDone('refused')).toBe(false);
  });

  it('refuses by throttleRate with what clients take for throttling, and does nothing', async () => {
    faultsOf(scope).set({ throttleRate: 1 });

    await expect(write('throttled')).rejects.toMatchObject({ name: throttling });

    faultsOf(scope).clear();
    expect(await isDone('throttled')).toBe(false);
  });

  it('does what was asked by lostAnswerRate, and answers with its server error', async () => {
    faultsOf(scope).set({ lostAnswerRate: 1 });

    await expect(write('lost')).rejects.toMatchObject({ name: failure, $metadata: { httpStatusCode: 500 } });

    faultsOf(scope).clear();
    expect(await isDone('lost')).toBe(true);
  });

  it('waits by latencyMs before it does anything, on the clock and without work on it', async () => {
    faultsOf(scope).set({ latencyMs: 60_000 });
    const writing = write('late');
    const answered = writing.then(() => 'answered');
    const wait = new Promise<string>((resolve) => void setTimeout(resolve, 100, 'waiting'));

    expect(await Promise.race([answered, wait])).toBe('waiting');
    expect(running.clock.nextDueMs()).toBeUndefined();
    running.clock.advance(60_000);
    await writing;

    faultsOf(scope).clear();
    expect(await isDone('late')).toBe(true);
  });

  it('leaves operations alone that are not named', async () => {
    await write('there');
    faultsOf(scope).set({ errorRate: 1, operations: [operation] });

    await expect(other()).resolves.toBeDefined();
    await expect(write('named')).rejects.toMatchObject({ name: failure });
  });

  it('fails the same requests for the same seed', async () => {
    const outcomes = async (): Promise<readonly boolean[]> => {
      faultsOf(scope).set({ errorRate: 0.5, seed: 7 });
      const all: boolean[] = [];
      for (let count = 0; count < 16; count++) {
        all.push(
          await write(`seeded-${count}`).then(
            () => true,
            () => false,
          ),
        );
      }
      return all;
    };

    const first = await outcomes();

    expect(new Set(first).size).toBe(2);
    expect(await outcomes()).toEqual(first);
  });
});

describe('partialRate', () => {
  it.each([
    [
      'kinesis',
      async () => {
        const Records = ['a', 'b'].map((id) => ({ PartitionKey: id, Data: Buffer.from(id) }));
        const answer = await clients.kinesis.send(new PutRecordsCommand({ StreamName: SUBJECT, Records }));
        return answer.Records?.map(({ ErrorCode }) => ErrorCode === undefined);
      },
    ],
    [
      's3',
      async () => {
        const Delete = { Objects: [{ Key: 'a' }, { Key: 'b' }] };
        const answer = await clients.s3.send(new DeleteObjectsCommand({ Bucket: SUBJECT, Delete }));
        return ['a', 'b'].map((id) => answer.Deleted?.some(({ Key }) => Key === id));
      },
    ],
    [
      'dynamodb',
      async () => {
        const RequestItems = { [SUBJECT]: ['a', 'b'].map((id) => ({ PutRequest: { Item: { id: { S: id } } } })) };
        const answer = await clients.dynamodb.send(new BatchWriteItemCommand({ RequestItems }));
        const left = answer.UnprocessedItems?.[SUBJECT] ?? [];
        return ['a', 'b'].map((id) => !left.some(({ PutRequest }) => PutRequest?.Item?.id?.S === id));
      },
    ],
    [
      'sqs',
      async () => {
        const { QueueUrls: [QueueUrl] = [] } = await clients.sqs.send(new ListQueuesCommand({}));
        const Entries = ['a', 'b'].map((id) => ({ Id: id, MessageBody: id }));
        const answer = await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
        expect(answer.Failed?.map(({ SenderFault }) => SenderFault)).toEqual([false]);
        return ['a', 'b'].map((id) => answer.Successful?.some(({ Id }) => Id === id));
      },
    ],
  ])('rejects entries of %s one by one inside an answer that is none', async (scope, batch) => {
    const draws = [0, 0.9];
    faultsOf(scope).set({ partialRate: 0.5 }, () => draws.shift() ?? 1);

    expect(await batch()).toEqual([false, true]);
    expect(draws).toEqual([]);
  });
});

describe('the other services', () => {
  const requests = {
    athena: () => clients.athena.send(new ListWorkGroupsCommand({})),
    firehose: () => clients.firehose.send(new ListDeliveryStreamsCommand({})),
    glue: () => clients.glue.send(new GetDatabasesCommand({})),
    lambda: () => clients.lambda.send(new ListFunctionsCommand({})),
    sqs: () => clients.sqs.send(new ListQueuesCommand({})),
  };

  it.each([
    ['athena', 'InternalServerException', 'TooManyRequestsException', 'ListWorkGroups'],
    ['firehose', 'ServiceUnavailableException', 'ServiceUnavailableException', 'ListDeliveryStreams'],
    ['glue', 'InternalServiceException', 'ThrottlingException', 'GetDatabases'],
    ['lambda', 'ServiceException', 'TooManyRequestsException', 'ListFunctions'],
    ['sqs', 'InternalFailure', 'RequestThrottled', 'ListQueues'],
  ] as const)('%s fails by %s and throttles by %s', async (scope, failure, throttling, operation) => {
    faultsOf(scope).set({ errorRate: 1, operations: [operation] });
    await expect(requests[scope]()).rejects.toMatchObject({ name: failure, $fault: 'server' });

    faultsOf(scope).set({ throttleRate: 1, operations: [operation] });
    await expect(requests[scope]()).rejects.toMatchObject({ name: throttling });

    faultsOf(scope).clear();
    await expect(requests[scope]()).resolves.toBeDefined();
  });

  it.each([
    ['events', 'AWSEvents.ListRules', 'InternalException'],
    ['logs', 'Logs_20140328.DescribeLogGroups', 'ServiceUnavailableException'],
  ])('%s fails, too', async (scope, target, code) => {
    faultsOf(scope).set({ errorRate: 1 });

    const headers = { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' };
    const answer = await fetch(running.endpoint, { method: 'POST', headers, body: '{}' });

    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ __type: code });
  });
});
