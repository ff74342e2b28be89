import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Context, SQSEvent } from 'aws-lambda';
import { createMemoryObjects } from '../test/support/processors/memory-objects.ts';
import { createMemoryStateTable } from '../test/support/processors/memory-state-table.ts';
import { parquetOf } from '../test/support/processors/parquet-file.ts';
import { landedKey, misdeliveredKey, parkedKey, partitionLedgerKey } from './books/keys.ts';
import { type StateKey, type StateTablePort, StateUnavailable } from './books/state-table.ts';
import { createCatalogHandler } from './catalog.ts';
import { OBJECTS_AT_ONCE } from './landed/enter-appeared.ts';
import type { StoredObject } from './landed/objects.ts';
import { partitionOfKey, type TablePartition } from './partition-of-key.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 13);

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
function eventOf({ bucket, key, sizeBytes, etag }: StoredObject): string {
  return JSON.stringify({
    version: '0',
    'detail-type': 'Object Created',
    source: 'aws.s3',
    time: '2026-06-01T12:05:00Z',
    detail: { version: '0', bucket: { name: bucket }, object: { key, size: sizeBytes, etag, sequencer: '0' } },
  });
}

const landed = (key: string, bucket = 'processed') => eventOf({ bucket, key, sizeBytes: 5, etag: 'e' });

let parquet: Buffer;
beforeAll(async () => {
  parquet = await parquetOf('SELECT range AS n FROM range(7)');
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
  const [objects, memory] = [createMemoryObjects(), createMemoryStateTable()];
  const unavailable = new Set<string>();
  const table: StateTablePort = {
    ...memory,
    async transact(writes) {
      const [first] = writes;
      if (first && unavailable.has(first.key.sk)) throw new StateUnavailable('no answer', { cause: undefined });
      return memory.transact(writes);
    },
  };
  const settings = { processedBucket: 'processed', archiveBucket: 'archive', tapeFunction: 'tape' };
  const handler = createCatalogHandler(settings, {
    partitions: {
      async register(name, partitions) {
        registered.push({ table: name, partitions });
        return new Map([...failing].filter(([location]) => partitions.some((each) => each.location === location)));
      },
    },
    objects,
    table,
    clock: { now: () => NOW_MS },
    log: (line) => lines.push(JSON.parse(line)),
  });
  const invoke = async (...bodies: string[]) => {
    const { batchItemFailures } = await handler(messages(...bodies), CONTEXT);
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  /** Puts a Parquet object of 7 rows, and gives its event. */
  const land = (key: string) => eventOf(objects.put('processed', key, parquet));
  const attributesOf = async (key: StateKey) => (await memory.get(key))?.attributes;
  return { invoke, land, registered, lines, objects, unavailable, attributesOf };
}

describe('the catalog', () => {
  test('registers the partition of an object that has landed, and counts its rows', async () => {
    const { invoke, land, registered, lines, attributesOf } = catalog();

    expect(await invoke(land('flights/dt=2001-01-01/a.parquet'))).toEqual([]);
    expect(registered).toEqual([
      {
        table: 'flights',
        partitions: [{ table: 'flights', values: ['2001-01-01'], location: 's3://processed/flights/dt=2001-01-01/' }],
      },
    ]);
    expect(await attributesOf(landedKey('flights', 'flights/dt=2001-01-01/a.parquet'))).toEqual({
      rows: 7,
      bytes: parquet.length,
      partition: '2001-01-01',
      etag: expect.stringMatching(/^[0-9a-f]{32}$/),
      landed_at: Date.UTC(2026, 5, 1, 12, 5),
    });
    expect(await attributesOf(partitionLedgerKey('flights', '2001-01-01'))).toEqual({ landed: 7, objects: 1 });
    expect(lines).toEqual([
      { level: 'INFO', message: 'objects entered', objects: 1, partitions: 1, landed: 1, rows: 7 },
    ]);
  });

  test('registers each partition once, in one call a table, and not again later', async () => {
    const { invoke, land, registered } = catalog();

    await invoke(
      land('flights/dt=2001-01-01/a.parquet'),
      land('flights/dt=2001-01-01/b.parquet'),
      land('failed_events/dt=2026-06-01/hour=12/a.parquet'),
      land('flights/dt=2001-01-02/a.parquet'),
    );
    await invoke(land('flights/dt=2001-01-01/c.parquet'), land('flights/dt=2001-01-03/c.parquet'));

    expect(registered.map(({ table, partitions }) => [table, partitions.map(({ values }) => values)])).toEqual([
      ['flights', [['2001-01-01'], ['2001-01-02']]],
      ['failed_events', [['2026-06-01', '12']]],
      ['flights', [['2001-01-03']]],
    ]);
  });

  test('fails the messages of a partition that could not be registered, counts nothing of it, and tries it again', async () => {
    const failing = new Map([['s3://processed/flights/dt=2001-01-02/', 'Throttled: slow down']]);
    const { invoke, land, registered, lines, attributesOf } = catalog(failing);
    const bodies = ['dt=2001-01-01/a', 'dt=2001-01-02/a', 'dt=2001-01-02/b'].map((key) => land(`flights/${key}`));
    const landedOf = async (day: string) => (await attributesOf(partitionLedgerKey('flights', day)))?.landed;

    expect(await invoke(...bodies)).toEqual(['m1', 'm2']);
    expect([await landedOf('2001-01-01'), await landedOf('2001-01-02')]).toEqual([7, undefined]);
    failing.clear();
    expect(await invoke(...bodies.slice(1))).toEqual([]);

    expect(registered.map(({ partitions }) => partitions.map(({ values }) => values[0]))).toEqual([
      ['2001-01-01', '2001-01-02'],
      ['2001-01-02'],
    ]);
    expect(await landedOf('2001-01-02')).toBe(14);
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
    '{"detail":{"bucket":{"name":"processed"},"object":{"key":"flights/dt=2001-01-01/a","size":"5","etag":"e"}}}',
  ])('fails the message %j alone, which is no event of an object', async (body) => {
    const { invoke, land, registered, lines } = catalog();

    expect(await invoke(land('flights/dt=2001-01-01/a'), body, land('flights/dt=2001-01-02/a'))).toEqual(['m1']);
    expect(registered).toMatchObject([{ partitions: [{ values: ['2001-01-01'] }, { values: ['2001-01-02'] }] }]);
    expect(lines).toMatchObject([{ level: 'WARN', malformed: [expect.stringContaining('allowed: ')] }]);
  });

  test.each([
    landed('errors/dt=2026-06-01/a'),
    landed('errors/flights/a'),
    landed('flights/readme.txt'),
    landed('flights/dt=2001-01-01/a', 'another'),
    landed('failed-payloads/2026-06-01/a', 'archive'),
    landed('flights/dt=2001-01-01/a', 'archive'),
  ])('passes over an object that is none of its own: %s', async (body) => {
    const { invoke, registered, lines, objects } = catalog();

    expect(await invoke(body)).toEqual([]);
    expect(registered).toEqual([]);
    expect(objects.reads).toEqual([]);
    expect(lines).toMatchObject([{ level: 'INFO', ignored: expect.anything() }]);
  });
});

describe('an object that is told of', () => {
  test('twice counts once, in one batch or in two', async () => {
    const { invoke, land, lines, attributesOf } = catalog();
    const body = land('flights/dt=2001-01-01/a.parquet');

    expect(await invoke(body, body)).toEqual([]);
    expect(await invoke(body)).toEqual([]);

    expect(await attributesOf(partitionLedgerKey('flights', '2001-01-01'))).toEqual({ landed: 7, objects: 1 });
    expect(lines).toMatchObject([{ landed: 1, rows: 7 }, { known: 1 }]);
    expect(lines[1]).not.toHaveProperty('rows');
  });

  test('and is no Parquet, or is gone, fails its message alone', async () => {
    const { invoke, land, objects, lines, attributesOf } = catalog();
    const text = eventOf(objects.put('processed', 'flights/dt=2001-01-01/text', 'no parquet, this'));

    expect(await invoke(land('flights/dt=2001-01-01/a'), text, landed('flights/dt=2001-01-01/gone'))).toEqual([
      'm1',
      'm2',
    ]);
    expect(await attributesOf(partitionLedgerKey('flights', '2001-01-01'))).toEqual({ landed: 7, objects: 1 });
    expect(lines).toMatchObject([
      {
        level: 'WARN',
        failures: {
          's3://processed/flights/dt=2001-01-01/text': expect.stringContaining('received no Parquet footer'),
          's3://processed/flights/dt=2001-01-01/gone': expect.stringContaining('NoSuchKey'),
        },
      },
    ]);
  });

  test('while the state table does not answer for it fails its message alone, and counts when it is tried again', async () => {
    const { invoke, land, unavailable, attributesOf } = catalog();
    const bodies = ['a', 'b', 'c'].map((name) => land(`flights/dt=2001-01-01/${name}`));
    unavailable.add('flights/dt=2001-01-01/b');

    expect(await invoke(...bodies)).toEqual(['m1']);
    unavailable.clear();
    expect(await invoke(bodies[1] ?? '')).toEqual([]);
    expect(await attributesOf(partitionLedgerKey('flights', '2001-01-01'))).toEqual({ landed: 21, objects: 3 });
  });

  test('with a hundred others is read with a few of them at once', async () => {
    const { invoke, land, objects, attributesOf } = catalog();
    const bodies = Array.from({ length: 100 }, (_, index) =>
      land(`failed_events/dt=2026-06-01/hour=0${index % 4}/${index}.parquet`),
    );

    expect(await invoke(...bodies)).toEqual([]);
    expect(objects.atOnceMax()).toBe(OBJECTS_AT_ONCE);
    for (const hour of [0, 1, 2, 3]) {
      const key = partitionLedgerKey('failed_events', `2026-06-01T0${hour}`);
      expect(await attributesOf(key)).toEqual({ landed: 175, objects: 25 });
    }
  });

  test('as a batch that Lambda gave up, or as what Firehose could not deliver, is entered as that', async () => {
    const { invoke, objects, lines, registered, attributesOf } = catalog();
    const [parked, misdelivered] = [
      'aws/lambda/5a/shard/2026/06/01/b',
      'errors/flights/processing-failed/dt=2026-06-01/c',
    ];
    const document = {
      requestContext: { functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:tape', condition: 'x' },
      KinesisBatchInfo: {
        ...{ shardId: 'shard', streamArn: 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream' },
        ...{ startSequenceNumber: '1', endSequenceNumber: '2', batchSize: 2 },
      },
    };
    const bodies = [
      eventOf(objects.put('archive', parked, JSON.stringify(document))),
      eventOf(objects.put('processed', misdelivered, '{"errorCode":"A"}\n')),
      eventOf(objects.put('archive', 'aws/lambda/5a/shard/2026/06/01/c', 'no document')),
    ];

    expect(await invoke(...bodies)).toEqual(['m2']);
    expect(await invoke(...bodies.slice(0, 2))).toEqual([]);

    expect(registered).toEqual([]);
    expect(await attributesOf(parkedKey(parked))).toMatchObject({
      status: 'tape_parked',
      records: 2,
      parked_at: NOW_MS,
    });
    expect(await attributesOf(misdeliveredKey(misdelivered))).toMatchObject({
      ...{ table: 'flights', error_type: 'processing-failed', documents: 1, code_A: 1, updated_at: NOW_MS },
    });
    expect(lines).toMatchObject([
      { level: 'WARN', parked: 1, misdelivered: 1 },
      { level: 'INFO', known: 2 },
    ]);
  });

  test('and meets an error of the program fails the invocation', async () => {
    const { invoke, land, objects } = catalog();
    objects.read = async () => {
      throw new TypeError('bug');
    };

    await expect(invoke(land('flights/dt=2001-01-01/a'))).rejects.toThrow('bug');
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
