/**
 * The object that CopyObject or UploadPartCopy reads.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
import type { BucketStore } from './bucket-store.ts';
import type { Headers } from './object-headers.ts';
import type { StoredObject } from './object-index.ts';
import { failedCondition } from './read-conditions.ts';
import { invalidArgument, notImplemented, preconditionFailed } from './s3-error.ts';

export interface CopySource {
  readonly bucket: string;
  readonly object: StoredObject;
}

/** @throws AwsError `InvalidArgument`, `NotImplemented` for a version, `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed` */
export function findCopySource(headers: Headers, store: BucketStore): CopySource {
  const { bucket, key } = readCopySource(headers['x-amz-copy-source'] ?? '');
  const object = store.object(bucket, key);
  const failed = failedCondition(
    {
      ifMatch: headers['x-amz-copy-source-if-match'],
      ifNoneMatch: headers['x-amz-copy-source-if-none-match'],
      ifModifiedSince: headers['x-amz-copy-source-if-modified-since'],
      ifUnmodifiedSince: headers['x-amz-copy-source-if-unmodified-since'],
    },
    object,
  );
  if (failed) throw preconditionFailed(`x-amz-copy-source-${failed}`);
  return { bucket, object };
}

/** `[/]bucket/key`, percent-encoded. */
function readCopySource(header: string): { readonly bucket: string; readonly key: string } {
  const [source = '', parameters] = header.replace(/^\//, '').split('?');
  if (parameters !== undefined) throw notImplemented(`copying a version (?${parameters}): one version is kept`);
  const decoded = decode(source);
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1 || decoded.startsWith('arn:')) {
    throw invalidArgument(`x-amz-copy-source is <bucket>/<key>, received ${header}.`);
  }
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

function decode(source: string): string {
  try {
    return decodeURIComponent(source);
  } catch {
    throw invalidArgument(`x-amz-copy-source is not percent-encoded UTF-8: ${source}`);
  }
}
