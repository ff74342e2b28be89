/**
 * The Glue Data Catalog in memory, with its partitions on disk: what the template declares is made at every start,
 * what was registered while running stays.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Catalog, CatalogPartition, CatalogTable } from '../ports.ts';
import { AwsError } from '../service.ts';

export interface Partition extends CatalogPartition {
  readonly createdAtMs: number;
  readonly parameters: Readonly<Record<string, string>>;
  /** The storage descriptor as it was given, for the API's answers. */
  readonly storage: Readonly<Record<string, unknown>>;
}

export interface Table extends CatalogTable {
  readonly createdAtMs: number;
  /** TableInput as the template gives it, for the API's answers. */
  readonly input: Readonly<Record<string, unknown>>;
}

export interface Database {
  readonly name: string;
  readonly description?: string;
  readonly locationUri?: string;
  readonly createdAtMs: number;
}

export interface DataCatalog extends Catalog {
  putDatabase(database: Database): void;
  putTable(table: Table): void;
  /** @throws AwsError `EntityNotFoundException` */
  databaseNamed(name: string): Database;
  /** @throws AwsError `EntityNotFoundException` */
  tableNamed(database: string, name: string): Table;
  tablesOf(database: string): readonly Table[];
  partitionsOf(table: Table): readonly Partition[];
  partition(table: Table, values: readonly string[]): Partition | undefined;
  /** Adds or replaces partitions, all of them or none. They are on disk on return, and nothing has changed when it throws. */
  putPartitions(table: Table, partitions: readonly Partition[]): void;
  /** Puts a partition in the place of another, as whole as `putPartitions`. */
  replacePartition(table: Table, replaced: readonly string[], partition: Partition): void;
  /** As whole as `putPartitions`. */
  removePartition(table: Table, values: readonly string[]): void;
}

const StoredPartitions = z.array(
  z.object({
    values: z.array(z.string()),
    location: z.string(),
    createdAtMs: z.number(),
    parameters: z.record(z.string(), z.string()),
    storage: z.record(z.string(), z.unknown()),
  }),
);

export function createDataCatalog(folder: string): DataCatalog {
  const databases = new Map<string, Database>();
  const tables = new Map<string, Map<string, Table>>();
  const partitions = new Map<Table, ReadonlyMap<string, Partition>>();
  const sorted = new Map<Table, readonly Partition[]>();

  // Names may hold anything, dots and slashes too.
  const fileOf = (table: Table): string =>
    path.join(folder, encodeURIComponent(table.database), `${encodeURIComponent(table.name)}.partitions.json`);

  function loaded(table: Table): ReadonlyMap<string, Partition> {
    const known = partitions.get(table);
    if (known) return known;
    // A table that has been declared with other keys since starts without those of before.
    const stored = readPartitions(fileOf(table)).filter(({ values }) => values.length === table.partitionKeys.length);
    const read = new Map(stored.map((partition) => [keyOf(partition.values), partition]));
    partitions.set(table, read);
    return read;
  }

  function change(table: Table, removed: readonly (readonly string[])[], added: readonly Partition[]): void {
    const changed = new Map(loaded(table));
    for (const values of removed) changed.delete(keyOf(values));
    for (const partition of added) changed.set(keyOf(partition.values), partition);
    const file = fileOf(table);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify([...changed.values()]));
    renameSync(`${file}.new`, file);
    // Only now: a partition that is known and not on disk would be answered with AlreadyExistsException, and then lost.
    partitions.set(table, changed);
    sorted.delete(table);
  }

  function partitionsOf(table: Table): readonly Partition[] {
    const known = sorted.get(table);
    if (known) return known;
    const list = [...loaded(table).entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, partition]) => partition);
    sorted.set(table, list);
    return list;
  }

  const find = (database: string, name: string): Table | undefined =>
    tables.get(database.toLowerCase())?.get(name.toLowerCase());

  return {
    databases: () => [...databases.keys()].sort(),
    tables: (database) => [...(tables.get(database.toLowerCase())?.values() ?? [])],
    table: find,
    partitions(database, name) {
      const table = find(database, name);
      return table ? partitionsOf(table) : [];
    },
    putDatabase: (database) => void databases.set(database.name, database),
    putTable(table) {
      const siblings = tables.get(table.database) ?? new Map<string, Table>();
      tables.set(table.database, siblings.set(table.name, table));
    },
    databaseNamed(name) {
      const database = databases.get(name.toLowerCase());
      if (database) return database;
      throw new AwsError('EntityNotFoundException', `Database ${name} not found.`);
    },
    tableNamed(database, name) {
      this.databaseNamed(database);
      const table = find(database, name);
      if (table) return table;
      throw new AwsError('EntityNotFoundException', `Table ${name} not found.`);
    },
    tablesOf: (database) =>
      [...(tables.get(database.toLowerCase())?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)),
    partitionsOf,
    partition: (table, values) => loaded(table).get(keyOf(values)),
    putPartitions: (table, added) => change(table, [], added),
    replacePartition: (table, replaced, partition) => change(table, [replaced], [partition]),
    removePartition: (table, values) => change(table, [values], []),
  };
}

function keyOf(values: readonly string[]): string {
  return values.join('\u0000');
}

function readPartitions(file: string): z.infer<typeof StoredPartitions> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return StoredPartitions.parse(JSON.parse(text));
}
