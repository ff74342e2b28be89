import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  ListDeliveryStreamsCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
} from '@aws-sdk/client-firehose';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createFixedCatalog, type FixedCatalog } from '../../test/support/local/fixed-catalog.ts';
import { createFolderObjectStore, type FolderObjectStore } from '../../test/support/local/folder-object-store.ts';
import { readParquet } from '../../test/support/local/read-parquet.ts';
import { type Clock, createClock } from '../clock.ts';
import { createFront, type Front } from '../front/front.ts';
import type { Properties } from '../service.ts';
import { createFirehoseService, type FirehoseService } from './service.ts';

const INTERVAL_MS = 60_000;
const CONTEXT = { logicalId: 'Stream', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };

let folder: string;
let clock: Clock;
let objects: FolderObjectStore;
let catalog: FixedCatalog;
let logged: string[];
let service: FirehoseService;
const cleanUp: (() => Promise<void> | void)[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'firehose-'));
  clock = createClock();
  objects = createFolderObjectStore(path.join(folder, 'objects'));
  catalog = createFixedCatalog();
  catalog.set({
    database: 'db',
    name: 'events',
    columns: [
      { name: 'id', type: 'int' },
      { name: 'at', type: 'timestamp' },
    ],
  });
  logged = [];
  service = open();
});

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
  clock.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A service on the folder, as at each start of the runtime. */
function open(): FirehoseService {
  const opened = createFirehoseService(
    { account: '000000000000', region: 'us-east-1', endpoint: '', folder: (scope) => path.join(folder, scope), clock },
    {
      objects,
      catalog,
      logs: { write: (_group, _stream, events) => logged.push(...events.map((one) => one.message)) },
    },
  );
  const [kind] = opened.resourceKinds;
  for (const properties of [PARTITIONED, PLAIN])
    kind?.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
  opened.start?.();
  cleanUp.push(() => opened.stop?.());
  return opened;
}

const destination = (more: Properties): Properties => ({
  BucketARN: 'arn:aws:s3:::bucket',
  BufferingHints: { IntervalInSeconds: INTERVAL_MS / 1000, SizeInMBs: 64 },
  CloudWatchLoggingOptions: { Enabled: true, LogGroupName: 'group', LogStreamName: 'S3' },
  DataFormatConversionConfiguration: {
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } },
    SchemaConfiguration: { DatabaseName: 'db', TableName: 'events', VersionId: 'LATEST', RoleARN: 'arn:x' },
  },
  ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/',
  ...more,
});

const PLAIN: Properties = {
  DeliveryStreamName: 'plain',
  DeliveryStreamType: 'DirectPut',
  ExtendedS3DestinationConfiguration: destination({ Prefix: 'plain/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/' }),
};
const PARTITIONED: Properties = {
  DeliveryStreamName: 'partitioned',
  ExtendedS3DestinationConfiguration: destination({
    Prefix: 'parts/dt=!{partitionKeyFromQuery:dt}/',
    DynamicPartitioningConfiguration: { Enabled: true },
    ProcessingConfiguration: {
      Enabled: true,
      Processors: [
        { Type: 'RecordDeAggregation', Parameters: [{ ParameterName: 'SubRecordType', ParameterValue: 'JSON' }] },
        {
          Type: 'MetadataExtraction',
          Parameters: [
            { ParameterName: 'MetadataExtractionQuery', ParameterValue: '{dt:.at[0:10]}' },
            { ParameterName: 'JsonParsingEngine', ParameterValue: 'JQ-1.6' },
          ],
        },
      ],
    },
  }),
};

async function connect(): Promise<FirehoseClient> {
  const front: Front = createFront({ services: () => [service], port: 0, log: () => undefined });
  const endpoint = await front.listen();
  const client = new FirehoseClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  cleanUp.push(
    () => front.close(),
    () => client.destroy(),
  );
  return client;
}

const row = (id: number, day = '2026-01-01'): string => `${JSON.stringify({ id, at: `${day} 00:00:00` })}\n`;
const record = (text: string): { Data: Buffer } => ({ Data: Buffer.from(text) });
const put = (client: FirehoseClient, records: readonly string[], stream = 'partitioned') =>
  client.send(new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: records.map(record) }));

async function delivered(prefix = ''): Promise<number[]> {
  const ids: number[] = [];
  for (const key of objects.keys('bucket', prefix).filter((one) => one.endsWith('.parquet')))
    ids.push(...(await readParquet(await objects.get('bucket', key))).map((one) => Number(one.id)));
  return ids.sort((a, b) => a - b);
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1_000) throw new Error(`Waited in vain for ${holds}`);
    await sleep(10);
  }
}

const settled = (): Promise<void> => until(() => service.idle?.() ?? true);
const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_one, index) => from + index);

describe('PutRecord and PutRecordBatch', () => {
  it('answer every record, in order, and deliver all of them', async () => {
    const client = await connect();

    const { FailedPutCount, Encrypted, RequestResponses } = await put(
      client,
      range(500).map((id) => row(id)),
    );
    const single = await client.send(
      new PutRecordCommand({ DeliveryStreamName: 'partitioned', Record: record(row(500)) }),
    );
    await service.flush();

    expect({ FailedPutCount, Encrypted }).toEqual({ FailedPutCount: 0, Encrypted: false });
    expect(new Set(RequestResponses?.map((one) => one.RecordId)).size).toBe(500);
    expect(single.RecordId).toEqual(expect.any(String));
    expect(await delivered('parts/dt=2026-01-01/')).toEqual(range(501));
  });

  it('land only what they accepted when entries are rejected', async () => {
    const client = await connect();
    let drawn = 0;
    service.faults.set({ partialRate: 0.5 }, () => (drawn++ % 3) / 3);

    const { FailedPutCount, RequestResponses = [] } = await put(
      client,
      range(99).map((id) => row(id)),
    );
    await service.flush();

    const accepted = range(99).filter((id) => RequestResponses[id]?.RecordId !== undefined);
    expect(FailedPutCount).toBe(66);
    expect(RequestResponses.filter((one) => one.ErrorCode === 'ServiceUnavailableException')).toHaveLength(66);
    expect(await delivered()).toEqual(accepted);
  });

  it('are refused while the service is unavailable, and land nothing', async () => {
    const client = await connect();
    service.faults.set({ errorRate: 1 });

    await expect(put(client, [row(1)])).rejects.toMatchObject({ name: 'ServiceUnavailableException' });
    service.faults.clear();
    await put(client, [row(2)]);
    await service.flush();

    expect(await delivered()).toEqual([2]);
  });

  const KIB = 1024;
  const padded = (bytes: number): string => `{"id":1,"pad":"${'x'.repeat(bytes - 17)}"}`;
  it.each([
    ['501 records', range(501).map(() => '{}'), 'InvalidArgumentException'],
    ['no records', [], 'InvalidArgumentException'],
    ['a record over 1,000 KiB', [padded(1_000 * KIB + 1)], 'InvalidArgumentException'],
    ['more than 4 MiB', range(5).map(() => padded(1_000 * KIB)), 'InvalidArgumentException'],
  ])('refuse %s', async (_name, records, name) => {
    await expect(put(await connect(), records, 'plain')).rejects.toMatchObject({ name });
  });

  it('take 4 MiB in records of up to 1,000 KiB', async () => {
    const records = [...range(4).map(() => padded(1_000 * KIB)), padded(96 * KIB)];
    await put(await connect(), records, 'plain');
    await service.flush();

    expect(await delivered()).toEqual([1, 1, 1, 1, 1]);
  });

  it('name a delivery stream that does not exist', async () => {
    await expect(put(await connect(), [row(1)], 'other')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('other operations', () => {
  it('describe and list the streams of the template', async () => {
    const client = await connect();

    const { DeliveryStreamDescription } = await client.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'plain' }),
    );
    const first = await client.send(new ListDeliveryStreamsCommand({ Limit: 1 }));
    const rest = await client.send(new ListDeliveryStreamsCommand({ ExclusiveStartDeliveryStreamName: 'partitioned' }));

    expect(DeliveryStreamDescription).toMatchObject({
      DeliveryStreamARN: 'arn:aws:firehose:us-east-1:000000000000:deliverystream/plain',
      DeliveryStreamStatus: 'ACTIVE',
      Destinations: [{ ExtendedS3DestinationDescription: { BucketARN: 'arn:aws:s3:::bucket' } }],
    });
    expect(first).toMatchObject({ DeliveryStreamNames: ['partitioned'], HasMoreDeliveryStreams: true });
    expect(rest).toMatchObject({ DeliveryStreamNames: ['plain'], HasMoreDeliveryStreams: false });
  });

  it('are refused by name', async () => {
    const { status, body } = await service.handle({
      id: '1',
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: { 'x-amz-target': 'Firehose_20150804.DeleteDeliveryStream' },
      body: Readable.from([]),
    });

    expect(status).toBe(400);
    expect(String(body)).toContain('does not support Firehose_20150804.DeleteDeliveryStream');
  });
});

describe('buffers', () => {
  it('are delivered when their interval is over on the shared clock, each partition by its own, and not before', async () => {
    const client = await connect();
    await put(client, [row(1, '2026-01-01')]);
    clock.advance(INTERVAL_MS / 2);
    await put(client, [row(2, '2026-01-02'), row(3, '2026-01-01')]);

    clock.advance(INTERVAL_MS / 2 - 5_000);
    await settled();
    expect(objects.keys('bucket', '')).toEqual([]);

    clock.advance(5_000);
    await settled();
    expect(await delivered('parts/dt=2026-01-01/')).toEqual([1, 3]);
    expect(await delivered('parts/dt=2026-01-02/')).toEqual([]);

    clock.advance(INTERVAL_MS / 2);
    await settled();
    expect(await delivered('parts/dt=2026-01-02/')).toEqual([2]);
    expect(objects.attempts()).toBe(2);
  });

  it('are delivered when they are full, without waiting', async () => {
    const client = await connect();
    const line = `${JSON.stringify({ id: 7, at: '2026-01-01 00:00:00', pad: 'x'.repeat(900_000) })}\n`;
    const body = JSON.stringify({
      DeliveryStreamName: 'plain',
      Records: range(4).map(() => ({ Data: Buffer.from(line).toString('base64') })),
    });
    const putFour = () =>
      service.handle({
        id: '1',
        method: 'POST',
        path: '/',
        query: new URLSearchParams(),
        headers: { 'x-amz-target': 'Firehose_20150804.PutRecordBatch' },
        body: Readable.from([Buffer.from(body)]),
      });
    for (let sent = 0; sent < 18; sent++) await putFour();
    await settled();
    expect(objects.attempts()).toBe(0);

    await putFour();
    await settled();
    expect(await delivered('plain/')).toHaveLength(76);
    client.destroy();
  });

  it('put rows under the arrival time, and errors under theirs', async () => {
    const client = await connect();
    const day = new Date(clock.now()).toISOString().slice(0, 10);

    await put(client, [row(1), '{"id":"x"}', 'oops'], 'plain');
    await service.flush();

    const [error, plain, ...others] = objects.keys('bucket', '');
    expect(others).toEqual([]);
    expect(plain).toMatch(new RegExp(`^plain/dt=${day}/hour=\\d\\d/plain-1-${day}-.*\\.parquet$`));
    expect(error).toMatch(new RegExp(`^errors/format-conversion-failed/dt=${day}/plain-1-${day}-[\\d-]+-[0-9a-f-]+$`));
    const lines = String(await objects.get('bucket', error ?? '')).split('\n');
    expect(lines.slice(0, -1).map((line) => JSON.parse(line).lastErrorCode)).toEqual([
      'DataFormatConversion.MalformedData',
      'DataFormatConversion.ParseError',
    ]);
  });

  it('follow a changed table from the next record on', async () => {
    const client = await connect();
    await put(client, [row(1)], 'plain');
    catalog.set({
      database: 'db',
      name: 'events',
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'more', type: 'string' },
      ],
    });

    await put(client, ['{"id":9007199254740993,"more":"x"}'], 'plain');
    await service.flush();

    const rows = await Promise.all(
      objects.keys('bucket', 'plain/').map(async (key) => readParquet(await objects.get('bucket', key))),
    );
    expect(rows.flat()).toEqual(
      expect.arrayContaining([
        { id: 1, at: new Date('2026-01-01T00:00:00Z') },
        { id: 9007199254740993n, more: 'x' },
      ]),
    );
  });

  it('refuse puts, and say why, while the table has a column that cannot be written', async () => {
    const client = await connect();
    catalog.set({ database: 'db', name: 'events', columns: [{ name: 'id', type: 'binary' }] });
    await expect(put(client, [row(1)], 'plain')).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
    await expect(put(client, [row(1)], 'plain')).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });

    catalog.set({ database: 'db', name: 'events', columns: [{ name: 'id', type: 'int' }] });
    await put(client, [row(2)], 'plain');
    await service.flush();

    expect(await delivered()).toEqual([2]);
  });
});

describe('idle', () => {
  it('is false while records are taken in and while objects are written', async () => {
    const client = await connect();
    expect(service.idle?.()).toBe(true);

    const putting = put(
      client,
      range(500).map((id) => row(id)),
    );
    await until(() => service.idle?.() === false);
    await putting;
    await settled();
    const release = objects.hold();
    clock.advance(INTERVAL_MS);
    expect(service.idle?.()).toBe(false);
    await until(() => objects.attempts() === 1);
    await sleep(50);
    expect(service.idle?.()).toBe(false);

    release();
    await settled();
    expect(await delivered()).toHaveLength(500);
  });
});

describe('failures', () => {
  it('of S3 are logged and tried again until S3 takes the objects, and lose nothing', async () => {
    const client = await connect();
    objects.refuse('Please reduce your request rate.');
    await put(
      client,
      range(50).map((id) => row(id)),
    );

    await expect(service.flush()).rejects.toThrow(
      /1 objects could not be delivered, such as s3:\/\/bucket\/parts\/.*reduce your request/,
    );
    for (const waitMs of [1_000, 2_000, 4_000]) {
      await put(client, [row(waitMs)]);
      clock.advance(waitMs);
      await settled();
    }
    expect(objects.keys('bucket', '')).toEqual([]);
    expect(JSON.parse(logged[0] ?? '')).toMatchObject({
      errorCode: 'S3.DeliveryFailed',
      message: 'Please reduce your request rate.',
    });

    objects.refuse(undefined);
    clock.advance(INTERVAL_MS);
    await settled();
    await service.flush();
    expect(await delivered()).toEqual([...range(50), 1_000, 2_000, 4_000]);
  });

  it('of the process lose nothing: the next one delivers what was accepted, once', async () => {
    const client = await connect();
    await put(client, [...range(100).map((id) => row(id)), 'broken']);
    await put(
      client,
      range(100, 100).map((id) => row(id, '2026-01-02')),
    );

    // Nothing of the first is stopped or flushed, as when it is killed.
    service = open();
    await settled();
    await put(client, [row(200)]);
    await service.flush();

    expect(await delivered()).toEqual(range(201));
    expect(objects.keys('bucket', 'errors/')).toHaveLength(1);
    expect(readdirSync(path.join(folder, 'firehose', 'spool'))).toEqual([]);
  });

  it('between delivering and forgetting make the same object again, not another', async () => {
    const client = await connect();
    await put(client, [row(1)]);
    const spool = path.join(folder, 'firehose', 'spool');
    cpSync(spool, path.join(folder, 'before'), { recursive: true });
    await service.flush();
    cpSync(path.join(folder, 'before'), spool, { recursive: true });

    service = open();
    await settled();

    expect(await delivered()).toEqual([1]);
    expect(objects.attempts()).toBe(2);
  });

  it('do not count what was put before start() as left behind', async () => {
    const early = createFirehoseService(
      {
        account: '000000000000',
        region: 'us-east-1',
        endpoint: '',
        folder: (scope) => path.join(folder, `early-${scope}`),
        clock,
      },
      { objects, catalog, logs: { write: () => undefined } },
    );
    cleanUp.push(() => early.stop?.());
    const [kind] = early.resourceKinds;
    kind?.create?.(PLAIN, kind.identify(PLAIN, CONTEXT), CONTEXT);
    service = early;
    const client = await connect();

    await put(client, [row(1)], 'plain');
    early.start?.();
    await put(client, [row(2)], 'plain');
    await early.flush();

    expect(await delivered()).toEqual([1, 2]);
    expect(objects.attempts()).toBe(1);
  });
});

describe('stop', () => {
  it('during load loses nothing that was accepted, now or at the next start', async () => {
    const client = await connect();
    const accepted = new Set<number>();
    let id = 0;
    const produce = async (): Promise<void> => {
      while (true) {
        id += 20;
        const mine = range(20, id);
        try {
          await put(
            client,
            mine.map((one) => row(one, `2026-01-0${1 + (one % 3)}`)),
          );
        } catch {
          return;
        }
        for (const one of mine) accepted.add(one);
      }
    };
    const producing = Promise.all([produce(), produce(), produce()]);
    await until(() => accepted.size > 500);

    await service.stop?.();
    await producing;
    service = open();
    await settled();

    const ids = new Set(await delivered());
    expect([...accepted].filter((one) => !ids.has(one))).toEqual([]);
    expect(accepted.size).toBeGreaterThan(500);
  });

  it('keeps on disk what S3 refuses', async () => {
    const client = await connect();
    await put(client, [row(1)]);
    objects.refuse('Access Denied');
    await service.stop?.();
    await expect(put(client, [row(2)])).rejects.toThrow();

    objects.refuse(undefined);
    service = open();
    await settled();

    expect(await delivered()).toEqual([1]);
  });
});
