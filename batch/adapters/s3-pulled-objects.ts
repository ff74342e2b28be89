/** Pulled documents as objects of S3, with what tells them from the next in their metadata. */
import { Readable } from 'node:stream';
import { HeadObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { PulledObjectsPort } from '../ingestion/pulled-objects.ts';
import type { WebDocument } from '../ingestion/web.ts';

/** 400 MiB at 4 MB/s. */
const PUT_TIMEOUT_MS = 120_000;
const FIND_TIMEOUT_MS = 30_000;
/** Up to this a document is held in memory while it is put, so that the client can try again. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;

export function createS3PulledObjects(client: S3Client): PulledObjectsPort {
  return {
    async find(bucket, key) {
      try {
        const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
        const found = await client.send(command, { abortSignal: AbortSignal.timeout(FIND_TIMEOUT_MS) });
        const { VersionId, ETag, Metadata = {} } = found;
        if (ETag === undefined) throw new Error(`s3://${bucket}/${key}: received no ETag`);
        const { 'web-etag': etag, 'web-last-modified': lastModified } = Metadata;
        return {
          bucket,
          key,
          // `null` names what was put before the bucket kept versions.
          ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }),
          objectEtag: ETag.replaceAll('"', ''),
          ...(etag !== undefined && { etag: decodeURIComponent(etag) }),
          ...(lastModified !== undefined && { lastModified: decodeURIComponent(lastModified) }),
        };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
    async put(bucket, key, document) {
      const { sizeBytes, contentType, etag, lastModified } = document;
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: await bodyOf(document),
        ContentLength: sizeBytes,
        ContentType: contentType,
        // Two attempts at a run may pull two documents: one of them is the run's.
        IfNoneMatch: '*',
        // Metadata is ASCII.
        Metadata: {
          ...(etag !== undefined && { 'web-etag': encodeURIComponent(etag) }),
          ...(lastModified !== undefined && { 'web-last-modified': encodeURIComponent(lastModified) }),
        },
      });
      try {
        await client.send(command, { abortSignal: AbortSignal.timeout(PUT_TIMEOUT_MS) });
      } catch (error) {
        if (statusOf(error) !== 412) throw error;
      }
    },
  };
}

async function bodyOf({ sizeBytes, open }: WebDocument): Promise<Buffer | Readable> {
  if (sizeBytes > HELD_BYTES_MAX) return Readable.from(open());
  return Buffer.concat(await Array.fromAsync(open()));
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
