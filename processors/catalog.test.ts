import { describe, expect, test } from '@jest/globals';
import type { Context, SQSEvent } from 'aws-lambda';
import { createCatalogHandler } from './catalog.ts';
import { partitionOfKey, type TablePartition } from './partition-of-key.ts';

const CONTEXT: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'catalog',
  functionVersion: '1',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:catalog',
  memoryLimitInMB: '512',
  logGroupName: 'group',
  logStreamName: 'stream',
  awsRequestId: 'request',
  getRemainingTimeInMillis: () => 60_000,
  done() {},
  fail() {},
  succeed() {},
};

/** An EventBridge event as S3 publishes it: AmazonS3/latest/userguide/ev-events.html */
const landed = (key: string, bucket = 'processed') =>
  JSON.stringify({
    version: '0',
    'detail-type': 'Object Created',
    source: 'aws.s3',
    detail: { version: '0', bucket: { name: bucket }, object: { key, size: 5, etag: 'e', sequencer: '0' } },
  });

function messages(...bodies: string[]): SQSEvent {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `m${index}`,
      receiptHandle: `r${index}`,
      body,
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '0',
        SenderId: 's',
        ApproximateFirstReceiveTimestamp: '0',
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:landed',
      awsRegion: 'us-east-1',
    })),
  };
}

/** @param failing location and reason of what cannot be registered */
function catalog(failing: ReadonlyMap<string, string> = new Map()) {
  const registered: { readonly table: string; readonly partitions: readonly TablePartition[] }[] = [];
  const lines: unknown[] = [];
  const handler = createCatalogHandler('processed', {
    partitions: {
      async register(table, partitions) {
        registered.push({ table, partitions });
        return new Map([...failing].filter(([location]) => partitions.some((each) => each.location === location)));
      },
    },
    log: (line) => lines.push(JSON.parse(line)),
  });
  const invoke = async (...bodies: string[]) => {
    const { batchItemFailures } = await handler(messages(...bodies), CONTEXT);
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  return { invoke, registered, lines };
}

describe('the catalog', () => {
  test('registers the partition of an object that has landed', async () => {
    const { invoke, registered, lines } = catalog();

    expect(await invoke(landed('flights/dt=2001-01-01/a.parquet'))).toEqual([]);
    expect(registered).toEqual([
      {
        table: 'flights',
        partitions: [{ table: 'flights', values: ['2001-01-01'], location: 's3://processed/flights/dt=2001-01-01/' }],
      },
    ]);
    expect(lines).toEqual([{ level: 'INFO', message: 'partitions registered', objects: 1, partitions: 1 }]);
  });

  test('registers each partition once, in one call a table, and not again later', async () => {
    const { invoke, registered } = catalog();

    await invoke(
      landed('flights/dt=2001-01-01/a.parquet'),
      landed('flights/dt=2001-01-01/b.parquet'),
      landed('failed_events/dt=2026-06-01/hour=12/a.parquet'),
      landed('flights/dt=2001-01-02/a.parquet'),
    );
    await invoke(landed('flights/dt=2001-01-01/c.parquet'), landed('flights/dt=2001-01-03/c.parquet'));

    expect(registered.map(({ table, partitions }) => [table, partitions.map(({ values }) => values)])).toEqual([
      ['flights', [['2001-01-01'], ['2001-01-02']]],
      ['failed_events', [['2026-06-01', '12']]],
      ['flights', [['2001-01-03']]],
    ]);
  });

  test('fails the messages of a partition that could not be registered, and tries it again', async () => {
    const failing = new Map([['s3://processed/flights/dt=2001-01-02/', 'Throttled: slow down']]);
    const { invoke, registered, lines } = catalog(failing);
    const bodies = ['dt=2001-01-01/a', 'dt=2001-01-02/a', 'dt=2001-01-02/b'].map((key) => landed(`flights/${key}`));

    expect(await invoke(...bodies)).toEqual(['m1', 'm2']);
    failing.clear();
    expect(await invoke(...bodies.slice(1))).toEqual([]);

    expect(registered.map(({ partitions }) => partitions.map(({ values }) => values[0]))).toEqual([
      ['2001-01-01', '2001-01-02'],
      ['2001-01-02'],
    ]);
    expect(lines[0]).toMatchObject({
      level: 'WARN',
      partitions: 1,
      failures: { 's3://processed/flights/dt=2001-01-02/': 'Throttled: slow down' },
    });
  });

  test('fails every message, and not the invocation, when nothing could be registered', async () => {
    const failing = new Map([['s3://processed/flights/dt=2001-01-01/', 'no']]);

    expect(await catalog(failing).invoke(landed('flights/dt=2001-01-01/a'))).toEqual(['m0']);
  });

  test.each([
    '',
    'text',
    '[]',
    'null',
    '{}',
    '{"detail":{"bucket":{"name":"processed"}}}',
    '{"detail":{"object":{"key":7}}}',
  ])('fails the message %j alone, which is no event of an object', async (body) => {
    const { invoke, registered, lines } = catalog();

    expect(await invoke(landed('flights/dt=2001-01-01/a'), body, landed('flights/dt=2001-01-02/a'))).toEqual(['m1']);
    expect(registered).toMatchObject([{ partitions: [{ values: ['2001-01-01'] }, { values: ['2001-01-02'] }] }]);
    expect(lines).toMatchObject([{ level: 'WARN', malformed: [expect.stringContaining('allowed: ')] }]);
  });

  test.each([
    landed('errors/flights/format-conversion-failed/dt=2026-06-01/a'),
    landed('errors/dt=2026-06-01/a'),
    landed('flights/readme.txt'),
    landed('flights/dt=2001-01-01/a', 'another'),
  ])('passes over an object that is in no partition of its bucket: %s', async (body) => {
    const { invoke, registered, lines } = catalog();

    expect(await invoke(body)).toEqual([]);
    expect(registered).toEqual([]);
    expect(lines).toMatchObject([{ level: 'INFO', ignored: expect.anything() }]);
  });
});

describe('the partition of a key', () => {
  const valuesOf = (key: string) => partitionOfKey('b', key)?.values;

  test.each([
    ['flights/dt=2001-01-01/a.parquet', ['2001-01-01']],
    ['failed_events/dt=2026-06-01/hour=12/data pipeline+1.parquet', ['2026-06-01', '12']],
  ])('of %s is %j', (key, values) => {
    expect(valuesOf(key)).toEqual(values);
  });

  test.each([
    // EventBridge gives keys as they are, so an encoded `=` belongs to the key.
    'flights/dt%3D2001-01-01/a.parquet',
    'flights/dt=2001-01-01/',
    'flights/dt=2001-01-01',
    'flights/dt=2001-1-1/a',
    'flights/dt=2001-01-01/hour=5/a',
    'flights/dt=2001-01-01/hour=05/more/a',
    'dt=2001-01-01/a',
    'x/flights/dt=2001-01-01/a',
  ])('of %s is none', (key) => {
    expect(partitionOfKey('b', key)).toBeUndefined();
  });
});
