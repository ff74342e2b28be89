/**
 * DeleteObject and DeleteObjects.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
import { z } from 'zod';
import { faultError } from '../faults/fault-errors.ts';
import { AwsError } from '../service.ts';
import { declaresChecksum, receiveSmallBody } from './receive-body.ts';
import { invalidRequest, notImplemented } from './s3-error.ts';
import type { S3Operation } from './s3-operation.ts';
import { parseXml, type XmlContent, xmlAnswer } from './xml.ts';

const KEYS_MAX = 1_000;
/** A thousand of the longest keys, each byte escaped. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

const Entry = z.object({
  Key: z.string(),
  VersionId: z.string().optional(),
  ETag: z.string().optional(),
  LastModifiedTime: z.string().optional(),
  Size: z.string().optional(),
});
const Document = z.object({
  Delete: z.object({ Object: z.array(Entry).min(1).max(KEYS_MAX), Quiet: z.string().default('false') }),
});

export const deleteObject: S3Operation = ({ bucket, key, http }, { store }) => {
  store.delete(bucket, key, http.id, { ifNoneMatch: undefined, ifMatch: http.headers['if-match'] });
  return { status: 204 };
};

export const deleteObjects: S3Operation = async ({ bucket, http }, { store, faults }) => {
  store.bucket(bucket);
  if (http.headers['content-md5'] === undefined && !declaresChecksum(http))
    throw invalidRequest('Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  const body = await receiveSmallBody(http, BODY_BYTES_MAX);
  const { Object: entries, Quiet: quiet } = parseXml(body, ['Object'], Document).Delete;
  const deleted: XmlContent[] = [];
  const errors: XmlContent[] = [];
  for (const { Key, VersionId, ETag, LastModifiedTime, Size } of entries) {
    try {
      if (faults.rejects('DeleteObjects')) throw faultError('s3', 'failure');
      if (VersionId !== undefined) throw notImplemented('DeleteObjects of versions (VersionId): one version is kept');
      if (LastModifiedTime !== undefined || Size !== undefined) {
        throw notImplemented('DeleteObjects on condition of LastModifiedTime or Size');
      }
      store.delete(bucket, Key, http.id, { ifNoneMatch: undefined, ifMatch: ETag });
      deleted.push({ Key });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      errors.push({ Key, Code: error.code, Message: error.message });
    }
  }
  return xmlAnswer('DeleteResult', { Deleted: quiet === 'true' ? [] : deleted, Error: errors });
};
