import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { createFront, type Front } from '../front/front.ts';
import { createSqsService } from './service.ts';

const ACCOUNT = '000000000000';
const DEAD_ARN = `arn:aws:sqs:us-east-1:${ACCOUNT}:dead`;

let folder: string;
let clock: Clock;
let front: Front;
let endpoint = '';
let service: ReturnType<typeof createSqsService>;
let client: SQSClient;
let QueueUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sqs-'));
  clock = createClock();
  front = createFront({ services: () => [service], port: 0 });
  endpoint = await front.listen();
  service = createSqsService({ account: ACCOUNT, region: 'us-east-1', endpoint, folder: () => folder, clock });
  const [kind] = service.resourceKinds;
  const context = { logicalId: 'Queue', stackName: 'Stack', account: ACCOUNT, region: 'us-east-1' };
  for (const properties of [
    { QueueName: 'dead' },
    { QueueName: 'short', MaximumMessageSize: 1_024 },
    { QueueName: 'subject', RedrivePolicy: { deadLetterTargetArn: DEAD_ARN, maxReceiveCount: 5 } },
  ]) {
    if (kind) await kind.create?.(properties, kind.identify(properties, context), context);
  }
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = new SQSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  QueueUrl = (await client.send(new GetQueueUrlCommand({ QueueName: 'subject' }))).QueueUrl ?? '';
});

afterEach(async () => {
  await client.send(new PurgeQueueCommand({ QueueUrl }));
});

afterAll(async () => {
  client.destroy();
  await front.close();
  await service.stop?.();
  clock.stop();
  rmSync(folder, { recursive: true });
});

const attributes = async (...AttributeNames: ('All' | 'ApproximateNumberOfMessages')[]) =>
  (await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes;

describe('the SDK', () => {
  it('sends, receives, hides and deletes', async () => {
    const sent = await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'é\n"' }));
    const received = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['All'], WaitTimeSeconds: 1 }),
    );
    const [message] = received.Messages ?? [];
    const ReceiptHandle = message?.ReceiptHandle ?? '';

    expect(message).toMatchObject({ MessageId: sent.MessageId, Body: 'é\n"', MD5OfBody: sent.MD5OfMessageBody });
    expect(message?.Attributes).toMatchObject({ ApproximateReceiveCount: '1', SenderId: ACCOUNT });

    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    const [again] = (await client.send(new ReceiveMessageCommand({ QueueUrl }))).Messages ?? [];
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle ?? '' }));

    expect(again).toMatchObject({ Body: 'é\n"' });
    expect(again?.Attributes).toBeUndefined();
    expect(await attributes('All')).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    });
  });

  it('leaves a message alone when the client that waited for one has gone away', async () => {
    const gone = new AbortController();
    const poll = client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
      abortSignal: gone.signal,
    });
    await sleep(100);
    gone.abort();
    await expect(poll).rejects.toMatchObject({ name: 'AbortError' });
    await sleep(100);

    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
    const { Messages } = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['ApproximateReceiveCount'] }),
    );

    expect(Messages).toMatchObject([{ Body: 'a', Attributes: { ApproximateReceiveCount: '1' } }]);
  });

  it('works in batches, whose entries fail alone', async () => {
    const sent = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', MessageBody: 'a' },
          { Id: 'b', MessageBody: 'b\u0002' },
          { Id: 'c', MessageBody: 'c', DelaySeconds: 900 },
        ],
      }),
    );
    const counts = await attributes('All');
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    const entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: `m${index}`, ReceiptHandle }));
    const changed = await client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: [
          ...entries.map((entry) => ({ ...entry, VisibilityTimeout: 60 })),
          { Id: 'wrong', ReceiptHandle: 'x', VisibilityTimeout: 60 },
        ],
      }),
    );
    const deleted = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: entries }));

    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(['a', 'c']);
    expect(sent.Failed).toMatchObject([{ Id: 'b', Code: 'InvalidMessageContents', SenderFault: true }]);
    expect(counts).toMatchObject({ ApproximateNumberOfMessages: '1', ApproximateNumberOfMessagesDelayed: '1' });
    expect(Messages.map(({ Body }) => Body)).toEqual(['a']);
    expect(changed.Successful).toEqual([{ Id: 'm0' }]);
    expect(changed.Failed).toMatchObject([{ Id: 'wrong', Code: 'ReceiptHandleIsInvalid' }]);
    expect(deleted).toMatchObject({ Successful: [{ Id: 'm0' }] });
  });

  it('keeps message attributes, and gives those that a receive names', async () => {
    const MessageAttributes = {
      timestamp: { DataType: 'Number', StringValue: '1493147359900' },
      'trace.id': { DataType: 'String', StringValue: 'x' },
      bytes: { DataType: 'Binary.raw', BinaryValue: Uint8Array.of(0, 1, 2) },
    };
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a', MessageAttributes }));
    const receive = async (MessageAttributeNames: string[]) => {
      const command = new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames, VisibilityTimeout: 0 });
      return (await client.send(command)).Messages?.[0];
    };

    const named = await receive(['timestamp', 'absent']);
    const byPrefix = await receive(['trace.*']);
    const all = await receive(['All']);

    // The digest that AWS gives for this attribute alone, as botocore's users have recorded it.
    expect(named?.MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');
    expect(Object.keys(named?.MessageAttributes ?? {})).toEqual(['timestamp']);
    expect(Object.keys(byPrefix?.MessageAttributes ?? {})).toEqual(['trace.id']);
    expect(all?.MessageAttributes).toEqual(MessageAttributes);
  });

  it('finds queues by name and by prefix, page by page', async () => {
    const first = await client.send(new ListQueuesCommand({ MaxResults: 2 }));
    const second = await client.send(new ListQueuesCommand({ MaxResults: 2, NextToken: first.NextToken }));
    const named = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'sub' }));

    expect(first.QueueUrls).toEqual([`${endpoint}/${ACCOUNT}/dead`, `${endpoint}/${ACCOUNT}/short`]);
    expect(second).toMatchObject({ QueueUrls: [QueueUrl] });
    expect(second.NextToken).toBeUndefined();
    expect(named.QueueUrls).toEqual([QueueUrl]);
  });

  it('reads the settings of a queue', async () => {
    expect(await attributes('All')).toMatchObject({
      QueueArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:subject`,
      VisibilityTimeout: '30',
      MessageRetentionPeriod: '345600',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: DEAD_ARN, maxReceiveCount: 5 }),
    });
    expect(await attributes('ApproximateNumberOfMessages')).toEqual({ ApproximateNumberOfMessages: '0' });
    expect(await attributes()).toBeUndefined();
  });
});

describe('errors', () => {
  it('have the name that newer clients know and, in a header, the code that older ones do', async () => {
    const url = `${endpoint}/${ACCOUNT}/absent`;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'x-amz-target': 'AmazonSQS.SendMessage', 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({ QueueUrl: url, MessageBody: 'a' }),
    });

    expect(answer.status).toBe(400);
    expect(answer.headers.get('x-amzn-query-error')).toBe('AWS.SimpleQueueService.NonExistentQueue;Sender');
    expect(await answer.json()).toMatchObject({ __type: 'QueueDoesNotExist' });
    await expect(client.send(new GetQueueUrlCommand({ QueueName: 'absent' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      Code: 'AWS.SimpleQueueService.NonExistentQueue',
    });
  });

  const entry = (Id: string) => ({ Id, MessageBody: 'a' });
  it.each([
    ['no entries', [], 'EmptyBatchRequest'],
    ['eleven entries', Array.from({ length: 11 }, (_, index) => entry(`e${index}`)), 'TooManyEntriesInBatchRequest'],
    ['an id twice', [entry('a'), entry('a')], 'BatchEntryIdsNotDistinct'],
    ['an id of other characters', [entry('a b')], 'InvalidBatchEntryId'],
    [
      'more than 1 MiB',
      [
        { ...entry('a'), MessageBody: 'x'.repeat(600_000) },
        { ...entry('b'), MessageBody: 'x'.repeat(600_000) },
      ],
      'BatchRequestTooLong',
    ],
  ])('refuse a batch with %s', async (_name, Entries, name) => {
    await expect(client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({ name });
  });

  it('refuse to change the visibility of what is not in flight', async () => {
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }));
    const ReceiptHandle = Messages?.[0]?.ReceiptHandle ?? '';
    const change = () =>
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 }));

    await expect(change()).rejects.toMatchObject({ name: 'MessageNotInflight' });
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));

    await expect(change()).rejects.toThrow('Message does not exist');
  });

  it('name what is not served', async () => {
    const short = `${endpoint}/${ACCOUNT}/short`;
    const form = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: 'AWS4-HMAC-SHA256 Credential=local/20261123/us-east-1/sqs/aws4_request',
    };
    const query = await fetch(endpoint, { method: 'POST', headers: form, body: 'Action=ListQueues' });

    await expect(client.send(new CreateQueueCommand({ QueueName: 'new' }))).rejects.toThrow(
      /does not support AmazonSQS.CreateQueue. Supported: .*SendMessage/,
    );
    await expect(
      client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a', MessageGroupId: 'g' })),
    ).rejects.toThrow('MessageGroupId: message groups are not kept locally');
    await expect(
      client.send(new SendMessageCommand({ QueueUrl: short, MessageBody: 'x'.repeat(1_025) })),
    ).rejects.toThrow('shorter than 1024 bytes, received 1025');
    const sent = await fetch(endpoint, {
      method: 'POST',
      headers: form,
      body: new URLSearchParams({ Action: 'SendMessage', QueueUrl, MessageBody: 'a & <b>' }).toString(),
    });

    expect(await sent.text()).toMatch(/<MD5OfMessageBody>[0-9a-f]{32}<\/MD5OfMessageBody><MessageId>[0-9a-f-]{36}</);
    expect(await query.text()).toContain('By the query protocol the local SQS does not support ListQueues');
  });
});
