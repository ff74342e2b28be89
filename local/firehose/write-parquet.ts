/**
 * Rows on disk to Parquet (SNAPPY), by DuckDB. The rows have been checked against the columns before: a value that
 * DuckDB cannot cast would be an error of ours, never a silent null.
 */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { duckDbType, quoteText } from '../duckdb/duckdb-type.ts';
import type { DuckDb } from '../duckdb/open-duckdb.ts';
import { parseHiveType } from '../glue/hive-type.ts';
import type { CatalogColumn } from '../ports.ts';
import { rowConverter } from './row-converter.ts';

/** Bytes of one row: a record has at most 1,000 KiB, and normalising adds little. */
const ROW_BYTES_MAX = 16 * 1024 * 1024;
const NEWLINE = 10;
const LINES_A_TURN = 500;

export async function writeParquet(
  duckDb: DuckDb,
  from: { readonly rowsFile: string; readonly columns: readonly CatalogColumn[] },
  parquetFile: string,
): Promise<void> {
  try {
    await duckDb.run(copyStatement(from.rowsFile, from.columns, parquetFile));
  } catch (error) {
    // JSON.parse takes what DuckDB does not: two equal keys, half a surrogate pair. Such rows were written as they came.
    if (!Error.isError(error) || !/^Invalid Input Error: .*JSON/.test(error.message)) throw error;
    const normalised = `${parquetFile}.rows`;
    await normaliseRows(from, normalised);
    await duckDb.run(copyStatement(normalised, from.columns, parquetFile));
    rmSync(normalised);
  }
}

function copyStatement(rowsFile: string, columns: readonly CatalogColumn[], parquetFile: string): string {
  const types = columns.map(
    ({ name, type }) => `${quoteText(name.toLowerCase())}: ${quoteText(duckDbType(parseHiveType(type)))}`,
  );
  const source = `read_json(${quoteText(rowsFile)}, columns = {${types.join(', ')}}, format = 'newline_delimited', records = 'true', maximum_object_size = ${ROW_BYTES_MAX})`;
  return `COPY (SELECT * FROM ${source}) TO ${quoteText(parquetFile)} (FORMAT parquet, COMPRESSION snappy)`;
}

async function normaliseRows(
  from: { readonly rowsFile: string; readonly columns: readonly CatalogColumn[] },
  toFile: string,
): Promise<void> {
  const converter = rowConverter(from.columns);
  const rows = readFileSync(from.rowsFile);
  const lines: string[] = [];
  writeFileSync(toFile, '');
  for (let at = 0; at < rows.length; ) {
    const end = rows.indexOf(NEWLINE, at);
    const line = rows.toString('utf8', at, end < 0 ? rows.length : end);
    at = end < 0 ? rows.length : end + 1;
    const row = converter.convert(JSON.parse(line), line);
    if (typeof row !== 'string') throw new Error(`A row that was accepted does not convert: ${row.message}`);
    lines.push(`${row}\n`);
    if (lines.length < LINES_A_TURN && at < rows.length) continue;
    appendFileSync(toFile, lines.splice(0).join(''));
    // This is the thread that answers requests.
    await setImmediate();
  }
}
