/** Keeps large payloads of failed records in S3, under a key that follows from the record's identity. */
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type ClockPort, PayloadError, type PayloadPort } from '../ports.ts';

const URI = /^s3:\/\/([^/]+)\/(.+)$/;

/** @param client retries what passes, with the SDK's own number of attempts; the deadline ends them */
export function createS3Payload(client: S3Client, clock: ClockPort): PayloadPort {
  return {
    async keep({ uri, bytes }, deadlineMs) {
      const [, Bucket, Key] = URI.exec(uri) ?? [];
      if (Bucket === undefined || Key === undefined)
        throw new Error(`payload URI: received ${uri}, allowed: s3://bucket/key`);
      const abortSignal = AbortSignal.timeout(Math.max(0, Math.ceil(deadlineMs - clock.now())));
      try {
        await client.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ContentType: 'application/octet-stream' }), {
          abortSignal,
        });
      } catch (error) {
        const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
        throw new PayloadError(`payload of a failed record could not be kept: ${reason}`, { cause: error });
      }
    },
  };
}
