/**
 * Whole books in memory: batches of a stream go through the processor, the tape and the ledger as they are, and rows lie in
 * tables that a test may damage.
 */

import { foldLedger } from '../../../batch/ledger/fold.ts';
import type { PartitionSum, RowsAsked, Sum, TableRow, TapeListing } from '../../../batch/reconcile/ports.ts';
import { type ReconcileRequest, type ReconcileSettings, reconcile } from '../../../batch/reconcile/reconcile.ts';
import type { ReconcileReport } from '../../../batch/reconcile/report.ts';
import type { Scope } from '../../../batch/reconcile/scope.ts';
import type { FoundRow } from '../../../batch/trace/ports.ts';
import type { TracePorts } from '../../../batch/trace/trace.ts';
import { createBooks } from '../../../processors/books/books.ts';
import { createClaims } from '../../../processors/books/claims.ts';
import { misdeliveredKey, parkedKey, partitionLedgerKey } from '../../../processors/books/keys.ts';
import { createRecordReader } from '../../../processors/read-kinesis-event.ts';
import { createRealtimeHandler } from '../../../processors/realtime.ts';
import { createTapeHandler } from '../../../processors/tape.ts';
import { formatHour } from '../../../schemas/timestamp.ts';
import { createRecordIdentity, padSequence, type StreamRecord } from '../../../streams/position.ts';
import { parseTapeKey } from '../../../streams/tape/tape-key.ts';
import { ARRIVED_AT_MS, kinesisEvent, sequenceOf } from '../processors/kinesis-event.ts';
import { createMemoryStateTable, type MemoryStateTable } from '../processors/memory-state-table.ts';
import { probe } from '../processors/probe-dataset.ts';
import { documentsOf } from '../processors/recorded-ports.ts';
import { STREAM } from './journal.ts';

export const STREAM_NAME = 'data-pipeline-stream';
export const DATASETS = new Map([[probe.name, probe]]);
export const SETTINGS: ReconcileSettings = {
  streamName: STREAM_NAME,
  datasets: DATASETS,
  defaultDataset: 'probe',
  qualityThreshold: 0.85,
};

export interface MemoryRow {
  readonly table: string;
  readonly recordId: string;
  readonly position: string;
  readonly eventId: string | undefined;
  readonly runId: string | undefined;
  readonly ingestedAtMs: number;
  /** `2026-06-01`; `*` in `failed_events`. */
  readonly partition: string;
  readonly failure: FoundRow['failure'];
}

export interface Batch {
  readonly payloads: readonly Buffer[];
  /** Default 0. */
  readonly shard?: number;
  /** Default `ARRIVED_AT_MS`. */
  readonly arrivedAtMs?: number;
}

export interface WholeBooks {
  readonly table: MemoryStateTable;
  readonly ports: TracePorts;
  /** Rows of all tables, which a test may take away or add to. */
  readonly rows: MemoryRow[];
  /** Tape objects by key, which a test may take away. */
  readonly tape: Map<string, Buffer>;
  /** The next batch of a shard, as both of its readers see it. */
  put(batch: Batch): Promise<void>;
  /** The next batch of a shard, which the processor has not got to, or never will. */
  putOnTapeAlone(batch: Batch): Promise<{
    readonly from: string;
    readonly to: string;
    readonly records: number;
    readonly payload: readonly StreamRecord[];
  }>;
  /** Files an on-failure document. */
  park(
    range: { readonly from: string; readonly to: string; readonly records: number },
    status?: string,
    records?: readonly StreamRecord[],
  ): Promise<void>;
  /** Files an error object of Firehose for the table `probe`. */
  misdeliver(recordIds: readonly string[], status?: string): Promise<void>;
  /** Folds the journal, and counts the rows that are there as landed. */
  rest(): Promise<void>;
  reconcile(request?: ReconcileRequest): Promise<ReconcileReport>;
}

export const shardName = (shard: number): string => `shardId-${String(shard).padStart(12, '0')}`;

export function createWholeBooks(): WholeBooks {
  const table = createMemoryStateTable();
  const rows: MemoryRow[] = [];
  const tape = new Map<string, Buffer>();
  const parked = new Map<string, readonly StreamRecord[]>();
  const misdelivered = new Map<string, ReadonlyMap<string, string>>();
  const ends = new Map<number, number>();
  let nowMs = ARRIVED_AT_MS + 2_000;
  const clock = { now: () => nowMs };
  const streams = { createdAtMs: async () => STREAM.createdAtMs };
  const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'request-1' };
  const processor = createRealtimeHandler(
    {
      datasets: DATASETS.values(),
      defaultDataset: 'probe',
      metricsNamespace: 'n',
      payloadBucket: 'b',
      retriesMax: 5,
    },
    {
      books: createBooks({ table, streams, clock, qualityThreshold: 0.85, version: 'v1' }),
      claims: createClaims(table, clock),
      clock,
      log: () => undefined,
      payloads: { keep: async () => undefined },
      delivery: {
        async deliver(call) {
          for (const { data } of call.records)
            for (const text of documentsOf(data)) rows.push(rowOf(call.table, JSON.parse(text)));
          return [];
        },
      },
    },
  );
  const keeper = createTapeHandler('n', {
    tape: { keep: async ({ key, body }) => void tape.set(key, body) },
    streams,
    clock,
    log: () => undefined,
  });

  function eventOf({ payloads, shard = 0, arrivedAtMs = ARRIVED_AT_MS }: Batch) {
    const offset = ends.get(shard) ?? 1;
    // Sequence numbers have gaps.
    ends.set(shard, offset + payloads.length + 3);
    nowMs = Math.max(nowMs, arrivedAtMs + 2_000);
    return kinesisEvent(payloads, { shardId: shardName(shard), offset, arrivedAtMs });
  }

  const listings = (): TapeListing[] =>
    [...tape.keys()].flatMap((key) => {
      const span = parseTapeKey(key);
      return span ? [{ ...span, key }] : [];
    });

  const ports: TracePorts = {
    table,
    clock,
    isTimeUp: () => false,
    streams: { refOf: async () => STREAM },
    tape: {
      list: async (_, hours) =>
        listings().filter(({ hour }) => hours === undefined || (hour >= hours.from && hour <= hours.to)),
      read: async (key) => tape.get(key) ?? Buffer.alloc(0),
    },
    documents: {
      parkedRecords: async (key) => parked.get(key),
      misdeliveredIds: async (key) => misdelivered.get(key) ?? new Map<string, string>(),
    },
    tables: createMemoryTables(rows),
    rows: {
      find: async (query) => rows.filter((row) => isFound(row, query)).map(foundRow),
      locate: async ({ recordId }) =>
        rows.flatMap((row, index) =>
          row.recordId === recordId ? [{ object: `${row.table}/object`, row: index }] : [],
        ),
      readIdentity: async ({ row }) => rows[row],
    },
  };

  return {
    table,
    rows,
    tape,
    ports,
    async put(batch) {
      const event = eventOf(batch);
      await keeper(event, context);
      const { batchItemFailures } = await processor(event, context);
      if (batchItemFailures.length > 0) throw new Error('a batch was not done');
    },
    async putOnTapeAlone(batch) {
      const { Records } = eventOf(batch);
      await keeper({ Records }, context);
      const [from = '', to = ''] = [Records[0]?.kinesis.sequenceNumber, Records.at(-1)?.kinesis.sequenceNumber];
      return { from, to, records: Records.length, payload: createRecordReader()({ Records }) };
    },
    async park({ from, to, records }, status = 'parked', payload = []) {
      parked.set(`aws/lambda/${from}`, payload);
      const attributes = {
        stream_arn: STREAM.streamArn,
        shard: shardName(0),
        from: padSequence(from),
        to: padSequence(to),
        records,
        payload: true,
        status,
      };
      await table.transact([{ kind: 'put', key: parkedKey(`aws/lambda/${from}`), when: 'new', attributes }]);
    },
    async misdeliver(recordIds, status = 'misdelivered') {
      const key = misdeliveredKey(`errors/probe/${misdelivered.size}`);
      misdelivered.set(key.sk, new Map(recordIds.map((id) => [id, ''])));
      const attributes = { table: 'probe', documents: recordIds.length, status };
      await table.transact([{ kind: 'put', key, when: 'new', attributes }]);
    },
    async rest() {
      await foldLedger(STREAM, { table, clock, isTimeUp: () => false });
      for (const [name, there] of Map.groupBy(rows, (row) => `${row.table} ${row.partition}`)) {
        const [dataset = '', partition = ''] = name.split(' ');
        const set = { landed: there.length };
        const key = partitionLedgerKey(dataset, partition === '*' ? '2026-06-01T12' : partition);
        await table.update({ kind: 'update', key, set });
      }
    },
    reconcile: (request = {}) => reconcile(request, SETTINGS, ports),
  };
}

function rowOf(table: string, document: Readonly<Record<string, unknown>>): MemoryRow {
  const text = (name: string): string | undefined => {
    const value = document[name];
    return typeof value === 'string' ? value : undefined;
  };
  const isFailed = table === 'failed_events';
  return {
    table,
    recordId: text('_record_id') ?? '',
    position: text('_position') ?? '',
    eventId: text('_event_id'),
    runId: text('_run_id'),
    ingestedAtMs: Date.parse(`${text('_ingested_at')?.replace(' ', 'T')}Z`),
    partition: isFailed ? '*' : (text('_event_time') ?? '').slice(0, 10),
    failure: isFailed
      ? { stage: text('stage') ?? '', code: text('code') ?? '', message: text('message') ?? '' }
      : undefined,
  };
}

function foundRow(row: MemoryRow): FoundRow {
  const { table, recordId, position, eventId, runId, failure, partition } = row;
  const values = partition.split('T');
  return { table, recordId, position, eventId, runId, failure, values, ingestedAt: undefined, processedAt: undefined };
}

function isFound(row: MemoryRow, query: Parameters<TracePorts['rows']['find']>[0]): boolean {
  if ('recordId' in query) return row.recordId === query.recordId;
  if ('eventId' in query) return row.eventId === query.eventId;
  const [shardId, sequence, subsequence] = row.position.split(':');
  const isPlace = shardId === query.shardId && sequence === query.sequence;
  return isPlace && (query.subsequence === undefined || Number(subsequence) === query.subsequence);
}

/** What SQL would say of the rows. */
function createMemoryTables(rows: readonly MemoryRow[]): TracePorts['tables'] {
  const inScope = (row: MemoryRow, { fromMs, toMs, runId }: Scope) =>
    (fromMs === undefined || row.ingestedAtMs >= fromMs) &&
    (toMs === undefined || row.ingestedAtMs < toMs) &&
    (runId === undefined || row.runId === runId);
  const select = (table: string, scope: Scope, partition = '*') =>
    rows.filter(
      (row) => row.table === table && inScope(row, scope) && (partition === '*' || row.partition === partition),
    );
  const distinct = (some: readonly MemoryRow[]) => [...new Set(some.map(({ recordId }) => recordId))];
  const sumOf = (ids: readonly string[]): Sum => ({
    count: ids.length,
    fingerprint: ids.reduce((sum, id) => sum + BigInt(`0x${id.slice(0, 8)}`), 0n),
  });
  const tableRows = (some: readonly MemoryRow[]): TableRow[] =>
    [...Map.groupBy(some, ({ recordId }) => recordId)].map(([recordId, copies]) => {
      return {
        recordId,
        position: copies[0]?.position ?? '',
        partition: copies[0]?.partition ?? '',
        copies: copies.length,
      };
    });
  return {
    sums: async (table, scope) =>
      [...Map.groupBy(select(table, scope), ({ partition }) => partition)].map(([partition, some]): PartitionSum => {
        return { partition, rows: some.length, ...sumOf(distinct(some)) };
      }),
    buckets: async (table, partition, scope) =>
      new Map(
        [...Map.groupBy(distinct(select(table, scope, partition)), (id) => id.slice(0, 3))].map(([bucket, ids]) => [
          bucket,
          sumOf(ids),
        ]),
      ),
    rows: async (table, { partition, buckets, duplicated, limit }: RowsAsked, scope) =>
      tableRows(select(table, scope, partition))
        .filter(({ recordId }) => buckets === undefined || buckets.includes(recordId.slice(0, 3)))
        .filter(({ copies }) => !duplicated || copies > 1)
        .slice(0, limit),
    between: async (shardId, after, to, limit) =>
      tableRows(
        rows.filter(({ position }) => {
          const [shard, sequence = ''] = position.split(':');
          return shard === shardId && sequence > after && sequence <= to;
        }),
      ).slice(0, limit),
  };
}

/** `_record_id` of the one event of the shard's record at an index, as `sequenceOf` counts. */
export function recordIdAt(index: number, shard = 0, subsequence = 0): string {
  return createRecordIdentity(STREAM_NAME).forRecord(shardName(shard), sequenceOf(index)).textOf(subsequence);
}

/** Start of an hour on the day of arrival. */
export const arrivalHour = (hours: number): string => formatHour(ARRIVED_AT_MS + hours * 3_600_000);
