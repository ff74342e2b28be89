import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createKinesisPutRecords } from './kinesis-put-records.ts';

interface Answer {
  readonly status: number;
  readonly body: object | string;
  /** Nothing is answered, or the headers alone. */
  readonly silence?: 'whole' | 'body';
}

/** An HTTP/2 server in clear that answers what a test lays out, so that the SDK's real wire format is read. */
const server = createServer();
const requests: { readonly target: unknown; readonly body: unknown }[] = [];
let answers: Answer[] = [];
let client: KinesisClient;
/** Connections so far. */
let sessions = 0;

const ENTRY = { data: Buffer.from('hello'), partitionKey: 'k', explicitHashKey: '17' };

beforeAll(async () => {
  server.on('session', () => {
    sessions += 1;
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    // A client that has given up resets its stream.
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      requests.push({ target: headers['x-amz-target'], body: JSON.parse(Buffer.concat(chunks).toString()) });
      const answer: Answer = answers.shift() ?? {
        status: 500,
        body: { __type: 'InternalFailure', message: 'unexpected' },
      };
      if (answer.silence === 'whole') return;
      stream.respond({ ':status': answer.status, 'content-type': 'application/x-amz-json-1.1' });
      if (answer.silence === 'body') return;
      stream.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = clientOf((server.address() as AddressInfo).port);
});

afterAll(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  requests.length = 0;
  answers = [];
});

function clientOf(port: number): KinesisClient {
  return new KinesisClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

describe('PutRecords by the SDK', () => {
  test('gives each entry its result, in their order', async () => {
    const rejected = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded.' };
    const accepted = { SequenceNumber: '49', ShardId: 'shardId-000000000001' };
    answers = [{ status: 200, body: { FailedRecordCount: 1, Records: [rejected, accepted] } }];

    const results = await createKinesisPutRecords(client).putRecords(
      's',
      [ENTRY, { ...ENTRY, explicitHashKey: undefined }],
      5_000,
    );

    expect(results).toEqual([
      { errorCode: rejected.ErrorCode, errorMessage: rejected.ErrorMessage, shardId: undefined },
      { errorCode: undefined, errorMessage: undefined, shardId: 'shardId-000000000001' },
    ]);
    const data = Buffer.from('hello').toString('base64');
    expect(requests[0]?.body).toEqual({
      StreamName: 's',
      Records: [
        { Data: data, PartitionKey: 'k', ExplicitHashKey: '17' },
        { Data: data, PartitionKey: 'k' },
      ],
    });
  });

  test.each([
    ['ResourceNotFoundException', 400, false],
    ['AccessDeniedException', 400, false],
    ['InvalidArgumentException', 400, false],
    ['ProvisionedThroughputExceededException', 400, true],
    ['KMSThrottlingException', 400, true],
    ['InternalFailure', 500, true],
    ['ServiceUnavailable', 503, true],
  ])('fails as a whole with %s (%i); may work later: %s', async (type, status, isRetryable) => {
    answers = [{ status, body: { __type: type, message: 'no' } }];

    const sent = createKinesisPutRecords(client).putRecords('s', [ENTRY], 5_000);

    await expect(sent).rejects.toMatchObject({ name: 'PutRecordsError', isRetryable });
  });

  test.each([
    ['cut short', 200, '{"FailedRecordCount":0,"Rec'],
    ['that of a proxy', 502, '<html>Bad Gateway</html>'],
    ['empty', 200, ''],
    ['for fewer entries', 200, '{"FailedRecordCount":0,"Records":[]}'],
  ])('may work later when the answer is %s', async (_, status, body) => {
    answers = [{ status, body }];

    const sent = createKinesisPutRecords(client).putRecords('s', [ENTRY], 5_000);

    await expect(sent).rejects.toMatchObject({ name: 'PutRecordsError', isRetryable: true });
  });

  test.each(['whole', 'body'] as const)('is given up when it is not answered in time (%s)', async (silence) => {
    answers = [{ status: 200, body: {}, silence }];

    const sent = createKinesisPutRecords(client).putRecords('s', [ENTRY], 50);

    await expect(sent).rejects.toMatchObject({
      name: 'PutRecordsError',
      isRetryable: true,
      message: 'PutRecords to s: no answer in time',
    });
  });

  test('is given up after the time for an attempt, however much the producer has left', async () => {
    answers = [{ status: 200, body: {}, silence: 'whole' }];

    const sent = createKinesisPutRecords(client, { attemptTimeoutMs: 50 }).putRecords('s', [ENTRY], 60_000);

    await expect(sent).rejects.toMatchObject({ isRetryable: true });
  });

  test('is made on another connection after one that has gone silent', async () => {
    answers = [
      { status: 200, body: {}, silence: 'whole' },
      { status: 200, body: { Records: [{ ShardId: 'shardId-000000000000' }] } },
    ];
    const port = createKinesisPutRecords(client, { attemptTimeoutMs: 50 });
    const sessionsBefore = sessions;

    await expect(port.putRecords('s', [ENTRY], 5_000)).rejects.toThrow('no answer in time');
    await expect(port.putRecords('s', [ENTRY], 5_000)).resolves.toMatchObject([{ errorCode: undefined }]);

    expect(sessions - sessionsBefore).toBe(2);
  });

  test('fails for good without credentials', async () => {
    const stranger = new KinesisClient({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:1',
      credentials: () => Promise.reject(new Error('no credentials')),
    });

    const sent = createKinesisPutRecords(stranger).putRecords('s', [ENTRY], 5_000);

    await expect(sent).rejects.toMatchObject({ isRetryable: false, message: 'PutRecords to s: Error: no credentials' });
    stranger.destroy();
  });

  test('may work later when nobody listens', async () => {
    const nobody = clientOf(1);

    const sent = createKinesisPutRecords(nobody).putRecords('s', [ENTRY], 5_000);

    await expect(sent).rejects.toMatchObject({ name: 'PutRecordsError', isRetryable: true });
    nobody.destroy();
  });
});

describe('ListShards by the SDK', () => {
  test('gives the open shards of every page', async () => {
    const shard = (id: number, ending?: string): object => ({
      ShardId: `shardId-00000000000${id}`,
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: '9' },
      SequenceNumberRange: { StartingSequenceNumber: '1', ...(ending && { EndingSequenceNumber: ending }) },
    });
    answers = [
      { status: 200, body: { Shards: [shard(0, '5'), shard(1)], NextToken: 'more' } },
      { status: 200, body: { Shards: [shard(2)] } },
    ];

    const ranges = await createKinesisPutRecords(client).listShards('s');

    expect(ranges.map((range) => range.shardId)).toEqual(['shardId-000000000001', 'shardId-000000000002']);
    expect(requests.map((request) => request.body)).toEqual([{ StreamName: 's' }, { NextToken: 'more' }]);
  });

  test('is given up when it is not answered in time', async () => {
    answers = [{ status: 200, body: {}, silence: 'whole' }];

    await expect(createKinesisPutRecords(client, { attemptTimeoutMs: 50 }).listShards('s')).rejects.toThrow(
      'ListShards of s: no answer within 50 ms',
    );
  });
});
