/**
 * The Glue Data Catalog: databases, tables and partitions over AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/glue/latest/webapi/WebAPI_DataCatalog.html
 */
import { z } from 'zod';
import { faultError } from '../faults/fault-errors.ts';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { Catalog } from '../ports.ts';
import { jsonProtocol, operation } from '../protocol/json.ts';
import { AwsError, type Environment, type LocalService } from '../service.ts';
import { createDataCatalog, type DataCatalog, type Partition, type Table } from './data-catalog.ts';
import { page } from './page.ts';
import { compilePartitionExpression } from './partition-expression.ts';
import { glueResourceKinds } from './resource-kinds.ts';

/** Entries a page of GetPartitions and GetTables has at most (https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html). */
const PARTITIONS_A_PAGE_MAX = 1000;
const TABLES_A_PAGE_MAX = 100;
/** https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html */
const BATCH_CREATE_MAX = 100;
const BODY_BYTES_MAX = 4 * 1024 * 1024;

const Paging = { MaxResults: z.number().int().min(1).optional(), NextToken: z.string().optional() };
const InTable = { DatabaseName: z.string().min(1), TableName: z.string().min(1) };
const PartitionInput = z.object({
  Values: z.array(z.string()),
  StorageDescriptor: z.looseObject({ Location: z.string().optional() }).optional(),
  Parameters: z.record(z.string(), z.string()).optional(),
});
type PartitionInput = z.infer<typeof PartitionInput>;

/** https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html; a segment is every n-th partition. */
const SEGMENTS_MAX = 10;
const GetPartitionsInput = z.object({
  ...InTable,
  Expression: z.string().optional(),
  Segment: z
    .object({ SegmentNumber: z.number().int().min(0), TotalSegments: z.number().int().min(1).max(SEGMENTS_MAX) })
    .refine((one) => one.SegmentNumber < one.TotalSegments, 'SegmentNumber must be below TotalSegments')
    .optional(),
  ...Paging,
});

export type GlueService = LocalService & Catalog;

export function createGlueService(environment: Environment): GlueService {
  const catalog = createDataCatalog(environment.folder('glue'));
  const { clock } = environment;
  const faults = new FaultSwitch({ scope: 'glue', clock, handle: () => handle, batches: ['BatchCreatePartition'] });
  const handle = jsonProtocol({
    service: 'glue',
    targetPrefix: 'AWSGlue',
    version: '1.1',
    invalidInputCode: 'InvalidInputException',
    bodyBytesMax: BODY_BYTES_MAX,
    operations: { ...readOperations(environment, catalog), ...partitionOperations(environment, catalog, faults) },
  });
  return {
    scope: 'glue',
    handle,
    faults,
    resourceKinds: glueResourceKinds(environment, catalog),
    databases: catalog.databases,
    tables: catalog.tables,
    table: catalog.table,
    partitions: catalog.partitions,
  };
}

function readOperations(environment: Environment, catalog: DataCatalog) {
  return {
    GetDatabase: operation(z.object({ Name: z.string() }), ({ Name }) => ({
      Database: databaseAnswer(environment, catalog, Name),
    })),
    GetDatabases: operation(z.object(Paging), (input) => {
      const { items, nextToken } = page(catalog.databases(), input, TABLES_A_PAGE_MAX);
      return { DatabaseList: items.map((name) => databaseAnswer(environment, catalog, name)), NextToken: nextToken };
    }),
    GetTable: operation(z.object({ DatabaseName: z.string(), Name: z.string() }), (input) => ({
      Table: tableAnswer(environment, catalog.tableNamed(input.DatabaseName, input.Name)),
    })),
    GetTables: operation(
      z.object({ DatabaseName: z.string(), Expression: z.string().optional(), ...Paging }),
      (input) => {
        catalog.databaseNamed(input.DatabaseName);
        const wanted = namePattern(input.Expression);
        const tables = catalog.tablesOf(input.DatabaseName).filter((table) => wanted.test(table.name));
        const { items, nextToken } = page(tables, input, TABLES_A_PAGE_MAX);
        return { TableList: items.map((table) => tableAnswer(environment, table)), NextToken: nextToken };
      },
    ),
    GetPartition: operation(z.object({ ...InTable, PartitionValues: z.array(z.string()) }), (input) => {
      const table = catalog.tableNamed(input.DatabaseName, input.TableName);
      return {
        Partition: partitionAnswer(environment, table, existingPartition(catalog, table, input.PartitionValues)),
      };
    }),
    GetPartitions: operation(GetPartitionsInput, (input) => {
      const table = catalog.tableNamed(input.DatabaseName, input.TableName);
      const matches = compilePartitionExpression(input.Expression ?? '', table.partitionKeys);
      const { SegmentNumber: segment, TotalSegments: segments } = input.Segment ?? {
        SegmentNumber: 0,
        TotalSegments: 1,
      };
      const found = catalog
        .partitionsOf(table)
        .filter((partition, index) => index % segments === segment && matches(partition.values));
      const { items, nextToken } = page(found, input, PARTITIONS_A_PAGE_MAX);
      return {
        Partitions: items.map((partition) => partitionAnswer(environment, table, partition)),
        NextToken: nextToken,
      };
    }),
  };
}

function partitionOperations(environment: Environment, catalog: DataCatalog, faults: FaultSwitch) {
  const newPartition = (table: Table, input: PartitionInput): Partition => ({
    values: input.Values,
    location: input.StorageDescriptor?.Location ?? locationOf(table, input.Values),
    createdAtMs: environment.clock.now(),
    parameters: input.Parameters ?? {},
    storage: input.StorageDescriptor ?? {},
  });
  return {
    CreatePartition: operation(z.object({ ...InTable, PartitionInput }), (input) => {
      const table = catalog.tableNamed(input.DatabaseName, input.TableName);
      const values = checkValues(table, input.PartitionInput.Values);
      if (catalog.partition(table, values)) throw alreadyExists();
      catalog.putPartitions(table, [newPartition(table, input.PartitionInput)]);
      return {};
    }),
    BatchCreatePartition: operation(
      z.object({ ...InTable, PartitionInputList: z.array(PartitionInput).max(BATCH_CREATE_MAX) }),
      (input) => {
        const table = catalog.tableNamed(input.DatabaseName, input.TableName);
        const added: Partition[] = [];
        const errors: object[] = [];
        const seen = new Set<string>();
        for (const one of input.PartitionInputList) {
          const key = JSON.stringify(checkValues(table, one.Values));
          const refuse = ({ code, message }: AwsError): void => {
            errors.push({ PartitionValues: one.Values, ErrorDetail: { ErrorCode: code, ErrorMessage: message } });
          };
          if (faults.rejects('BatchCreatePartition')) refuse(faultError('glue', 'failure'));
          else if (seen.has(key) || catalog.partition(table, one.Values)) refuse(alreadyExists());
          else added.push(newPartition(table, one));
          seen.add(key);
        }
        if (added.length > 0) catalog.putPartitions(table, added);
        return errors.length > 0 ? { Errors: errors } : {};
      },
    ),
    UpdatePartition: operation(
      z.object({ ...InTable, PartitionValueList: z.array(z.string()), PartitionInput }),
      (input) => {
        const table = catalog.tableNamed(input.DatabaseName, input.TableName);
        const before = existingPartition(catalog, table, input.PartitionValueList);
        const after = newPartition(table, input.PartitionInput);
        const renamed = JSON.stringify(checkValues(table, after.values)) !== JSON.stringify(before.values);
        if (renamed && catalog.partition(table, after.values)) throw alreadyExists();
        catalog.replacePartition(table, before.values, { ...after, createdAtMs: before.createdAtMs });
        return {};
      },
    ),
    DeletePartition: operation(z.object({ ...InTable, PartitionValues: z.array(z.string()) }), (input) => {
      const table = catalog.tableNamed(input.DatabaseName, input.TableName);
      catalog.removePartition(table, existingPartition(catalog, table, input.PartitionValues).values);
      return {};
    }),
  };
}

function existingPartition(catalog: DataCatalog, table: Table, values: readonly string[]): Partition {
  const partition = catalog.partition(table, checkValues(table, values));
  if (partition) return partition;
  throw new AwsError('EntityNotFoundException', `Cannot find partition [${values.join(', ')}] of ${table.name}.`);
}

function alreadyExists(): AwsError {
  return new AwsError('AlreadyExistsException', 'Partition already exists.');
}

function checkValues(table: Table, values: readonly string[]): readonly string[] {
  if (values.length === table.partitionKeys.length) return values;
  throw new AwsError(
    'InvalidInputException',
    `The number of partition values (${values.length}) does not match the number of partition keys (${table.partitionKeys.length}) of ${table.name}.`,
  );
}

/** Where a partition lies when it is created without a location: below the table, in Hive's form. */
function locationOf(table: Table, values: readonly string[]): string {
  const folders = table.partitionKeys.map((key, index) => `${key.name}=${values[index]}/`);
  return `${table.location.replace(/\/?$/, '/')}${folders.join('')}`;
}

/** GetTables matches names by a regular expression. */
function namePattern(expression: string | undefined): RegExp {
  try {
    return new RegExp(`^(?:${expression ?? '.*'})$`, 'i');
  } catch {
    throw new AwsError(
      'InvalidInputException',
      `Expression ${JSON.stringify(expression)} is not a regular expression.`,
    );
  }
}

function databaseAnswer(environment: Environment, catalog: DataCatalog, name: string): object {
  const database = catalog.databaseNamed(name);
  return {
    Name: database.name,
    Description: database.description,
    LocationUri: database.locationUri,
    CreateTime: database.createdAtMs / 1000,
    CatalogId: environment.account,
  };
}

function tableAnswer(environment: Environment, table: Table): object {
  const atSeconds = table.createdAtMs / 1000;
  return {
    ...table.input,
    Name: table.name,
    DatabaseName: table.database,
    CreateTime: atSeconds,
    UpdateTime: atSeconds,
    IsRegisteredWithLakeFormation: false,
    CatalogId: environment.account,
    VersionId: '0',
  };
}

function partitionAnswer(environment: Environment, table: Table, partition: Partition): object {
  return {
    Values: partition.values,
    DatabaseName: table.database,
    TableName: table.name,
    CreationTime: partition.createdAtMs / 1000,
    StorageDescriptor: { ...partition.storage, Location: partition.location },
    Parameters: partition.parameters,
    CatalogId: environment.account,
  };
}
