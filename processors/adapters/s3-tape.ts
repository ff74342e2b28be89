/** Keeps tape objects in the archive bucket. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { ClockPort } from '../ports.ts';
import type { TapePort } from '../tape.ts';
import { type PutUntilOptions, putUntil } from './put-until.ts';

/** @param bucket name of the archive bucket */
export function createS3Tape(
  client: S3Client,
  bucket: string,
  clock: ClockPort,
  options: PutUntilOptions = {},
): TapePort {
  return {
    async keep({ key, body, metadata }, deadlineMs) {
      // The bytes are gzip by name; as a Content-Encoding, some clients would unpack them unasked.
      const input = {
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: 'application/gzip',
        Metadata: { ...metadata },
      };
      await putUntil(client, clock, input, deadlineMs, 'a tape object', options);
    },
  };
}
