/** Compares the table `flights` with its input: aggregates by the pipeline's own SQL, rows by DuckDB on the files. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { type QueryTarget, query } from '../cli/start/query.ts';
import { flights3mUrl } from '../streams/sources/vega.ts';

export interface Comparison {
  /** Count, sums, minima and maxima of the input, by DuckDB. */
  readonly input: readonly string[];
  /** The same of the distinct records of the table, by Athena's API. */
  readonly output: readonly string[];
  /** Rows of the table, duplicates of a redelivery among them. */
  readonly rows: number;
  /** Distinct `_record_id`. */
  readonly records: number;
  /** Rows of the input that are not in the table, each as often as it is missing. */
  readonly missing: number;
  /** Rows of the table that are not in the input, each as often as it is too many. */
  readonly surplus: number;
  readonly equal: boolean;
}

export interface ComparisonOptions {
  readonly athena: QueryTarget;
  readonly stateFolder: string;
  /** Rows of the input that were put, from the first; 0: all. */
  readonly rows: number;
  /**
   * `<shard>:<padded sequence number>` of records of the stream that a producer put again, since it got no answer: their
   * rows are left out. Default: none.
   */
  readonly copies?: readonly string[];
}

const aggregates = (date: string, delay: string, distance: string): string =>
  `count(*), sum(${delay}), min(${delay}), max(${delay}), sum(${distance}), min(${distance}), max(${distance}),
   min(origin), max(origin), min(destination), max(destination), min(${date}), max(${date})`;

/** A redelivered record is in the table twice under one `_record_id`, with the same values. */
const distinctRecords = (from: string, copies: readonly string[]): string =>
  `SELECT DISTINCT _record_id, scheduled_at, delay_minutes, distance_miles, origin, destination FROM ${from}
   WHERE substr(_position, 1, length(_position) - ${SUBSEQUENCE_CHARACTERS}) NOT IN (${['', ...copies].map((place) => `'${place}'`)})`;

/** A colon and seven digits, at the end of a `_position`. */
const SUBSEQUENCE_CHARACTERS = 8;

export async function compareFlights(options: ComparisonOptions): Promise<Comparison> {
  const { athena, stateFolder, rows, copies = [] } = options;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const read = async (sql: string): Promise<string[]> =>
    ((await connection.runAndReadAll(sql)).getRows()[0] ?? []).map(String);
  const limit = rows > 0 ? `LIMIT ${rows}` : '';
  await connection.run(
    `CREATE TABLE input AS SELECT date, delay, distance, origin, destination
     FROM read_parquet('${fileURLToPath(flights3mUrl())}') ${limit}`,
  );
  const files = path.join(stateFolder, 's3', 'data-pipeline-processed-*', 'flights', '**', '*.parquet');
  await connection.run(
    `CREATE TABLE output AS SELECT scheduled_at AS date, delay_minutes AS delay, distance_miles AS distance, origin, destination
     FROM (${distinctRecords(`read_parquet('${files}', hive_partitioning = false)`, copies)})`,
  );
  const input = await read(`SELECT ${aggregates('date', 'delay', 'distance')} FROM input`);
  const counted = await query(
    athena,
    `SELECT ${aggregates('scheduled_at', 'delay_minutes', 'distance_miles')} FROM (${distinctRecords('flights', copies)})`,
  );
  const output = (counted.rows[0] ?? []).map((value) => value.replace(/\.000$/, ''));
  const total = await query(athena, 'SELECT count(*), count(DISTINCT _record_id) FROM flights');
  const [tableRows = '0', records = '0'] = total.rows[0] ?? [];
  const [missing = ''] = await read('SELECT count(*) FROM (FROM input EXCEPT ALL FROM output)');
  const [surplus = ''] = await read('SELECT count(*) FROM (FROM output EXCEPT ALL FROM input)');
  connection.closeSync();
  instance.closeSync();
  return {
    input,
    output,
    rows: Number(tableRows),
    records: Number(records),
    missing: Number(missing),
    surplus: Number(surplus),
    equal: missing === '0' && surplus === '0' && JSON.stringify(input) === JSON.stringify(output),
  };
}
