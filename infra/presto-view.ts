/**
 * An Athena view as a Glue table: `VIRTUAL_VIEW`, whose text is the base64 of a JSON document in a comment. Athena
 * compares the types in that document with those that the query gives, and refuses a view in which they differ.
 * Source: what `CREATE VIEW` in Athena leaves in the catalog; the document is that of Trino's Hive connector.
 */
import type { CfnTable } from 'aws-cdk-lib/aws-glue';
import type { Column } from '../schemas/dataset.ts';

export interface PrestoViewProps {
  readonly name: string;
  readonly database: string;
  /** Tables whose rows the view holds, each under its name in the column `dataset`. */
  readonly tables: readonly string[];
  /** Columns that every one of the tables has. */
  readonly columns: readonly Column[];
}

const DATASET: Column = { name: 'dataset', type: 'string', comment: 'Dataset of the row' };

/** @throws TypeError when a column's type is not one that the pipeline gives its own columns */
export function prestoView({ name, database, tables, columns }: PrestoViewProps): CfnTable.TableInputProperty {
  const all = [DATASET, ...columns];
  const document = {
    originalSql: tables.map((table) => select(table, database, columns)).join('\nUNION ALL\n'),
    catalog: 'awsdatacatalog',
    schema: database,
    columns: all.map((column) => ({ name: column.name, type: trinoType(column.type) })),
  };
  return {
    name,
    description: 'The columns that all datasets share, over all datasets',
    tableType: 'VIRTUAL_VIEW',
    parameters: { presto_view: 'true', comment: 'Presto View' },
    viewOriginalText: `/* Presto View: ${Buffer.from(JSON.stringify(document)).toString('base64')} */`,
    viewExpandedText: '/* Presto View */',
    partitionKeys: [],
    storageDescriptor: { columns: all, location: '', serdeInfo: {} },
  };
}

/** Names that begin with an underscore need quotes: athena/latest/ug/tables-databases-columns-names.html */
function select(table: string, database: string, columns: readonly Column[]): string {
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  return `SELECT CAST('${table}' AS varchar) AS "${DATASET.name}", ${names} FROM "${database}"."${table}"`;
}

const TRINO_TYPES: ReadonlyMap<string, string> = new Map([
  ['string', 'varchar'],
  ['double', 'double'],
  ['bigint', 'bigint'],
  ['int', 'integer'],
  ['boolean', 'boolean'],
  ['date', 'date'],
  // Hive timestamps have millisecond precision in engine version 3.
  ['timestamp', 'timestamp(3)'],
  ['array<string>', 'array(varchar)'],
]);

function trinoType(hive: string): string {
  const type = TRINO_TYPES.get(hive);
  if (type) return type;
  throw new TypeError(`view column: received type ${hive}, allowed: ${[...TRINO_TYPES.keys()].join(', ')}`);
}
