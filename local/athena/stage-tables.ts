/**
 * Makes catalog tables readable for one query: their objects linked into a folder of the query, in Hive's layout, and a
 * DuckDB view over them. The query may read that folder and nothing else of this machine.
 *
 * Only registered partitions count. Columns are found by name and get the types of the catalog; what a file lacks is null.
 */
import { copyFileSync, linkSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { duckDbType, quoteName, quoteText } from '../duckdb/duckdb-type.ts';
import type { DuckDbSession } from '../duckdb/open-duckdb.ts';
import { parseHiveType } from '../glue/hive-type.ts';
import type { Catalog, CatalogTable, ObjectStore } from '../ports.ts';
import { QueryFailure } from './query-failure.ts';

/** How Hive writes a null or empty partition value into a path. */
const NO_VALUE = '__HIVE_DEFAULT_PARTITION__';

export interface StagePorts {
  readonly catalog: Catalog;
  readonly objects: ObjectStore;
}

export interface StagedFiles {
  readonly files: number;
  readonly bytes: number;
}

/** Links the objects of a table below `folder`. */
export function linkFiles(table: CatalogTable, folder: string, ports: StagePorts): StagedFiles {
  const places =
    table.partitionKeys.length === 0
      ? [{ location: table.location, below: '' }]
      : ports.catalog.partitions(table.database, table.name).map((partition) => ({
          location: partition.location,
          below: table.partitionKeys
            .map((key, index) => `${key.name}=${encodeURIComponent(partition.values[index] || NO_VALUE)}`)
            .join('/'),
        }));
  let files = 0;
  let bytes = 0;
  for (const { location, below } of places) {
    const target = path.join(folder, below);
    for (const { key, file } of filesAt(location, ports.objects)) {
      if (files === 0 || below !== '') mkdirSync(target, { recursive: true });
      try {
        link(file, path.join(target, `${files}.parquet`));
        bytes += statSync(file).size;
      } catch {
        throw new QueryFailure('HIVE_CANNOT_OPEN_SPLIT', `Error opening Hive split ${key}: it is not there any more.`);
      }
      files++;
    }
  }
  return { files, bytes };
}

/** Files below a location that hold data; Hive hides names that begin with `_` or `.`. */
function filesAt(location: string, objects: ObjectStore): { readonly key: string; readonly file: string }[] {
  const [, bucket = '', key = ''] = /^s3a?:\/\/([^/]+)\/?(.*)$/.exec(location) ?? [];
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const files: { key: string; file: string }[] = [];
  for (const name of objects.keys(bucket, prefix)) {
    const hidden = name
      .slice(prefix.length)
      .split('/')
      .some((part) => part.startsWith('_') || part.startsWith('.'));
    const file = hidden || name.endsWith('/') ? undefined : objects.fileOf(bucket, name);
    if (file !== undefined) files.push({ key: `s3://${bucket}/${name}`, file });
  }
  return files;
}

/** A link keeps what the query reads as it is, even when the object is replaced meanwhile. */
function link(file: string, target: string): void {
  try {
    linkSync(file, target);
  } catch {
    copyFileSync(file, target);
  }
}

/** The view's SELECT. Reads the footers of the files, to know which columns they have. */
export async function selectOfTable(session: DuckDbSession, table: CatalogTable, staged: StagedFiles, folder: string) {
  const columns = [...table.columns, ...table.partitionKeys].map(({ name, type }) => ({
    name: name.toLowerCase(),
    type: duckDbType(parseHiveType(type)),
  }));
  if (staged.files === 0) {
    const nulls = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`);
    return `SELECT ${nulls.join(', ')} WHERE false`;
  }
  const hiveTypes = table.partitionKeys.map((key) => `${quoteText(key.name)}: 'VARCHAR'`);
  const partitioning =
    hiveTypes.length > 0
      ? `hive_partitioning = true, hive_types = {${hiveTypes.join(', ')}}`
      : 'hive_partitioning = false';
  const source = `read_parquet(${quoteText(`${folder}/**/*.parquet`)}, union_by_name = true, ${partitioning})`;
  const { names } = await session.read(`SELECT * FROM ${source} LIMIT 0`);
  const present = new Map(names.map((name) => [name.toLowerCase(), name]));
  const selected = columns.map(({ name, type }) => {
    const inFile = present.get(name);
    return `CAST(${inFile === undefined ? 'NULL' : quoteName(inFile)} AS ${type}) AS ${quoteName(name)}`;
  });
  return `SELECT ${selected.join(', ')} FROM ${source}`;
}

const VIEW_TEXT = /^\/\* Presto View: ([A-Za-z0-9+/=]+) \*\/$/;

/** The SQL of a view as Athena keeps it in the catalog: the base64 of a JSON document in a comment. */
export function sqlOfView(viewText: string): string | undefined {
  const encoded = VIEW_TEXT.exec(viewText.trim())?.[1];
  if (encoded === undefined) return undefined;
  try {
    const document: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
    const sql: unknown = typeof document === 'object' && document !== null ? Reflect.get(document, 'originalSql') : '';
    return typeof sql === 'string' && sql !== '' ? sql : undefined;
  } catch {
    return undefined;
  }
}
