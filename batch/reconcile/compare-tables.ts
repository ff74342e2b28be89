/** Compares what should lie in a table's partitions with what SQL finds there, by counts and fingerprints. */
import { isSameSum, NOTHING } from './book-sums.ts';
import type { PartitionSum, Sum, TablesPort } from './ports.ts';
import { type Finding, NAMED_MAX, type TableFigures } from './report.ts';
import type { Scope } from './scope.ts';

export interface TableBooks {
  readonly table: string;
  readonly scope: Scope;
  /** By partition. */
  readonly expected: ReadonlyMap<string, Sum>;
  /** Rows by the footers of what landed, by partition (`*` for `failed_events`); undefined in a scope of hours or of a run. */
  readonly landed: ReadonlyMap<string, number> | undefined;
  /** Documents below `errors/` that wait to be redriven. */
  readonly misdelivered: number;
}

/** A partition in which something is missing, or too much. */
export interface Mismatch {
  readonly table: string;
  readonly partition: string;
  readonly expected: Sum;
  readonly found: Sum;
}

export interface TableComparison {
  readonly figures: TableFigures;
  readonly findings: readonly Finding[];
  readonly mismatches: readonly Mismatch[];
  /** Rows beyond one a record. */
  readonly duplicates: number;
}

/** @throws ReadError */
export async function compareTable(books: TableBooks, tables: TablesPort): Promise<TableComparison> {
  const { table, scope, expected, landed, misdelivered } = books;
  const sums = new Map((await tables.sums(table, scope)).map((sum) => [sum.partition, sum]));
  const mismatches: Mismatch[] = [];
  const findings: Finding[] = [];
  let duplicates = 0;
  for (const partition of [...new Set([...expected.keys(), ...sums.keys(), ...(landed?.keys() ?? [])])].sort()) {
    const wanted = expected.get(partition) ?? NOTHING;
    const found = sums.get(partition) ?? { partition, rows: 0, ...NOTHING };
    if (!isSameSum(wanted, found)) mismatches.push({ table, partition, expected: wanted, found });
    if (found.rows > found.count) {
      duplicates += found.rows - found.count;
      findings.push(await duplicatesAtRest(table, found, scope, tables));
    }
    const footers = landed && (landed.get(partition) ?? 0);
    if (footers !== undefined && footers !== found.rows) findings.push(landedDiffers(table, partition, footers, found));
  }
  const figures = {
    table,
    expected: [...expected.values()].reduce((sum, { count }) => sum + count, 0),
    rows: [...sums.values()].reduce((sum, { rows }) => sum + rows, 0),
    records: [...sums.values()].reduce((sum, { count }) => sum + count, 0),
    landed: total(landed),
    misdelivered,
  };
  return { figures, findings, mismatches, duplicates };
}

function total(landed: ReadonlyMap<string, number> | undefined): number | undefined {
  return landed && [...landed.values()].reduce((sum, rows) => sum + rows, 0);
}

async function duplicatesAtRest(
  table: string,
  { partition, rows, count }: PartitionSum,
  scope: Scope,
  tables: TablesPort,
): Promise<Finding> {
  const duplicated = await tables.rows(table, { partition, duplicated: true, limit: NAMED_MAX }, scope);
  return {
    kind: 'duplicates_at_rest',
    message: `${table} ${partition}: ${rows - count} rows are there again; compaction removes them`,
    count: rows - count,
    residual: 0,
    recordIds: duplicated.map(({ recordId }) => recordId),
    table,
    partition,
  };
}

function landedDiffers(table: string, partition: string, landed: number, { rows }: PartitionSum): Finding {
  const count = Math.abs(landed - rows);
  const message = `${table} ${partition}: the footers of the objects that landed say ${landed} rows, SQL finds ${rows}`;
  return { kind: 'landed_differs', message, count, residual: 0, recordIds: [], table, partition };
}
