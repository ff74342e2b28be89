/**
 * Runs one SELECT over catalog tables, in a DuckDB of its own that can read the tables' files and nothing else.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { quoteName } from '../duckdb/duckdb-type.ts';
import { type DuckDbSession, openDuckDb, quoteList } from '../duckdb/open-duckdb.ts';
import type { CatalogTable } from '../ports.ts';
import { type Analysis, analyseQuery, type TableName } from './analyse-query.ts';
import { athenaType, type ColumnType } from './athena-value.ts';
import { CREATE_MACROS } from './functions.ts';
import { failureOf, QueryFailure } from './query-failure.ts';
import { ResultBuilder } from './result-builder.ts';
import { linkFiles, type StagePorts, selectOfTable, sqlOfView } from './stage-tables.ts';

export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** Values as Athena prints them; null has no text. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Bytes of all files of the tables; what pruning leaves out is not taken off. */
  readonly scannedBytes: number;
  /** What the rows take of this process's memory, about. */
  readonly heldBytes: number;
}

export interface ResultColumn extends ColumnType {
  readonly name: string;
}

export interface QueryRequest {
  readonly id: string;
  readonly sql: string;
  readonly database: string;
  /** Folder of this query, made and removed here. */
  readonly folder: string;
  /** Aborted when the query is to be broken off; the reason is the QueryFailure. */
  readonly signal: AbortSignal;
}

export const CATALOG_NAME = 'awsdatacatalog';
const MEMORY_MB_MAX = 1024;
const THREADS = 2;
const INTERRUPT_EVERY_MS = 50;
const VIEW_DEPTH_MAX = 8;

/** @throws QueryFailure */
export async function runQuery(request: QueryRequest, ports: StagePorts): Promise<QueryResult> {
  mkdirSync(request.folder, { recursive: true });
  const duckDb = await openDuckDb({
    memoryMbMax: MEMORY_MB_MAX,
    threads: THREADS,
    spillFolder: path.join(request.folder, 'spill'),
  });
  const session = await duckDb.session();
  // An interruption between two statements, or before one has begun to run, is lost: it is repeated until all is over.
  let interrupting: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    session.interrupt();
    interrupting ??= setInterval(() => session.interrupt(), INTERRUPT_EVERY_MS);
  };
  request.signal.addEventListener('abort', interrupt);
  try {
    request.signal.throwIfAborted();
    const result = await runInSession(session, request, ports);
    request.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw request.signal.aborted ? request.signal.reason : failureOf(error, request.folder);
  } finally {
    request.signal.removeEventListener('abort', interrupt);
    clearInterval(interrupting);
    session.close();
    duckDb.close();
    rmSync(request.folder, { recursive: true, force: true });
  }
}

async function runInSession(session: DuckDbSession, request: QueryRequest, ports: StagePorts): Promise<QueryResult> {
  await session.run(SETTINGS);
  await session.run(CREATE_MACROS);
  await session.run(`ATTACH ':memory:' AS ${CATALOG_NAME}`);
  const analysis = await analyseQuery(session, request.sql);
  const staging = new Staging(session, request, ports);
  await staging.schema(request.database);
  await staging.tables(analysis, request.database, 0);
  await session.run(
    `SET allowed_directories = ${quoteList([request.folder])};
     SET enable_external_access = false;
     SET search_path = '${CATALOG_NAME}.${quoteName(request.database)}';
     SET lock_configuration = true`,
  );
  const { names, types, chunks } = await session.stream(request.sql);
  const result = new ResultBuilder(types);
  for await (const chunk of chunks) {
    request.signal.throwIfAborted();
    result.add(chunk);
  }
  const labels = columnNames(names, analysis.unnamed);
  const columns = types.map((type, index) => ({ name: labels[index] ?? '', ...athenaType(type) }));
  return { columns, rows: result.rows, heldBytes: result.heldBytes, scannedBytes: staging.bytes };
}

/** Trino's rules where DuckDB's differ: integers divide to integers, nulls come last, times are in UTC. */
const SETTINGS = `
  SET integer_division = true;
  SET default_null_order = 'NULLS LAST';
  SET TimeZone = 'UTC';
  SET lambda_syntax = 'ENABLE_SINGLE_ARROW';
`;

class Staging {
  bytes = 0;
  readonly #session: DuckDbSession;
  readonly #request: QueryRequest;
  readonly #ports: StagePorts;
  readonly #made = new Set<string>();
  readonly #schemas = new Set<string>();

  constructor(session: DuckDbSession, request: QueryRequest, ports: StagePorts) {
    this.#session = session;
    this.#request = request;
    this.#ports = ports;
  }

  async schema(database: string): Promise<void> {
    if (this.#schemas.has(database)) return;
    this.#schemas.add(database);
    await this.#session.run(`CREATE SCHEMA IF NOT EXISTS ${CATALOG_NAME}.${quoteName(database)}`);
  }

  /** Makes a view for each table that a query names, and for those that its views name. */
  async tables(analysis: Analysis, database: string, depth: number): Promise<void> {
    if (depth > VIEW_DEPTH_MAX) throw new QueryFailure('INVALID_VIEW', `views nest deeper than ${VIEW_DEPTH_MAX}`);
    for (const name of analysis.tables) {
      const isWith = name.database === '' && analysis.withNames.has(name.table);
      const table = this.#find(name, database, isWith);
      if (table) await this.#make(table, depth);
    }
  }

  #find(name: TableName, database: string, isWith: boolean): CatalogTable | undefined {
    // DuckDB reads `catalog.table` into the schema's place only when there is such a schema.
    const inDatabase = name.database || database;
    const table =
      name.catalog === '' || name.catalog === CATALOG_NAME
        ? this.#ports.catalog.table(inDatabase, name.table)
        : undefined;
    if (table || isWith) return table;
    const full = `${name.catalog || CATALOG_NAME}.${inDatabase}.${name.table}`;
    throw new QueryFailure('TABLE_NOT_FOUND', `Table '${full}' does not exist`);
  }

  async #make(table: CatalogTable, depth: number): Promise<void> {
    const full = `${table.database}.${table.name}`;
    if (this.#made.has(full)) return;
    this.#made.add(full);
    const select =
      table.tableType === 'VIRTUAL_VIEW' ? await this.#selectOfView(table, depth) : await this.#selectOfFiles(table);
    await this.schema(table.database);
    const view = `${CATALOG_NAME}.${quoteName(table.database)}.${quoteName(table.name)}`;
    await this.#session.run(`CREATE VIEW ${view} AS ${select}`);
  }

  async #selectOfView(view: CatalogTable, depth: number): Promise<string> {
    const sql = sqlOfView(view.viewText ?? '');
    if (sql === undefined)
      throw new QueryFailure('INVALID_VIEW', `${view.database}.${view.name} has no Presto view text`);
    const analysis = await analyseQuery(this.#session, sql);
    await this.tables(analysis, view.database, depth + 1);
    // Names without a database are those of the view's own; nothing but views is made in this session until then.
    await this.schema(view.database);
    await this.#session.run(`SET search_path = '${CATALOG_NAME}.${quoteName(view.database)}'`);
    return sql;
  }

  async #selectOfFiles(table: CatalogTable): Promise<string> {
    if (table.parameters['projection.enabled'] === 'true')
      throw new QueryFailure('NOT_SUPPORTED', `${table.name}: the local athena does not support partition projection.`);
    const folder = path.join(this.#request.folder, 'tables', `${table.database}.${table.name}`);
    const staged = linkFiles(table, folder, this.#ports);
    this.bytes += staged.bytes;
    return selectOfTable(this.#session, table, staged, folder);
  }
}

/** A column without a name of its own is `_col` and its position. Names are in lower case. */
function columnNames(given: readonly string[], unnamed: Analysis['unnamed']): string[] {
  const stars = unnamed.filter((item) => item === 'star').length;
  const starWidth = stars === 1 ? given.length - unnamed.length + 1 : undefined;
  const flat = unnamed.flatMap((item) =>
    item === 'star' ? Array.from({ length: starWidth ?? 0 }, () => false) : [item],
  );
  if (flat.length !== given.length) return given.map((name) => name.toLowerCase());
  return given.map((name, index) => (flat[index] ? `_col${index}` : name.toLowerCase()));
}
