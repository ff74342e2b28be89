/** Puts an object until it is there or the time is over: a connection that has gone silent is given up and tried again. */
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3';
import { type ClockPort, PayloadError } from '../ports.ts';

/** 10 MiB take a second or so; a connection that has gone silent must not take the invocation with it. */
export const ATTEMPT_TIMEOUT_MS = 15_000;

export interface PutUntilOptions {
  /** How long one attempt may take before it is given up and made again, milliseconds. Default `ATTEMPT_TIMEOUT_MS`. */
  readonly attemptTimeoutMs?: number | undefined;
}

/**
 * @param client retries what fails at once, with the SDK's own number of attempts, within the time of one attempt here
 * @param what names the object in the error
 * @throws PayloadError when the object is not known to be there
 */
export async function putUntil(
  client: S3Client,
  clock: ClockPort,
  input: PutObjectCommandInput,
  deadlineMs: number,
  what: string,
  { attemptTimeoutMs = ATTEMPT_TIMEOUT_MS }: PutUntilOptions = {},
): Promise<void> {
  const command = new PutObjectCommand(input);
  for (;;) {
    const timeLeftMs = Math.max(0, deadlineMs - clock.now());
    const abortSignal = AbortSignal.timeout(Math.ceil(Math.min(attemptTimeoutMs, timeLeftMs)));
    try {
      await client.send(command, { abortSignal });
      return;
    } catch (error) {
      if (abortSignal.aborted && timeLeftMs > attemptTimeoutMs) continue;
      const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
      throw new PayloadError(`${what} could not be kept: ${reason}`, { cause: error });
    }
  }
}
