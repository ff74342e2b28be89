/** What lies in the tables' objects, as SQL would find it. */
import { type PartitionSum, ReadError, type Sum, type TableRow, type TablesPort } from '../../batch/reconcile/ports.ts';
import type { FoundRow, RowPlace, RowQuery, RowsPort } from '../../batch/trace/ports.ts';
import type { AcceptedRow, LandedObject } from './firehose.ts';

export interface RowAtRest extends RowPlace {
  readonly table: string;
  readonly partition: string;
  readonly accepted: AcceptedRow;
}

export interface TablesAtRest {
  readonly tables: TablesPort;
  readonly rows: RowsPort;
  /** All rows of the tables. */
  readonly all: readonly RowAtRest[];
}

const ERRORS = 'errors/';

export function createTablesAtRest(objects: readonly LandedObject[]): TablesAtRest {
  const all = objects
    .filter(({ key }) => !key.startsWith(ERRORS))
    .flatMap(({ table, key, partition, rows }) =>
      rows.map((accepted, row): RowAtRest => ({ table, object: key, row, partition, accepted })),
    );
  const byTable = Map.groupBy(all, ({ table }) => table);

  const found = (table: string, isWanted: (row: RowAtRest) => boolean): readonly TableRow[] => {
    const rows = (byTable.get(table) ?? []).filter(isWanted);
    return [...Map.groupBy(rows, ({ partition, accepted }) => `${partition} ${accepted.recordId}`).values()].flatMap(
      (same) => same.slice(0, 1).map((row) => tableRow(row, same.length)),
    );
  };

  const tables: TablesPort = {
    sums: async (table) =>
      [...Map.groupBy(byTable.get(table) ?? [], ({ partition }) => partition)].map(
        ([partition, rows]): PartitionSum => ({ partition, rows: rows.length, ...sumOf(rows) }),
      ),
    async buckets(table, partition) {
      const rows = (byTable.get(table) ?? []).filter((row) => row.partition === partition);
      const buckets = Map.groupBy(rows, ({ accepted }) => accepted.recordId.slice(0, 3));
      return new Map([...buckets].map(([bucket, ofBucket]): [string, Sum] => [bucket, sumOf(ofBucket)]));
    },
    async rows(table, { partition, buckets, duplicated = false, limit }) {
      const isWanted = (row: RowAtRest) =>
        row.partition === partition && (buckets?.includes(row.accepted.recordId.slice(0, 3)) ?? true);
      return found(table, isWanted)
        .filter(({ copies }) => copies > 1 || !duplicated)
        .slice(0, limit);
    },
    async between(shardId, after, to, limit) {
      const isWanted = ({ accepted }: RowAtRest) => {
        const [shard, sequence = ''] = positionOf(accepted).split(':');
        return shard === shardId && sequence > after && sequence <= to;
      };
      return [...byTable.keys()].flatMap((table) => found(table, isWanted)).slice(0, limit);
    },
  };

  const rows: RowsPort = {
    find: async (query) => all.filter((row) => answers(row, query)).map(foundRow),
    locate: async ({ table, values, recordId }) =>
      all
        .filter((row) => row.table === table && row.accepted.recordId === recordId)
        .filter(({ object }) => valuesOf(object).join() === values.join())
        .map(({ object, row }) => ({ object, row })),
    async readIdentity({ object, row }) {
      const ofObject = all.filter((each) => each.object === object);
      if (ofObject.length === 0) throw new ReadError(object, 'it is not there');
      const accepted = ofObject.find((each) => each.row === row)?.accepted;
      return accepted && { recordId: accepted.recordId, position: positionOf(accepted) };
    },
  };
  return { tables, rows, all };
}

export function positionOf({ row }: AcceptedRow): string {
  return String(row._position);
}

function tableRow({ partition, accepted }: RowAtRest, copies: number): TableRow {
  return { recordId: accepted.recordId, position: positionOf(accepted), partition, copies };
}

/** Of distinct records. */
function sumOf(rows: readonly RowAtRest[]): Sum {
  const ids = new Set(rows.map(({ accepted }) => accepted.recordId));
  let fingerprint = 0n;
  for (const id of ids) fingerprint += BigInt(Number.parseInt(id.slice(0, 8), 16));
  return { count: ids.size, fingerprint };
}

function answers({ table, accepted }: RowAtRest, query: RowQuery): boolean {
  if ('recordId' in query) return accepted.recordId === query.recordId;
  if ('eventId' in query) return table !== 'failed_events' && accepted.row._event_id === query.eventId;
  const [shardId, sequence, subsequence] = positionOf(accepted).split(':');
  if (shardId !== query.shardId || sequence !== query.sequence) return false;
  return query.subsequence === undefined || Number(subsequence) === query.subsequence;
}

function foundRow({ table, object, accepted }: RowAtRest): FoundRow {
  const { row, recordId } = accepted;
  const text = (name: string) => (typeof row[name] === 'string' ? row[name] : undefined);
  return {
    table,
    recordId,
    position: positionOf(accepted),
    eventId: text('_event_id'),
    values: valuesOf(object),
    runId: text('_run_id'),
    ingestedAt: text('_ingested_at'),
    processedAt: text('_processed_at'),
    failure:
      table === 'failed_events'
        ? { stage: String(row.stage), code: String(row.code), message: String(row.message) }
        : undefined,
  };
}

/** Of the partition keys. @param key `orders/dt=2026-06-01/0.parquet` */
function valuesOf(key: string): readonly string[] {
  return key.split('/').flatMap((part) => (part.includes('=') ? [part.slice(part.indexOf('=') + 1)] : []));
}
