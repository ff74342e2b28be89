/** Keeps large payloads of failed records in S3, under a key that follows from the record's identity. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { ClockPort, PayloadPort } from '../ports.ts';
import { type PutUntilOptions, putUntil } from './put-until.ts';

const URI = /^s3:\/\/([^/]+)\/(.+)$/;

export function createS3Payload(client: S3Client, clock: ClockPort, options: PutUntilOptions = {}): PayloadPort {
  return {
    async keep({ uri, bytes }, deadlineMs) {
      const [, Bucket, Key] = URI.exec(uri) ?? [];
      if (Bucket === undefined || Key === undefined)
        throw new Error(`payload URI: received ${uri}, allowed: s3://bucket/key`);
      const input = { Bucket, Key, Body: bytes, ContentType: 'application/octet-stream' };
      await putUntil(client, clock, input, deadlineMs, 'payload of a failed record', options);
    },
  };
}
