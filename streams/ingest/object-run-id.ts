import { createHash } from 'node:crypto';

/** One version of an object. Without a version id, its content tells versions apart. */
export interface ObjectToRun {
  readonly bucket: string;
  readonly key: string;
  /** Absent in a bucket that is not versioned. */
  readonly versionId?: string | undefined;
  /** Without quotes. */
  readonly etag?: string | undefined;
}

/**
 * The id of the run of one version of an object, however it was asked for: `s3-` and 32 hex digits.
 * @throws RangeError when neither the version nor the ETag is known
 */
export function objectRunId({ bucket, key, versionId, etag }: ObjectToRun): string {
  const version = versionId ?? etag;
  if (version === undefined) throw new RangeError(`s3://${bucket}/${key}: received neither a version id nor an ETag`);
  return `s3-${createHash('sha256')
    .update(JSON.stringify([bucket, key, version]))
    .digest('hex')
    .slice(0, 32)}`;
}
