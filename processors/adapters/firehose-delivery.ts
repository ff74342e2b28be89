/**
 * Delivers to Firehose by PutRecordBatch. A 200 may still hold rejected entries: those alone are sent again, with
 * full-jitter backoff, until the deadline (firehose/latest/APIReference/API_PutRecordBatch.html).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PutRecordBatchCommand, type PutRecordBatchCommandOutput } from '@aws-sdk/client-firehose';
import { type ClockPort, DeliveryError, type DeliveryPort, type PackedRecord } from '../ports.ts';
import { type Backoff, backoffMs } from './backoff.ts';

/** What is used of a `FirehoseClient`. */
export interface FirehoseCalls {
  send(
    command: PutRecordBatchCommand,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<PutRecordBatchCommandOutput>;
}

export interface FirehoseDeliveryOptions {
  /** With `maxAttempts: 1`: retries are decided here, inside the invocation's time. */
  readonly client: FirehoseCalls;
  /** What precedes the table in a delivery stream's name. */
  readonly streamPrefix: string;
  readonly clock: ClockPort;
  /** Default: from 50 ms, to 5 s at most. */
  readonly backoff?: Backoff;
  /** How long one attempt may take before it is given up and made again. Default `ATTEMPT_TIMEOUT_MS`. */
  readonly attemptTimeoutMs?: number;
  readonly wait?: (durationMs: number) => Promise<unknown>;
  /** A signal that aborts after that long. Default `AbortSignal.timeout`. */
  readonly abortAfter?: (durationMs: number) => AbortSignal;
}

/** A full call of 4 MiB takes a second or so; a connection that has gone silent must not take the invocation with it. */
export const ATTEMPT_TIMEOUT_MS = 15_000;

/**
 * Attempts in a row by which nothing was accepted, before the stream is taken to be away: some seven seconds of backoff. To
 * wait longer is Lambda's, which costs nothing meanwhile; a batch is tried again until its records are nearly as old as
 * the stream keeps them.
 */
export const FRUITLESS_ATTEMPTS_MAX = 10;

const BACKOFF: Backoff = { baseMs: 50, ceilingMs: 5_000, random: Math.random };

export function createFirehoseDelivery(options: FirehoseDeliveryOptions): DeliveryPort {
  const {
    client,
    clock,
    streamPrefix,
    backoff = BACKOFF,
    attemptTimeoutMs = ATTEMPT_TIMEOUT_MS,
    wait = sleep,
    abortAfter = (durationMs) => AbortSignal.timeout(durationMs),
  } = options;

  /** Entries of `records` that were rejected. */
  async function put(table: string, records: readonly PackedRecord[], timeoutMs: number): Promise<PackedRecord[]> {
    const reply = await client.send(
      new PutRecordBatchCommand({
        DeliveryStreamName: `${streamPrefix}${table}`,
        Records: records.map(({ data }) => ({ Data: data })),
      }),
      { abortSignal: abortAfter(Math.ceil(timeoutMs)) },
    );
    if (reply.FailedPutCount === 0) return [];
    // An entry without an answer is not known to be accepted: sent again, it is a duplicate at worst.
    return records.filter((_, index) => reply.RequestResponses?.[index]?.RecordId === undefined);
  }

  return {
    async deliver({ table, records }, deadlineMs) {
      let pending: readonly PackedRecord[] = records;
      for (let attempt = 0, fruitless = 0; fruitless < FRUITLESS_ATTEMPTS_MAX; attempt++) {
        const timeLeftMs = deadlineMs - clock.now();
        if (timeLeftMs <= 0) return pending;
        const before = pending.length;
        try {
          pending = await put(table, pending, Math.min(attemptTimeoutMs, timeLeftMs));
        } catch (error) {
          if (!isRetryable(error)) throw new DeliveryError(describe(error), { cause: error });
        }
        if (pending.length === 0) return pending;
        fruitless = pending.length < before ? 0 : fruitless + 1;
        const waitMs = backoffMs(backoff, attempt);
        if (clock.now() + waitMs >= deadlineMs) return pending;
        await wait(waitMs);
      }
      return pending;
    },
  };
}

const RETRYABLE_NAMES: ReadonlySet<string> = new Set([
  'ServiceUnavailableException',
  'LimitExceededException',
  'ThrottlingException',
  'TimeoutError',
  'AbortError',
  'InternalFailure',
  'RequestTimeout',
]);

/** The network, the service's own failures and throttling pass; what is wrong with the request does not. */
function isRetryable(error: unknown): boolean {
  if (!Error.isError(error)) return false;
  if (RETRYABLE_NAMES.has(error.name)) return true;
  if ('$retryable' in error && error.$retryable !== undefined) return true;
  const status = statusOf(error);
  // Without a status there was no answer; the SDK puts its metadata on every error of a call that was under way.
  if (status === undefined) return '$metadata' in error;
  // An error below 400 is an answer that could not be read, such as one cut short.
  return status < 400 || status >= 500 || status === 429;
}

function statusOf(error: Error): number | undefined {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null) return undefined;
  const { $metadata } = error;
  return 'httpStatusCode' in $metadata && typeof $metadata.httpStatusCode === 'number'
    ? $metadata.httpStatusCode
    : undefined;
}

function describe(error: unknown): string {
  return Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
}
