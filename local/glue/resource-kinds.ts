/** How AWS::Glue::Database and AWS::Glue::Table of a template are made. */
import { z } from 'zod';
import type { Environment, Properties, ResourceContext, ResourceKind } from '../service.ts';
import type { DataCatalog } from './data-catalog.ts';
import { parseHiveType } from './hive-type.ts';

const DatabaseProperties = z.looseObject({
  DatabaseInput: z.looseObject({
    Name: z.string().optional(),
    Description: z.string().optional(),
    LocationUri: z.string().optional(),
  }),
});

const Column = z.looseObject({ Name: z.string(), Type: z.string() });
const TableProperties = z.looseObject({
  DatabaseName: z.string(),
  TableInput: z.looseObject({
    Name: z.string().optional(),
    TableType: z.string().default('EXTERNAL_TABLE'),
    Parameters: z.record(z.string(), z.unknown()).default({}),
    PartitionKeys: z.array(Column).default([]),
    StorageDescriptor: z
      .looseObject({ Columns: z.array(Column).default([]), Location: z.string().default('') })
      .default({ Columns: [], Location: '' }),
    ViewOriginalText: z.string().optional(),
  }),
});

export function glueResourceKinds(environment: Environment, catalog: DataCatalog): readonly ResourceKind[] {
  return [databaseKind(environment, catalog), tableKind(environment, catalog)];
}

function databaseKind(environment: Environment, catalog: DataCatalog): ResourceKind {
  return {
    type: 'AWS::Glue::Database',
    executed: ['DatabaseInput', 'DatabaseName'],
    inert: { CatalogId: 'there is one catalog, that of the account' },
    identify: (properties, context) => ({ ref: databaseName(properties, context), attributes: {} }),
    create(properties, identity) {
      const { DatabaseInput } = DatabaseProperties.parse(properties);
      catalog.putDatabase({
        name: identity.ref,
        createdAtMs: environment.clock.now(),
        ...(DatabaseInput.Description === undefined ? {} : { description: DatabaseInput.Description }),
        ...(DatabaseInput.LocationUri === undefined ? {} : { locationUri: DatabaseInput.LocationUri }),
      });
    },
  };
}

function tableKind(environment: Environment, catalog: DataCatalog): ResourceKind {
  return {
    type: 'AWS::Glue::Table',
    executed: ['DatabaseName', 'TableInput'],
    inert: {
      CatalogId: 'there is one catalog, that of the account',
      OpenTableFormatInput: 'Iceberg tables are not kept',
    },
    identify: (properties, context) => ({ ref: tableName(properties, context), attributes: {} }),
    create(properties, identity) {
      const { DatabaseName, TableInput: input } = TableProperties.parse(properties);
      const database = catalog.databaseNamed(DatabaseName).name;
      const columns = input.StorageDescriptor.Columns.map(columnOf);
      const partitionKeys = input.PartitionKeys.map(columnOf);
      for (const column of [...columns, ...partitionKeys]) checkType(identity.ref, column);
      catalog.putTable({
        database,
        name: identity.ref,
        columns,
        partitionKeys,
        location: input.StorageDescriptor.Location,
        parameters: Object.fromEntries(Object.entries(input.Parameters).map(([name, value]) => [name, String(value)])),
        tableType: input.TableType,
        ...(input.ViewOriginalText === undefined ? {} : { viewText: input.ViewOriginalText }),
        createdAtMs: environment.clock.now(),
        input,
      });
    },
  };
}

function columnOf(column: { readonly Name: string; readonly Type: string }) {
  return { name: column.Name.toLowerCase(), type: column.Type };
}

function checkType(table: string, column: { readonly name: string; readonly type: string }): void {
  try {
    parseHiveType(column.type);
  } catch (error) {
    const reason = Error.isError(error) ? error.message : String(error);
    throw new Error(`Glue table ${table}, column ${column.name}: ${reason}`);
  }
}

function databaseName(properties: Properties, context: ResourceContext): string {
  const parsed = DatabaseProperties.safeParse(properties);
  return (parsed.data?.DatabaseInput.Name ?? `${context.stackName}-${context.logicalId}`).toLowerCase();
}

function tableName(properties: Properties, context: ResourceContext): string {
  const parsed = TableProperties.safeParse(properties);
  return (parsed.data?.TableInput.Name ?? `${context.stackName}-${context.logicalId}`).toLowerCase();
}
