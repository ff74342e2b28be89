/** Rows of one record: found by SQL, and their place in an object by reading its `_record_id`s. */
import { NoSuchKey, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { FAILED_EVENTS } from '../../processors/stages/route.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import { ReadError } from '../reconcile/ports.ts';
import { RefusedRequest } from '../reconcile/refused-request.ts';
import type { FoundRow, RowPlace, RowQuery, RowsPort } from '../trace/ports.ts';
import type { RunSql } from './athena-query.ts';
import { quoted } from './athena-tables.ts';
import { readObject } from './s3-archive.ts';

export interface AthenaRowsOptions {
  readonly run: RunSql;
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly s3: S3Client;
  /** Where the tables' objects are. */
  readonly processedBucket: string;
}

const ROWS_MAX = 1_000;
/** Objects of one partition that are read. */
const OBJECTS_MAX = 1_000;

export function createAthenaRows({ run, datasets, s3, processedBucket }: AthenaRowsOptions): RowsPort {
  async function objectsOf({ table, values }: FoundRow): Promise<readonly string[]> {
    const [dt = '', hour] = values;
    const prefix = `${table}/dt=${dt}/${hour === undefined ? '' : `hour=${hour}/`}`;
    const keys: string[] = [];
    try {
      for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: processedBucket, Prefix: prefix })) {
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
        if (keys.length >= OBJECTS_MAX) break;
      }
    } catch (error) {
      throw new ReadError(`the objects below s3://${processedBucket}/${prefix}`, error);
    }
    return keys.slice(0, OBJECTS_MAX);
  }

  async function identitiesOf(key: string, columns: readonly string[], rowStart?: number) {
    // Objects of Firehose are 128 MiB at most, and one is held at a time.
    const bytes = await readObject(s3, processedBucket, key);
    try {
      const file: AsyncBuffer = {
        byteLength: bytes.length,
        slice: (from, to) => new Uint8Array(bytes.subarray(from, to)).buffer,
      };
      const metadata = await parquetMetadataAsync(file);
      const range = rowStart === undefined ? {} : { rowStart, rowEnd: rowStart + 1 };
      if (rowStart !== undefined && rowStart >= Number(metadata.num_rows)) return [];
      return await parquetReadObjects({ file, metadata, columns: [...columns], ...range });
    } catch (error) {
      throw new ReadError(`s3://${processedBucket}/${key}`, error);
    }
  }

  return {
    async find(query) {
      const tables = [...datasets.keys(), FAILED_EVENTS].filter(
        (table) => table !== FAILED_EVENTS || !('eventId' in query),
      );
      const selects = tables.map((table) => select(table, query, datasets));
      const rows = await run(`${selects.join(' UNION ALL ')} LIMIT ${ROWS_MAX}`);
      return rows.map(readRow);
    },
    async locate(row) {
      const places: RowPlace[] = [];
      for (const object of await objectsOf(row)) {
        const identities = await identitiesOf(object, ['_record_id']);
        for (const [index, { _record_id }] of identities.entries()) {
          if (_record_id === row.recordId) places.push({ object, row: index });
        }
      }
      return places;
    },
    async readIdentity({ object, row }) {
      const [found] = await identitiesOf(object, ['_record_id', '_position'], row).catch((error: unknown) => {
        const isGone = error instanceof ReadError && error.cause instanceof NoSuchKey;
        throw isGone ? new RefusedRequest(`there is no object ${object} in the bucket ${processedBucket}`) : error;
      });
      const { _record_id: recordId, _position: position } = found ?? {};
      return typeof recordId === 'string' && typeof position === 'string' ? { recordId, position } : undefined;
    },
  };
}

/** Every select has the same columns, so that they are one result. */
function select(table: string, query: RowQuery, datasets: ReadonlyMap<string, Dataset>): string {
  const isFailed = table === FAILED_EVENTS;
  const isHourly = isFailed || datasets.get(table)?.definition.partition === 'hour';
  const nothing = 'CAST(NULL AS varchar)';
  const columns = [
    `'${table}'`,
    '"_record_id"',
    '"_position"',
    isFailed ? nothing : '"_event_id"',
    'dt',
    isHourly ? 'hour' : nothing,
    '"_run_id"',
    'CAST("_ingested_at" AS varchar)',
    'CAST("_processed_at" AS varchar)',
    ...['stage', 'code', 'message'].map((column) => (isFailed ? column : nothing)),
  ];
  return `SELECT ${columns.join(', ')} FROM "${table}" WHERE ${conditionOf(query)}`;
}

function conditionOf(query: RowQuery): string {
  if ('recordId' in query) return `"_record_id" = ${quoted(query.recordId)}`;
  if ('eventId' in query) return `"_event_id" = ${quoted(query.eventId)}`;
  const { shardId, sequence, subsequence } = query;
  const place = `${shardId}:${sequence}:`;
  if (subsequence !== undefined) return `"_position" = ${quoted(`${place}${String(subsequence).padStart(7, '0')}`)}`;
  return `"_position" > ${quoted(place)} AND "_position" < ${quoted(`${place}~`)}`;
}

function readRow(values: readonly (string | undefined)[]): FoundRow {
  const [table = '', recordId = '', position = '', eventId, dt = '', hour, runId, ingestedAt, processedAt] = values;
  const [stage = '', code = '', message = ''] = values.slice(9);
  return {
    table,
    recordId,
    position,
    eventId,
    values: hour === undefined ? [dt] : [dt, hour],
    runId,
    ingestedAt,
    processedAt,
    failure: table === FAILED_EVENTS ? { stage, code, message } : undefined,
  };
}
