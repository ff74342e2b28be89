import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import type { StoredRecord } from '../ports.ts';
import { AwsError, type Properties, type ServiceResponse } from '../service.ts';
import { createLambdaService, type LambdaService } from './service.ts';

const STREAM_ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/subject';
const CONTEXT = { stackName: 'stack', account: '000000000000', region: 'us-east-1' };

let folder: string;
let clock: Clock;
let records: StoredRecord[];
let listeners: (() => void)[];
let log: string[];
let warnings: string[];
let service: LambdaService;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lambda-'));
  clock = createClock();
  records = [];
  listeners = [];
  log = [];
  warnings = [];
  service = createLambdaService(
    { account: '000000000000', region: 'us-east-1', endpoint: 'http://127.0.0.1:4566', folder: () => folder, clock },
    {
      streams: {
        shards: () => [{ shardId: 'shardId-000000000000', parents: [], isEnded: false }],
        tip: () => records.at(-1)?.sequenceNumber,
        read: (_arn, _shard, after, recordsMax) =>
          records.filter((record) => after === undefined || record.sequenceNumber > after).slice(0, recordsMax),
        onRecords: (_arn, listener) => {
          listeners.push(() => listener('shardId-000000000000'));
          return () => undefined;
        },
      },
      queues: {
        send: async () => undefined,
        receive: async () => [],
        delete: async () => undefined,
        release: async () => undefined,
        depth: async () => 0,
      },
      logs: { write: (_group, _stream, events) => void log.push(...events.map((event) => event.message)) },
      objects: {
        put: async () => ({ etag: '', size: 0 }),
        get: async () => Buffer.alloc(0),
        fileOf: () => undefined,
        keys: () => [],
      },
      assetFolder: (key) => path.join(folder, key),
      warn: (line) => warnings.push(line),
    },
  );
});

afterEach(async () => {
  await service.stop?.();
  clock.stop();
  rmSync(folder, { recursive: true });
});

async function create(type: string, logicalId: string, properties: Properties): Promise<string> {
  const kind = service.resourceKinds.find((each) => each.type === type);
  if (!kind) throw new Error(`no kind ${type}`);
  const context = { ...CONTEXT, logicalId };
  const identity = kind.identify(properties, context);
  await kind.create?.(properties, identity, context);
  return identity.ref;
}

/** A function with this bundle. */
async function createFunction(name: string, source: string, properties: Properties = {}): Promise<void> {
  mkdirSync(path.join(folder, name));
  writeFileSync(path.join(folder, name, 'index.cjs'), source);
  await create('AWS::Lambda::Function', name, {
    FunctionName: name,
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Role: 'arn:aws:iam::000000000000:role/r',
    Code: { S3Bucket: 'assets', S3Key: name },
    ...properties,
  });
}

const createMapping = (properties: Properties = {}): Promise<string> =>
  create('AWS::Lambda::EventSourceMapping', 'Mapping', {
    FunctionName: 'subject',
    EventSourceArn: STREAM_ARN,
    StartingPosition: 'TRIM_HORIZON',
    ...properties,
  });

async function call(
  method: string,
  target: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<ServiceResponse> {
  const [where = '', query = ''] = target.split('?');
  return service.handle({
    id: 'request',
    method,
    path: `/2015-03-31${where}`,
    query: new URLSearchParams(query),
    headers,
    body: Readable.from([Buffer.from(body)]),
  });
}

const bodyOf = (response: ServiceResponse): Record<string, unknown> => JSON.parse(String(response.body));

function put(data: string): void {
  const sequenceNumber = `4959${String(records.length + 1).padStart(52, '0')}`;
  records.push({ sequenceNumber, partitionKey: 'k', data: Buffer.from(data), arrivedAtMs: clock.now() });
  for (const listener of listeners) listener();
}

async function idle(): Promise<void> {
  do await sleep(20);
  while (!service.idle?.());
}

describe('Invoke', () => {
  beforeEach(() =>
    createFunction(
      'subject',
      `exports.handler = async (event) => {
        console.log('got', JSON.stringify(event));
        if (event.fails) throw new Error('as asked');
        return { echo: event };
      };`,
    ),
  );

  it('gives the result, the version and, when asked, the end of the log', async () => {
    const response = await call('POST', '/functions/subject/invocations', '{"a":1}', { 'x-amz-log-type': 'Tail' });

    expect(response).toMatchObject({ status: 200, headers: { 'x-amz-executed-version': '$LATEST' } });
    expect(response.headers).not.toHaveProperty('x-amz-function-error');
    expect(bodyOf(response)).toEqual({ echo: { a: 1 } });
    const tail = Buffer.from(response.headers?.['x-amz-log-result'] ?? '', 'base64').toString();
    expect(tail).toMatch(/^START RequestId.*\n.*got {"a":1}\nEND RequestId.*\nREPORT .*\n$/);
  });

  it('gives a function error with status 200 and its header', async () => {
    const response = await call('POST', '/functions/subject/invocations', '{"fails":true}');

    expect(response).toMatchObject({ status: 200, headers: { 'x-amz-function-error': 'Unhandled' } });
    expect(bodyOf(response)).toMatchObject({ errorType: 'Error', errorMessage: 'as asked' });
  });

  it.each([
    'subject:$LATEST',
    'arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Asubject',
    '000000000000:function:subject',
  ])('finds the function by %s', async (reference) => {
    expect((await call('POST', `/functions/${reference}/invocations`, '{}')).status).toBe(200);
  });

  it('accepts an event, runs it, and retries it twice when it fails', async () => {
    const accepted = await call('POST', '/functions/subject/invocations', '{"fails":true}', {
      'x-amz-invocation-type': 'Event',
    });
    for (let step = 0; step < 4; step += 1) {
      await idle();
      clock.advance(200_000);
    }

    expect(accepted.status).toBe(202);
    expect(log.filter((line) => line.startsWith('START'))).toHaveLength(3);
  });

  it('retries what a schedule invoked as upkeep, which no drain waits for', async () => {
    service.asynchronously('arn:aws:lambda:us-east-1:000000000000:function:subject')('{"fails":true}');
    await idle();
    expect(clock.nextDueMs()).toBeUndefined();
    for (let step = 0; step < 4; step += 1) {
      clock.advance(200_000);
      await idle();
    }

    expect(log.filter((line) => line.startsWith('START'))).toHaveLength(3);
    expect(() => service.asynchronously('absent')).toThrow('Function not found: absent');
  });

  it('checks without running for DryRun', async () => {
    const response = await call('POST', '/functions/subject/invocations', '{}', { 'x-amz-invocation-type': 'DryRun' });

    expect(response.status).toBe(204);
    expect(log).toEqual([]);
  });

  it.each([
    ['a function that is not there', '/functions/other/invocations', '{}', 'ResourceNotFoundException', 404],
    [
      'a version that is not there',
      '/functions/subject/invocations?Qualifier=7',
      '{}',
      'ResourceNotFoundException',
      404,
    ],
    ['a body that is no JSON', '/functions/subject/invocations', '{', 'InvalidRequestContentException', 400],
    [
      'a body over 6 MB',
      '/functions/subject/invocations',
      `"${'x'.repeat(6_291_456)}"`,
      'RequestTooLargeException',
      413,
    ],
  ])('refuses %s', async (_name, target, body, code, status) => {
    await expect(call('POST', target, body)).rejects.toMatchObject({ code, status });
  });

  it('answers TooManyRequestsException beyond the reserved concurrency', async () => {
    await createFunction('none', 'exports.handler = async () => 1;', { ReservedConcurrentExecutions: 0 });

    await expect(call('POST', '/functions/none/invocations', '{}')).rejects.toMatchObject({
      code: 'TooManyRequestsException',
      status: 429,
    });
  });
});

describe('what the template says', () => {
  it('is told by ListFunctions, GetFunction and GetFunctionConfiguration', async () => {
    await createFunction('subject', 'exports.handler = async () => 1;', {
      MemorySize: '512',
      Timeout: 60,
      Environment: { Variables: { A: '1' } },
      ReservedConcurrentExecutions: 4,
    });
    await createFunction('other', 'exports.handler = async () => 1;');

    const list = bodyOf(await call('GET', '/functions/'));
    const page = bodyOf(await call('GET', '/functions?MaxItems=1'));
    const one = bodyOf(await call('GET', '/functions/subject'));
    const configuration = bodyOf(await call('GET', '/functions/subject/configuration'));

    const expected = {
      FunctionName: 'subject',
      MemorySize: 512,
      Timeout: 60,
      Environment: { Variables: { A: '1' } },
      CodeSize: 32,
    };
    expect(list).toMatchObject({ Functions: [expected, { FunctionName: 'other', MemorySize: 128, Timeout: 3 }] });
    expect(page).toMatchObject({ Functions: [expected], NextMarker: '1' });
    expect(one).toMatchObject({ Configuration: expected, Concurrency: { ReservedConcurrentExecutions: 4 } });
    expect(configuration).toMatchObject(expected);
  });

  it('is told by ListEventSourceMappings and GetEventSourceMapping', async () => {
    await createFunction('subject', 'exports.handler = async () => 1;');
    const id = await createMapping({
      BatchSize: 500,
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 3_600,
    });

    const list = bodyOf(await call('GET', '/event-source-mappings?FunctionName=subject'));
    const none = bodyOf(await call('GET', '/event-source-mappings?FunctionName=other'));
    const one = bodyOf(await call('GET', `/event-source-mappings/${id}`));

    const expected = {
      UUID: id,
      EventSourceArn: STREAM_ARN,
      FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:subject',
      BatchSize: 500,
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: 3_600,
      BisectBatchOnFunctionError: true,
      ParallelizationFactor: 1,
      State: 'Enabled',
    };
    expect(list).toMatchObject({ EventSourceMappings: [expected] });
    expect(none).toEqual({ EventSourceMappings: [] });
    expect(one).toMatchObject(expected);
  });

  it.each([
    ['another runtime', { Runtime: 'python3.13' }, /Runtime: .*nodejs/],
    ['inline code', { Code: { ZipFile: 'x' } }, /Code\.S3Key: .*assets only/],
    ['too little memory', { MemorySize: 64 }, /MemorySize/],
    ['too long a timeout', { Timeout: 901 }, /Timeout/],
  ])('is refused by name for a function with %s', async (_name, properties, message) => {
    const created = createFunction('subject', '', properties);

    await expect(created).rejects.toThrow(/^subject \(AWS::Lambda::Function\): /);
    await expect(created).rejects.toThrow(message);
  });

  it.each([
    ['parallelization', { ParallelizationFactor: 2 }, /ParallelizationFactor: only 1/],
    ['a tumbling window', { TumblingWindowInSeconds: 60 }, /TumblingWindowInSeconds: tumbling/],
    ['filters', { FilterCriteria: { Filters: [] } }, /FilterCriteria: filters/],
    ['no starting position', { StartingPosition: undefined }, /StartingPosition/],
    ['too large a batch', { BatchSize: 10_001 }, /BatchSize/],
    ['a record age below the floor', { MaximumRecordAgeInSeconds: 59 }, /MaximumRecordAgeInSeconds: -1 or 60/],
    [
      'another kind of source',
      { EventSourceArn: 'arn:aws:dynamodb:us-east-1:0:table/t/stream/s' },
      /a Kinesis stream or an SQS queue/,
    ],
    [
      'a topic as destination',
      { DestinationConfig: { OnFailure: { Destination: 'arn:aws:sns:us-east-1:0:t' } } },
      /S3 buckets and SQS queues/,
    ],
    [
      'a large queue batch without a window',
      { EventSourceArn: 'arn:aws:sqs:us-east-1:0:q', BatchSize: 11 },
      /MaximumBatchingWindowInSeconds/,
    ],
  ])('is refused by name for a mapping with %s', async (_name, properties, message) => {
    await createFunction('subject', 'exports.handler = async () => 1;');
    const created = createMapping(properties);

    await expect(created).rejects.toThrow(/^Mapping \(AWS::Lambda::EventSourceMapping\): /);
    await expect(created).rejects.toThrow(message);
  });
});

describe('a stream that feeds a function', () => {
  const REPORTS_BAD = `exports.handler = async ({ Records }) => {
    for (const { kinesis } of Records) {
      const data = Buffer.from(kinesis.data, 'base64').toString();
      if (data === 'bad') return { batchItemFailures: [{ itemIdentifier: kinesis.sequenceNumber }] };
      console.log('took', data);
    }
  };`;
  const taken = (): string[] => log.flatMap((line) => /took (\S+)$/.exec(line)?.[1] ?? []);

  it('loses nothing and keeps its order when the process is killed in mid-batch', async () => {
    await createFunction(
      'subject',
      `exports.handler = async ({ Records }) => {
        await new Promise((resolve) => setTimeout(resolve, 150));
        for (const { kinesis } of Records) console.log('took', Buffer.from(kinesis.data, 'base64').toString());
      };`,
    );
    await createMapping({ BatchSize: 2, FunctionResponseTypes: ['ReportBatchItemFailures'] });
    service.faults.killAt({ invocation: 2, afterMs: 30 });
    await service.start?.();

    for (const data of ['1', '2', '3', '4', '5']) put(data);
    await idle();
    clock.advance(1_000);
    await idle();

    expect(taken()).toEqual(['1', '2', '3', '4', '5']);
    expect(log.filter((line) => line.includes('signal: SIGKILL'))).toHaveLength(1);
    expect(service.lag()).toMatchObject([{ functionName: 'subject', shards: [{ behindRecords: 0, millisBehind: 0 }] }]);
  });

  it('goes past a record that keeps failing once its retries are used up', async () => {
    await createFunction('subject', REPORTS_BAD);
    await createMapping({
      MaximumRetryAttempts: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      BatchSize: 1,
    });
    await service.start?.();

    for (const data of ['1', 'bad', '2']) put(data);
    for (let step = 0; step < 3; step += 1) {
      await idle();
      clock.advance(1_000);
    }
    await idle();

    expect(taken()).toEqual(['1', '2']);
    expect(warnings).toEqual([expect.stringContaining('dropped 1 records')]);
  });

  it('is not read while its mapping is disabled', async () => {
    await createFunction('subject', REPORTS_BAD);
    const id = await createMapping({ Enabled: false });
    await service.start?.();

    put('1');
    await idle();

    expect(log).toEqual([]);
    expect(bodyOf(await call('GET', `/event-source-mappings/${id}`))).toMatchObject({ State: 'Disabled' });
  });

  it('is held until what is in work has ended when the service stops', async () => {
    await createFunction(
      'subject',
      `exports.handler = async () => { await new Promise((r) => setTimeout(r, 300)); console.log('took all'); };`,
    );
    await createMapping();
    await service.start?.();

    put('1');
    await sleep(100);
    await service.stop?.();

    expect(taken()).toEqual(['all']);
  });
});

it('refuses other operations by name', async () => {
  const refused = call('DELETE', '/functions/subject');

  await expect(refused).rejects.toBeInstanceOf(AwsError);
  await expect(refused).rejects.toThrow(/DELETE .*functions\/subject. Supported: ListFunctions, /);
});
