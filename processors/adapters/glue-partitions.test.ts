import { GlueClient } from '@aws-sdk/client-glue';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type Answer,
  type AwsJsonServer,
  awsError,
  clientOptions,
  type ReceivedRequest,
  startAwsJsonServer,
} from '../../test/support/processors/aws-json-server.ts';
import type { TablePartition } from '../partition-of-key.ts';
import { createGluePartitions } from './glue-partitions.ts';

const servers: AwsJsonServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const STORAGE = {
  Location: 's3://processed/flights/',
  InputFormat: 'parquet',
  Columns: [{ Name: 'delay', Type: 'int' }],
};
const TABLE: Answer = { body: { Table: { Name: 'flights', StorageDescriptor: STORAGE } } };

async function partitions(answer: (request: ReceivedRequest, index: number) => Answer) {
  const server = await startAwsJsonServer(answer);
  servers.push(server);
  const client = new GlueClient({ ...clientOptions(server.endpoint), maxAttempts: 1 });
  return { port: createGluePartitions(client, 'data_pipeline_catalog'), requests: server.requests };
}

const days = (count: number): TablePartition[] =>
  Array.from({ length: count }, (_, i) => {
    const dt = new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10);
    return { table: 'flights', values: [dt], location: `s3://processed/flights/dt=${dt}/` };
  });
const answered =
  (errors: object[] = []) =>
  ({ operation }: ReceivedRequest): Answer =>
    operation === 'GetTable' ? TABLE : { body: { Errors: errors } };
const failure = (dt: string, code: string) => ({
  PartitionValues: [dt],
  ErrorDetail: { ErrorCode: code, ErrorMessage: 'said why' },
});

describe('registering partitions in Glue', () => {
  test("gives each the table's storage at its own place", async () => {
    const { port, requests } = await partitions(answered());

    expect(await port.register('flights', days(1))).toEqual(new Map());

    expect(requests.map(({ operation }) => operation)).toEqual(['GetTable', 'BatchCreatePartition']);
    expect(JSON.parse(requests[1]?.body.toString() ?? '')).toEqual({
      DatabaseName: 'data_pipeline_catalog',
      TableName: 'flights',
      PartitionInputList: [
        {
          Values: ['2026-01-01'],
          StorageDescriptor: { ...STORAGE, Location: 's3://processed/flights/dt=2026-01-01/' },
        },
      ],
    });
  });

  test('asks for the table once, and registers 100 at a time', async () => {
    const { port, requests } = await partitions(answered());

    await port.register('flights', days(250));
    await port.register('flights', days(1));

    expect(requests.map(({ operation }) => operation)).toEqual(['GetTable', ...Array(4).fill('BatchCreatePartition')]);
    const sizes = requests.slice(1).map(({ body }) => JSON.parse(body.toString()).PartitionInputList.length);
    expect(sizes).toEqual([100, 100, 50, 1]);
  });

  test('takes one that exists already for registered', async () => {
    const { port } = await partitions(answered([failure('2026-01-01', 'AlreadyExistsException')]));

    expect(await port.register('flights', days(2))).toEqual(new Map());
  });

  test('says of one that is refused why, and of the others nothing', async () => {
    const { port } = await partitions(answered([failure('2026-01-02', 'ResourceNumberLimitExceededException')]));

    expect(await port.register('flights', days(3))).toEqual(
      new Map([['s3://processed/flights/dt=2026-01-02/', 'ResourceNumberLimitExceededException: said why']]),
    );
  });

  test('fails a whole call for all that were in it, and asks for the table again next time', async () => {
    const { port, requests } = await partitions((request, index) =>
      index === 0 ? awsError('EntityNotFoundException', 400, 'no table') : answered()(request),
    );

    const failures = await port.register('flights', days(2));
    const later = await port.register('flights', days(2));

    expect([...failures.values()]).toEqual(Array(2).fill('EntityNotFoundException: no table'));
    expect(later).toEqual(new Map());
    expect(requests.map(({ operation }) => operation)).toEqual(['GetTable', 'GetTable', 'BatchCreatePartition']);
  });
});
