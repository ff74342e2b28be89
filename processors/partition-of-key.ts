/** The partition that an object's key lies in: `<table>/dt=2026-01-01/[hour=05/]<file>`. */

export interface TablePartition {
  readonly table: string;
  /** Values of the partition keys, in the table's order. */
  readonly values: readonly string[];
  /** `s3://bucket/<table>/dt=2026-01-01/` */
  readonly location: string;
}

/** Objects that Firehose could not deliver lie below `errors/`, which is no table. */
const KEY = /^(?!errors\/)([a-z][a-z0-9_]*)\/dt=(\d{4}-\d{2}-\d{2})\/(?:hour=(\d{2})\/)?[^/]+$/;

/**
 * @param key as EventBridge gives it: plain, not URL-encoded as in S3's own notifications
 *   (AmazonS3/latest/userguide/ev-events.html)
 * @returns `undefined` for a key that lies in no partition
 */
export function partitionOfKey(bucket: string, key: string): TablePartition | undefined {
  const [, table, dt, hour] = KEY.exec(key) ?? [];
  if (table === undefined || dt === undefined) return undefined;
  return {
    table,
    values: hour === undefined ? [dt] : [dt, hour],
    location: `s3://${bucket}/${key.slice(0, key.lastIndexOf('/') + 1)}`,
  };
}
