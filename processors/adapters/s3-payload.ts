/** Keeps large payloads of failed records in S3, under a key that follows from the record's identity. */
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { PayloadError, type PayloadPort } from '../ports.ts';

const URI = /^s3:\/\/([^/]+)\/(.+)$/;

export function createS3Payload(client: S3Client): PayloadPort {
  return {
    async keep({ uri, bytes }) {
      const [, Bucket, Key] = URI.exec(uri) ?? [];
      if (Bucket === undefined || Key === undefined)
        throw new Error(`payload URI: received ${uri}, allowed s3://bucket/key`);
      try {
        await client.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ContentType: 'application/octet-stream' }));
      } catch (error) {
        const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
        throw new PayloadError(`payload of a failed record could not be kept: ${reason}`, { cause: error });
      }
    },
  };
}
