/** Keeps large payloads of failed records in S3, under a key that follows from the record's identity. */
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type ClockPort, PayloadError, type PayloadPort } from '../ports.ts';

const URI = /^s3:\/\/([^/]+)\/(.+)$/;

/** 10 MiB take a second or so; a connection that has gone silent must not take the invocation with it. */
export const ATTEMPT_TIMEOUT_MS = 15_000;

export interface S3PayloadOptions {
  /** How long one attempt may take before it is given up and made again, milliseconds. Default `ATTEMPT_TIMEOUT_MS`. */
  readonly attemptTimeoutMs?: number | undefined;
}

/** @param client retries what fails at once, with the SDK's own number of attempts, within the time of one attempt here */
export function createS3Payload(client: S3Client, clock: ClockPort, options: S3PayloadOptions = {}): PayloadPort {
  const { attemptTimeoutMs = ATTEMPT_TIMEOUT_MS } = options;
  return {
    async keep({ uri, bytes }, deadlineMs) {
      const [, Bucket, Key] = URI.exec(uri) ?? [];
      if (Bucket === undefined || Key === undefined)
        throw new Error(`payload URI: received ${uri}, allowed: s3://bucket/key`);
      const command = new PutObjectCommand({ Bucket, Key, Body: bytes, ContentType: 'application/octet-stream' });
      for (;;) {
        const timeLeftMs = Math.max(0, deadlineMs - clock.now());
        const abortSignal = AbortSignal.timeout(Math.ceil(Math.min(attemptTimeoutMs, timeLeftMs)));
        try {
          await client.send(command, { abortSignal });
          return;
        } catch (error) {
          if (abortSignal.aborted && timeLeftMs > attemptTimeoutMs) continue;
          const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
          throw new PayloadError(`payload of a failed record could not be kept: ${reason}`, { cause: error });
        }
      }
    },
  };
}
