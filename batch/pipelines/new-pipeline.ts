/** The body of `POST /pipelines`, read: what is to be run, and of which records. */
import { isRecord } from '../../schemas/describe.ts';
import { PRIORITIES, type Priority } from '../runs/run.ts';
import { ApiError, invalid } from './api-error.ts';
import { refuseUnknown } from './api-request.ts';
import { readRecords } from './read-records.ts';
import type { PipelinesSettings } from './settings.ts';

export const SOURCES = ['api', 's3', 'backfill'] as const;
export const DATA_TYPES = ['json', 'ndjson', 'csv', 'avro', 'parquet'] as const;
export const METADATA_BYTES_MAX = 4_096;
/** AmazonS3/latest/userguide/object-keys.html */
const KEY_BYTES_MAX = 1_024;

interface Asked {
  readonly dataset: string;
  readonly dataType: string | undefined;
  readonly priority: Priority;
  /** JSON of an object. */
  readonly metadata: string;
}

export type NewPipeline = Asked &
  (
    | {
        readonly source: 'api' /** Absent: they come by requests of their own. */;
        readonly records?: readonly unknown[];
      }
    | { readonly source: 's3'; readonly bucket: string; readonly key: string }
    | { readonly source: 's3-prefix'; readonly bucket: string; readonly prefix: string }
  );

const ASKED = ['source', 'data_type', 'priority', 'metadata', 'dataset'];
const KNOWN = { api: [...ASKED, 'records'], s3: [...ASKED, 'bucket', 'key', 'prefix'], backfill: undefined } as const;

/** @throws ApiError naming the field, what was received, and what is allowed */
export function readNewPipeline(body: Readonly<Record<string, unknown>>, settings: PipelinesSettings): NewPipeline {
  const source = oneOf('source', body.source, SOURCES);
  if (source === 'backfill') {
    throw new ApiError('NOT_IMPLEMENTED', 'source: received "backfill", which no version runs yet, allowed: api, s3');
  }
  refuseUnknown(body, KNOWN[source]);
  const priority = body.priority === undefined ? 'normal' : oneOf('priority', body.priority, PRIORITIES);
  const metadata = readMetadata(body.metadata);
  if (source === 's3') {
    // What the name and the content of an object do not decide is left open, unless the asker says it.
    const dataType = body.data_type === undefined ? undefined : oneOf('data_type', body.data_type, DATA_TYPES);
    const place = readPlace(body, settings.rawBucket);
    const path = place.source === 's3' ? place.key : place.prefix;
    const dataset = readDataset(body.dataset, settings, datasetOfPath(path, settings));
    return { ...place, dataset, dataType, priority, metadata };
  }
  const dataType = body.data_type === undefined ? 'json' : oneOf('data_type', body.data_type, DATA_TYPES);
  if (dataType !== 'json' && dataType !== 'ndjson') {
    throw invalid('data_type', dataType, 'json or ndjson with the source api, whose records are JSON values');
  }
  const dataset = readDataset(body.dataset, settings, settings.defaultDataset);
  const asked = { source, dataset, dataType, priority, metadata } as const;
  return body.records === undefined ? asked : { ...asked, records: readRecords(body.records) };
}

function readMetadata(value: unknown): string {
  if (value === undefined) return '{}';
  if (!isRecord(value)) throw invalid('metadata', value, 'an object');
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes <= METADATA_BYTES_MAX) return text;
  throw new ApiError('INVALID_REQUEST', `metadata: received ${bytes} bytes of JSON, allowed: ${METADATA_BYTES_MAX}`);
}

function readPlace({ bucket = undefined, key, prefix }: Readonly<Record<string, unknown>>, rawBucket: string) {
  if (bucket !== undefined && bucket !== rawBucket) throw invalid('bucket', bucket, `${rawBucket}, the raw bucket`);
  if ((key === undefined) === (prefix === undefined)) {
    throw new ApiError(
      'INVALID_REQUEST',
      `source s3: received ${key === undefined ? 'neither' : 'both'} of key and prefix, allowed: one of them`,
    );
  }
  return key === undefined
    ? ({ source: 's3-prefix', bucket: rawBucket, prefix: path('prefix', prefix) } as const)
    : ({ source: 's3', bucket: rawBucket, key: path('key', key) } as const);
}

function path(name: string, value: unknown): string {
  const isOne = typeof value === 'string' && value !== '' && value.isWellFormed();
  if (isOne && Buffer.byteLength(value) <= KEY_BYTES_MAX) return value;
  throw invalid(name, value, `1 to ${KEY_BYTES_MAX} bytes of UTF-8`);
}

/** That of a drop: `incoming/<dataset>/…`, and the default dataset for what is elsewhere. */
function datasetOfPath(path: string, { datasets, defaultDataset }: PipelinesSettings): string {
  const [top, dataset = '', ...rest] = path.split('/');
  return top === 'incoming' && rest.length > 0 && datasets.has(dataset) ? dataset : defaultDataset;
}

function readDataset(value: unknown, { datasets }: PipelinesSettings, byDefault: string): string {
  return value === undefined ? byDefault : oneOf('dataset', value, [...datasets]);
}

function oneOf<T extends string>(field: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw invalid(field, value, allowed.join(', '));
  return found;
}
