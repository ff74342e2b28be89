/** The tables as reconciling asks of them, in SQL that Athena's engine version 3 runs. */
import { FAILED_EVENTS } from '../../processors/stages/route.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import { formatTimestamp } from '../../schemas/timestamp.ts';
import { ANY_PARTITION } from '../reconcile/book-sums.ts';
import type { Sum, TableRow, TablesPort } from '../reconcile/ports.ts';
import type { Scope } from '../reconcile/scope.ts';
import type { RunSql } from './athena-query.ts';

/** First 8 hex digits as a number, added up exactly: 38 digits hold more records than there will be. */
const FINGERPRINT = `CAST(sum(CAST(from_base(substr("_record_id", 1, 8), 16) AS decimal(38, 0))) AS varchar)`;
/** What the events of one Kinesis record share of their `_position`: all but the subsequence number. */
const RECORD = `regexp_replace("_position", ':\\d+$', '')`;
const BUCKET = 'substr("_record_id", 1, 3)';

export function createAthenaTables(run: RunSql, datasets: ReadonlyMap<string, Dataset>): TablesPort {
  /** The partition as the books write it. */
  const partitionOf = (table: string): string => {
    if (table === FAILED_EVENTS) return `'${ANY_PARTITION}'`;
    return datasets.get(table)?.definition.partition === 'hour' ? `dt || 'T' || hour` : 'dt';
  };

  const records = (table: string, conditions: readonly string[]): string =>
    `SELECT ${partitionOf(table)} AS place, "_record_id", count(*) AS copies FROM "${table}"${where(conditions)} GROUP BY 1, 2`;

  return {
    async sums(table, scope) {
      const rows = await run(
        `SELECT place, sum(copies), count(*), ${FINGERPRINT} FROM (${records(table, inScope(scope))}) GROUP BY place`,
      );
      return rows.map(([partition = '', copies, count, fingerprint]) => {
        return { partition, rows: Number(copies), count: Number(count), fingerprint: BigInt(fingerprint ?? 0) };
      });
    },
    async buckets(table, partition, scope) {
      const conditions = [...inScope(scope), ...inPartition(partition)];
      const rows = await run(
        `SELECT ${BUCKET}, count(*), ${FINGERPRINT} FROM (${records(table, conditions)}) GROUP BY 1`,
      );
      return new Map(
        rows.map(([bucket = '', count, fingerprint]): [string, Sum] => {
          return [bucket, { count: Number(count), fingerprint: BigInt(fingerprint ?? 0) }];
        }),
      );
    },
    async rows(table, { partition, buckets, duplicated, limit }, scope) {
      if (buckets?.length === 0) return [];
      const conditions = [...inScope(scope), ...inPartition(partition)];
      if (buckets) conditions.push(`${BUCKET} IN (${buckets.map(quoted).join(', ')})`);
      const having = duplicated ? ' HAVING count(*) > 1' : '';
      return rowsOf(
        await run(
          `SELECT "_record_id", min("_position"), ${partitionOf(table)} AS place, count(*) FROM "${table}"${where(conditions)} GROUP BY 1, 3${having} ORDER BY 1 LIMIT ${limit}`,
        ),
      );
    },
    async between(shardId, after, to, limit) {
      // Behind all subsequence numbers of a place.
      const from = after === '' ? `${shardId}:` : `${shardId}:${after}:~`;
      const condition = `"_position" > ${quoted(from)} AND "_position" <= ${quoted(`${shardId}:${to}:~`)}`;
      const selects = [...datasets.keys(), FAILED_EVENTS].map(
        (table) => `SELECT "_record_id", "_position" FROM "${table}" WHERE ${condition}`,
      );
      return rowsOf(
        await run(
          `SELECT min_by("_record_id", "_position"), min("_position"), '${ANY_PARTITION}', count(*) FROM (${selects.join(' UNION ALL ')}) GROUP BY ${RECORD} ORDER BY 2 LIMIT ${limit}`,
        ),
      );
    },
  };
}

function rowsOf(rows: Awaited<ReturnType<RunSql>>): readonly TableRow[] {
  return rows.map(([recordId = '', position = '', partition = '', copies]) => {
    return { recordId, position, partition, copies: Number(copies) };
  });
}

function inScope({ fromMs, toMs, runId }: Scope): string[] {
  return [
    ...(fromMs === undefined ? [] : [`"_ingested_at" >= TIMESTAMP '${formatTimestamp(fromMs)}'`]),
    ...(toMs === undefined ? [] : [`"_ingested_at" < TIMESTAMP '${formatTimestamp(toMs)}'`]),
    ...(runId === undefined ? [] : [`"_run_id" = ${quoted(runId)}`]),
  ];
}

/** @param partition as the books write it */
export function inPartition(partition: string): string[] {
  if (partition === ANY_PARTITION) return [];
  const [dt = '', hour] = partition.split('T');
  return [`dt = ${quoted(dt)}`, ...(hour === undefined ? [] : [`hour = ${quoted(hour)}`])];
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}
