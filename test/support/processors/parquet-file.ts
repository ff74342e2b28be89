/** Parquet files of DuckDB, which shares no code with what reads them here. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * @param select SQL of the rows
 * @param options of COPY, such as `ROW_GROUP_SIZE 2048`
 */
export async function parquetOf(select: string, options = 'COMPRESSION snappy'): Promise<Buffer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'parquet-'));
  const file = path.join(folder, 'rows.parquet');
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    await connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet, ${options})`);
    return readFileSync(file);
  } finally {
    connection.closeSync();
    database.closeSync();
    rmSync(folder, { recursive: true });
  }
}
