import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  BatchCreatePartitionCommand,
  CreatePartitionCommand,
  CreateTableCommand,
  DeletePartitionCommand,
  GetDatabaseCommand,
  GetDatabasesCommand,
  GetPartitionCommand,
  GetPartitionsCommand,
  GetTableCommand,
  GetTablesCommand,
  GlueClient,
  UpdatePartitionCommand,
} from '@aws-sdk/client-glue';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createClock } from '../clock.ts';
import { createFront, type Front } from '../front/front.ts';
import type { Properties } from '../service.ts';
import { createGlueService, type GlueService } from './service.ts';

const CONTEXT = { logicalId: 'Logical', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };
const IN = { DatabaseName: 'lake', TableName: 'events' };
const clock = createClock();

let folder: string;
let service: GlueService;
let front: Front;
let client: GlueClient;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'glue-'));
  service = open();
  front = createFront({ services: () => [service], port: 0, log: () => undefined });
  client = new GlueClient({
    endpoint: await front.listen(),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
});

afterEach(async () => {
  client.destroy();
  await front.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A service on the folder with what a template declares, as at each start. */
function open(): GlueService {
  const opened = createGlueService({
    account: '000000000000',
    region: 'us-east-1',
    endpoint: '',
    folder: (scope) => path.join(folder, scope),
    clock,
  });
  create(opened, 'AWS::Glue::Database', { DatabaseInput: { Name: 'Lake', Description: 'd', LocationUri: 's3://b/' } });
  create(opened, 'AWS::Glue::Table', table('Events'));
  create(opened, 'AWS::Glue::Table', table('errors', { PartitionKeys: [] }));
  return opened;
}

function create(on: GlueService, type: string, properties: Properties): void {
  const kind = on.resourceKinds.find((one) => one.type === type);
  kind?.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
}

const table = (name: string, input: Properties = {}): Properties => ({
  CatalogId: '000000000000',
  DatabaseName: 'lake',
  TableInput: {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    Parameters: { classification: 'parquet', count: 5 },
    PartitionKeys: [
      { Name: 'dt', Type: 'string' },
      { Name: 'hour', Type: 'string' },
    ],
    StorageDescriptor: { Columns: [{ Name: 'Id', Type: 'int' }], Location: 's3://b/events' },
    ...input,
  },
});

const partition = (dt: string, hour = '00') => ({ Values: [dt, hour] });
const batch = (partitions: readonly { Values: string[] }[]) =>
  client.send(new BatchCreatePartitionCommand({ ...IN, PartitionInputList: [...partitions] }));
const get = (input: object) => client.send(new GetPartitionsCommand({ ...IN, ...input }));
const days = (count: number) =>
  Array.from({ length: count }, (_one, index) => partition(`d${String(index).padStart(4, '0')}`));

describe('databases and tables', () => {
  it('are those of the template, in lower case', async () => {
    const { Database } = await client.send(new GetDatabaseCommand({ Name: 'LAKE' }));
    const { DatabaseList } = await client.send(new GetDatabasesCommand({}));
    const { Table } = await client.send(new GetTableCommand({ DatabaseName: 'lake', Name: 'EVENTS' }));

    expect(Database).toMatchObject({
      Name: 'lake',
      Description: 'd',
      LocationUri: 's3://b/',
      CreateTime: expect.any(Date),
    });
    expect(DatabaseList?.map((one) => one.Name)).toEqual(['lake']);
    expect(Table).toMatchObject({
      Name: 'events',
      DatabaseName: 'lake',
      TableType: 'EXTERNAL_TABLE',
      PartitionKeys: [{ Name: 'dt' }, { Name: 'hour' }],
      StorageDescriptor: { Columns: [{ Name: 'Id', Type: 'int' }], Location: 's3://b/events' },
      Parameters: { classification: 'parquet' },
    });
  });

  it('are listed in pages, by a pattern of names', async () => {
    const { TableList, NextToken } = await client.send(new GetTablesCommand({ DatabaseName: 'lake', MaxResults: 1 }));
    const next = await client.send(new GetTablesCommand({ DatabaseName: 'lake', MaxResults: 1, NextToken }));
    const some = await client.send(new GetTablesCommand({ DatabaseName: 'lake', Expression: 'ev.*' }));

    expect(TableList?.map((one) => one.Name)).toEqual(['errors']);
    expect(next.TableList?.map((one) => one.Name)).toEqual(['events']);
    expect(next.NextToken).toBeUndefined();
    expect(some.TableList?.map((one) => one.Name)).toEqual(['events']);
  });

  it('that do not exist are EntityNotFoundException', async () => {
    const missing = { name: 'EntityNotFoundException' };

    await expect(client.send(new GetDatabaseCommand({ Name: 'other' }))).rejects.toMatchObject(missing);
    await expect(client.send(new GetTableCommand({ DatabaseName: 'other', Name: 'events' }))).rejects.toMatchObject(
      missing,
    );
    await expect(client.send(new GetTableCommand({ DatabaseName: 'lake', Name: 'other' }))).rejects.toMatchObject(
      missing,
    );
    await expect(client.send(new GetTablesCommand({ DatabaseName: 'other' }))).rejects.toMatchObject(missing);
  });

  it('are what the newest declaration says', () => {
    create(
      service,
      'AWS::Glue::Table',
      table('events', { StorageDescriptor: { Columns: [{ Name: 'id', Type: 'bigint' }] } }),
    );

    expect(service.table('lake', 'events')?.columns).toEqual([{ name: 'id', type: 'bigint' }]);
  });

  it('with a type that is none are refused, naming table and column', () => {
    const wrong = table('events', { StorageDescriptor: { Columns: [{ Name: 'id', Type: 'text' }] } });

    expect(() => create(service, 'AWS::Glue::Table', wrong)).toThrow(
      /Glue table events, column id: .*"text" is not a type/,
    );
  });

  it('in a database that is not declared are refused', () => {
    expect(() => create(service, 'AWS::Glue::Table', { ...table('events'), DatabaseName: 'x' })).toThrow(
      'Database x not found.',
    );
  });

  it('keep the text of a view', () => {
    create(
      service,
      'AWS::Glue::Table',
      table('v', { TableType: 'VIRTUAL_VIEW', ViewOriginalText: '/* Presto View: e30= */' }),
    );

    expect(service.table('lake', 'v')).toMatchObject({
      tableType: 'VIRTUAL_VIEW',
      viewText: '/* Presto View: e30= */',
    });
  });

  it('cannot be made by an operation, which is refused by name', async () => {
    const command = new CreateTableCommand({ DatabaseName: 'lake', TableInput: { Name: 'x' } });

    await expect(client.send(command)).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('AWSGlue.CreateTable'),
    });
  });
});

describe('partitions', () => {
  it('are rejected one by one when that is switched on', async () => {
    const draws = [0, 0.9];
    service.faults?.set({ partialRate: 0.5 }, () => draws.shift() ?? 1);

    const { Errors } = await batch([partition('2026-01-01'), partition('2026-01-02')]);

    expect(Errors).toMatchObject([
      { PartitionValues: ['2026-01-01', '00'], ErrorDetail: { ErrorCode: 'InternalServiceException' } },
    ]);
    expect((await get({})).Partitions?.map(({ Values }) => Values)).toEqual([['2026-01-02', '00']]);
  });

  it('lie below their table in the form of Hive unless they say where', async () => {
    await client.send(new CreatePartitionCommand({ ...IN, PartitionInput: partition('2026-01-01', '05') }));
    const StorageDescriptor = { Location: 's3://elsewhere/x/', SerdeInfo: { Name: 's' } };
    await client.send(
      new CreatePartitionCommand({ ...IN, PartitionInput: { ...partition('2026-01-02'), StorageDescriptor } }),
    );

    expect(service.partitions('lake', 'events').map((one) => one.location)).toEqual([
      's3://b/events/dt=2026-01-01/hour=05/',
      's3://elsewhere/x/',
    ]);
    const { Partition } = await client.send(new GetPartitionCommand({ ...IN, PartitionValues: ['2026-01-02', '00'] }));
    expect(Partition).toMatchObject({
      Values: ['2026-01-02', '00'],
      StorageDescriptor,
      CreationTime: expect.any(Date),
    });
  });

  it('that exist are AlreadyExistsException', async () => {
    const command = new CreatePartitionCommand({ ...IN, PartitionInput: partition('a') });
    await client.send(command);

    await expect(client.send(command)).rejects.toMatchObject({ name: 'AlreadyExistsException' });
  });

  it('are made in batches, with an error for each that exists or comes twice', async () => {
    await batch([partition('a')]);

    const { Errors } = await batch([partition('a'), partition('b'), partition('b'), partition('c')]);

    expect(Errors?.map((one) => [one.PartitionValues?.[0], one.ErrorDetail?.ErrorCode])).toEqual([
      ['a', 'AlreadyExistsException'],
      ['b', 'AlreadyExistsException'],
    ]);
    expect((await get({})).Partitions?.map((one) => one.Values?.[0])).toEqual(['a', 'b', 'c']);
    expect((await batch([partition('d')])).Errors ?? []).toEqual([]);
  });

  it('are refused when the number of values is not that of the keys, and more than 100 a batch', async () => {
    const invalid = { name: 'InvalidInputException' };

    await expect(batch([{ Values: ['a'] }])).rejects.toMatchObject(invalid);
    await expect(batch(days(101))).rejects.toMatchObject(invalid);
    await expect(
      client.send(new CreatePartitionCommand({ ...IN, PartitionInput: { Values: [] } })),
    ).rejects.toMatchObject(invalid);
    expect(service.partitions('lake', 'events')).toEqual([]);
  });

  it('come in pages that give each one once', async () => {
    for (let from = 0; from < 1_200; from += 100) await batch(days(1_200).slice(from, from + 100));

    const first = await get({});
    const second = await get({ NextToken: first.NextToken });
    const small = await get({ MaxResults: 7 });

    expect(first.Partitions).toHaveLength(1_000);
    expect([...(first.Partitions ?? []), ...(second.Partitions ?? [])].map((one) => one.Values?.[0])).toEqual(
      days(1_200).map((one) => one.Values[0]),
    );
    expect(second.NextToken).toBeUndefined();
    expect(small.Partitions).toHaveLength(7);
    await expect(get({ NextToken: 'x' })).rejects.toMatchObject({ name: 'InvalidInputException' });
  });

  it('are found by an expression over their keys', async () => {
    await batch([partition('2026-01-01', '01'), partition('2026-01-01', '02'), partition('2026-01-02', '01')]);

    const found = await get({ Expression: "dt = '2026-01-01' AND hour > '01'" });

    expect(found.Partitions?.map((one) => one.Values)).toEqual([['2026-01-01', '02']]);
    await expect(get({ Expression: "dt LIKE '2026%'" })).rejects.toMatchObject({ name: 'InvalidInputException' });
  });

  it('are each in one segment', async () => {
    await batch(days(25));

    const segments = await Promise.all(
      [0, 1, 2].map((SegmentNumber) => get({ Segment: { SegmentNumber, TotalSegments: 3 } })),
    );

    const values = segments.flatMap(({ Partitions = [] }) => Partitions.map((one) => one.Values?.[0]));
    expect(values.sort()).toEqual(days(25).map((one) => one.Values[0]));
    await expect(get({ Segment: { SegmentNumber: 3, TotalSegments: 3 } })).rejects.toMatchObject({
      name: 'InvalidInputException',
    });
  });

  it('change and go', async () => {
    await batch([partition('a'), partition('b')]);
    const update = (to: string) =>
      client.send(
        new UpdatePartitionCommand({
          ...IN,
          PartitionValueList: ['a', '00'],
          PartitionInput: { ...partition(to), Parameters: { k: 'v' } },
        }),
      );

    await expect(update('b')).rejects.toMatchObject({ name: 'AlreadyExistsException' });
    await update('c');
    await client.send(new DeletePartitionCommand({ ...IN, PartitionValues: ['b', '00'] }));

    expect((await get({})).Partitions?.map((one) => [one.Values?.[0], one.Parameters])).toEqual([['c', { k: 'v' }]]);
    await expect(
      client.send(new DeletePartitionCommand({ ...IN, PartitionValues: ['b', '00'] })),
    ).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  });

  it('are as they were when the disk takes no change, and the change can be asked for again', async () => {
    await batch([partition('a'), partition('b')]);
    const inTheWay = path.join(folder, 'glue', 'lake', 'events.partitions.json.new');
    const values = () => service.partitions('lake', 'events').map((one) => one.values[0]);
    const update = { ...IN, PartitionValueList: ['a', '00'], PartitionInput: partition('d') };
    const changes: readonly (() => Promise<object>)[] = [
      () => client.send(new CreatePartitionCommand({ ...IN, PartitionInput: partition('c') })),
      () => client.send(new UpdatePartitionCommand(update)),
      () => client.send(new DeletePartitionCommand({ ...IN, PartitionValues: ['b', '00'] })),
      () => batch([partition('e')]),
    ];
    mkdirSync(inTheWay);
    for (const change of changes) await expect(change()).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
    expect(values()).toEqual(['a', 'b']);

    rmdirSync(inTheWay);
    for (const change of changes) await change();

    expect(values()).toEqual(['c', 'd', 'e']);
    service = open();
    expect(values()).toEqual(['c', 'd', 'e']);
  });

  it('stay over a restart, and over other columns of their table', async () => {
    await batch(days(3));
    service = open();
    create(
      service,
      'AWS::Glue::Table',
      table('events', { StorageDescriptor: { Columns: [{ Name: 'x', Type: 'string' }] } }),
    );

    expect((await get({})).Partitions?.map((one) => one.Values?.[0])).toEqual(['d0000', 'd0001', 'd0002']);
    await batch([partition('d0003')]);
    expect(open().partitions('lake', 'events')).toHaveLength(4);
  });

  it('of other keys than the table has now are left out', async () => {
    await batch(days(3));
    service = open();
    create(service, 'AWS::Glue::Table', table('events', { PartitionKeys: [{ Name: 'dt', Type: 'string' }] }));

    expect(service.partitions('lake', 'events')).toEqual([]);
  });
});
