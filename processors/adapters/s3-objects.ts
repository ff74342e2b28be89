/** Reads ranges of objects in S3, of the version that has the ETag it was told of. */
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ObjectError, type ObjectsPort } from '../landed/objects.ts';

/** 8 MiB take a second or so; a connection that has gone silent must not take the invocation with it. */
export const READ_TIMEOUT_MS = 10_000;

/** @param client retries what fails at once, with the SDK's own number of attempts, within `readTimeoutMs` */
export function createS3Objects(client: S3Client, readTimeoutMs = READ_TIMEOUT_MS): ObjectsPort {
  return {
    async read(object, from, to) {
      if (to <= from) return new Uint8Array();
      const command = new GetObjectCommand({
        Bucket: object.bucket,
        Key: object.key,
        Range: `bytes=${from}-${to - 1}`,
        IfMatch: `"${object.etag}"`,
      });
      let bytes: Uint8Array | undefined;
      try {
        const { Body } = await client.send(command, { abortSignal: AbortSignal.timeout(readTimeoutMs) });
        bytes = await Body?.transformToByteArray();
      } catch (error) {
        const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
        throw new ObjectError(object, reason, { cause: error });
      }
      if (bytes?.length !== to - from) {
        throw new ObjectError(object, `received ${bytes?.length ?? 'no'} bytes, asked for ${to - from}`);
      }
      return bytes;
    },
  };
}
