/** What has landed, by SQL over the files: the end of the books. */
import { datasets } from '../../schemas/index.ts';
import { type QueryTarget, query } from './query.ts';

export interface Landed {
  /** Rows in the datasets' Parquet files. */
  readonly parquetRows: number;
  /** Distinct `_record_id` in them. */
  readonly records: number;
  /** Distinct `_record_id` in `failed_events`. */
  readonly failed: number;
  /** Failed records by code, most frequent first. */
  readonly failures: readonly { readonly code: string; readonly records: number }[];
}

export async function readLanded(target: QueryTarget): Promise<Landed> {
  let parquetRows = 0;
  let records = 0;
  for (const name of datasets.keys()) {
    const [[rows = '0', distinct = '0'] = []] = (
      await query(target, `SELECT count(*), count(DISTINCT _record_id) FROM ${name}`)
    ).rows;
    parquetRows += Number(rows);
    records += Number(distinct);
  }
  const [[failed = '0'] = []] = (await query(target, 'SELECT count(DISTINCT _record_id) FROM failed_events')).rows;
  const byCode = await query(
    target,
    'SELECT code, count(DISTINCT _record_id) FROM failed_events GROUP BY code ORDER BY 2 DESC, 1',
  );
  return {
    parquetRows,
    records,
    failed: Number(failed),
    failures: byCode.rows.map(([code = '', count = '0']) => ({ code, records: Number(count) })),
  };
}

/** The query that `npm start` shows: what the delivered records say. */
export const SHOWCASE = {
  title: 'busiest routes, and their average delay (SQL on the Parquet files)',
  sql: `SELECT origin, destination, count(*) AS flights, round(avg(delay_minutes), 1) AS average_delay_minutes
FROM flights GROUP BY origin, destination ORDER BY flights DESC, origin, destination LIMIT 5`,
} as const;
