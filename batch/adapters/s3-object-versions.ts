import { HeadObjectCommand, NotFound, type S3Client } from '@aws-sdk/client-s3';
import { type ObjectVersions, Unavailable } from '../pipelines/ports.ts';

/** An answer takes milliseconds; a connection that has gone silent must not take the invocation with it. */
const CALL_TIMEOUT_MS = 5_000;

export function createS3ObjectVersions(client: S3Client): ObjectVersions {
  return {
    async find(bucket, key) {
      try {
        const { VersionId: versionId, ETag } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), {
          abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS),
        });
        const etag = ETag?.replaceAll('"', '');
        return { ...(versionId !== undefined && { versionId }), ...(etag !== undefined && { etag }) };
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw new Unavailable('S3', { cause: error });
      }
    },
  };
}
