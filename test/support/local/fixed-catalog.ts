/** A catalog for tests: tables as they are given, changed by hand. Databases are those of the tables. */
import type { Catalog, CatalogPartition, CatalogTable } from '../../../local/ports.ts';

export interface FixedCatalog extends Catalog {
  /** Adds or replaces a table. What is left out is empty, the location `s3://bucket/<name>/`. */
  set(table: Partial<CatalogTable> & Pick<CatalogTable, 'database' | 'name'>): void;
  addPartition(database: string, table: string, partition: CatalogPartition): void;
}

export function createFixedCatalog(): FixedCatalog {
  const tables = new Map<string, CatalogTable>();
  const partitions = new Map<string, CatalogPartition[]>();
  const nameOf = (database: string, name: string): string => `${database}.${name}`.toLowerCase();
  return {
    databases: () => [...new Set([...tables.values()].map((table) => table.database))].sort(),
    tables: (database) => [...tables.values()].filter((table) => table.database === database.toLowerCase()),
    table: (database, name) => tables.get(nameOf(database, name)),
    partitions: (database, table) => partitions.get(nameOf(database, table)) ?? [],
    set(table) {
      tables.set(nameOf(table.database, table.name), {
        columns: [],
        partitionKeys: [],
        location: `s3://bucket/${table.name}/`,
        parameters: {},
        tableType: 'EXTERNAL_TABLE',
        ...table,
      });
    },
    addPartition(database, table, partition) {
      const key = nameOf(database, table);
      partitions.set(key, [...(partitions.get(key) ?? []), partition]);
    },
  };
}
