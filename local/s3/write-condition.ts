/**
 * Conditions on writes: create only what is not there, replace or delete only what is known.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import type { StoredObject } from './object-index.ts';
import { noSuchKey, notImplemented, preconditionFailed } from './s3-error.ts';

export interface WriteCondition {
  readonly ifNoneMatch: string | undefined;
  readonly ifMatch: string | undefined;
}

/** @throws AwsError `NotImplemented` for an If-None-Match other than `*`, as S3 does */
export function writeCondition(headers: Readonly<Record<string, string>>): WriteCondition {
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw notImplemented(`If-None-Match: ${ifNoneMatch} on a write; * is allowed`);
  }
  return { ifNoneMatch, ifMatch: headers['if-match'] };
}

/** @throws AwsError `PreconditionFailed`, `NoSuchKey` */
export function checkWriteCondition(
  { ifNoneMatch, ifMatch }: WriteCondition,
  existing: StoredObject | undefined,
  bucket: string,
  key: string,
): void {
  if (ifNoneMatch !== undefined && existing) throw preconditionFailed('If-None-Match');
  if (ifMatch === undefined) return;
  if (!existing) throw noSuchKey(bucket, key);
  if (ifMatch !== '*' && ifMatch.replaceAll('"', '') !== existing.etag) throw preconditionFailed('If-Match');
}
