/** SHOW and DESCRIBE, answered from the catalog. */
import type { Catalog, CatalogTable } from '../ports.ts';
import { matchesPattern } from './match-pattern.ts';
import { QueryFailure } from './query-failure.ts';
import { heldBytesOf } from './result-builder.ts';
import type { QueryResult } from './run-query.ts';
import type { Statement } from './statement.ts';

const CELL_CHARS = 20;

/** @throws QueryFailure */
export function runUtility(
  statement: Exclude<Statement, { kind: 'query' }>,
  database: string,
  catalog: Catalog,
): QueryResult {
  switch (statement.kind) {
    case 'show-databases':
      return oneColumn('database_name', catalog.databases());
    case 'show-tables': {
      const within = statement.database ?? database;
      if (!catalog.databases().includes(within.toLowerCase()))
        throw new QueryFailure('SCHEMA_NOT_FOUND', `Schema '${within}' does not exist`);
      const names = catalog.tables(within).map((table) => table.name);
      return oneColumn('tab_name', names.filter((name) => matchesPattern(name, statement.pattern ?? '*')).sort());
    }
    case 'show-partitions': {
      const table = find(catalog, statement.database ?? database, statement.table);
      if (table.partitionKeys.length === 0)
        throw new QueryFailure('NOT_SUPPORTED', `Table ${table.name} is not a partitioned table`);
      const partitions = catalog.partitions(table.database, table.name);
      return oneColumn(
        'partition',
        partitions.map(({ values }) =>
          table.partitionKeys.map((key, index) => `${key.name}=${values[index] ?? ''}`).join('/'),
        ),
      );
    }
    case 'describe':
      return describe(find(catalog, statement.database ?? database, statement.table));
  }
}

/** Athena prints one string a column: name, type and comment, padded and parted by tabs. */
function describe(table: CatalogTable): QueryResult {
  const line = (name: string, type: string): string =>
    [name, type, ''].map((cell) => cell.padEnd(CELL_CHARS)).join('\t');
  const lines = [...table.columns, ...table.partitionKeys].map(({ name, type }) => line(name, type));
  if (table.partitionKeys.length > 0) {
    lines.push('\t \t ', '# Partition Information\t \t ', line('# col_name', 'data_type'), '\t \t ');
    lines.push(...table.partitionKeys.map(({ name, type }) => line(name, type)));
  }
  return oneColumn('col_name', lines);
}

function find(catalog: Catalog, database: string, name: string): CatalogTable {
  const table = catalog.table(database, name);
  if (table) return table;
  throw new QueryFailure('TABLE_NOT_FOUND', `Table '${database}.${name}' does not exist`);
}

function oneColumn(name: string, values: readonly string[]): QueryResult {
  const rows = values.map((value) => [value]);
  return {
    columns: [{ name, type: 'string', precision: 0, scale: 0, caseSensitive: true }],
    rows,
    scannedBytes: 0,
    heldBytes: rows.reduce((sum, row) => sum + heldBytesOf(row), 0),
  };
}
