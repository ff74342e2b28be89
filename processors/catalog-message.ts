/** What a message of the Catalog's queue tells of: an EventBridge event of an object (AmazonS3/latest/userguide/ev-events.html). */
import { isRecord } from '../schemas/describe.ts';
import type { StoredObject } from './landed/objects.ts';
import { ON_FAILURE_PREFIX } from './landed/parked-batch.ts';
import { partitionOfKey, type TablePartition } from './partition-of-key.ts';

export interface CatalogBuckets {
  /** Names of the buckets. */
  readonly processedBucket: string;
  readonly archiveBucket: string;
}

/** An object that is to be entered in the books. */
export type AppearedObject = { readonly object: StoredObject } & (
  | {
      readonly kind: 'landed';
      readonly partition: TablePartition;
      /** Epoch milliseconds; undefined when the event does not tell. */
      readonly landedAtMs: number | undefined;
    }
  | { readonly kind: 'parked' }
  | { readonly kind: 'misdelivered'; readonly table: string; readonly errorType: string }
);

export type CatalogMessage =
  | AppearedObject
  /** Nothing is to be done, and why. */
  | { readonly kind: 'ignored'; readonly reason: string }
  /** It cannot be read: what was received, and what is allowed. */
  | { readonly kind: 'malformed'; readonly reason: string };

/** `errors/<table>/<type>/…`, as infra/delivery.ts has Firehose write. */
const ERROR_KEY = /^errors\/([a-z][a-z0-9_]*)\/([^/]+)\/./;

export function readCatalogMessage(body: string, buckets: CatalogBuckets): CatalogMessage {
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return { kind: 'malformed', reason: 'received no JSON, allowed: an EventBridge event' };
  }
  const detail = memberOf(event, 'detail');
  const described = memberOf(detail, 'object');
  const bucket = memberOf(memberOf(detail, 'bucket'), 'name');
  const key = memberOf(described, 'key');
  const sizeBytes = memberOf(described, 'size');
  const etag = memberOf(described, 'etag');
  if (
    typeof bucket !== 'string' ||
    typeof key !== 'string' ||
    typeof sizeBytes !== 'number' ||
    !Number.isSafeInteger(sizeBytes) ||
    typeof etag !== 'string'
  ) {
    const needed = 'detail.bucket.name and detail.object with key, size and etag';
    return { kind: 'malformed', reason: `received no ${needed}, allowed: an event of an S3 object` };
  }
  const object: StoredObject = { bucket, key, sizeBytes, etag };
  if (bucket === buckets.archiveBucket) {
    if (key.startsWith(ON_FAILURE_PREFIX)) return { kind: 'parked', object };
    return { kind: 'ignored', reason: 'archived object that is no parked batch' };
  }
  if (bucket !== buckets.processedBucket) return { kind: 'ignored', reason: 'object of another bucket' };
  const [, table, errorType] = ERROR_KEY.exec(key) ?? [];
  if (table !== undefined && errorType !== undefined) return { kind: 'misdelivered', object, table, errorType };
  const partition = partitionOfKey(bucket, key);
  if (!partition) return { kind: 'ignored', reason: 'object outside a partition' };
  return { kind: 'landed', object, partition, landedAtMs: timeOf(memberOf(event, 'time')) };
}

function timeOf(time: unknown): number | undefined {
  const atMs = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
