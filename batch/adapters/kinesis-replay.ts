/** Puts records on the stream again, until all are accepted: rejected ones alone are sent again, with full-jitter backoff. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backoff, backoffMs } from '../../processors/adapters/backoff.ts';
import { REQUEST_RECORDS_MAX } from '../../streams/producer/limits.ts';
import { type PutRecordsEntry, PutRecordsError, type PutRecordsPort } from '../../streams/producer/put-records-port.ts';
import type { PlayedRecord } from '../redrive/redrive-parked.ts';

/** Bytes of a call: well below the 10 MiB that Kinesis takes, so that a slow line is done in time. */
const CALL_BYTES_MAX = 4 * 1_024 * 1_024;
const CALL_TIMEOUT_MS = 15_000;
/** About half a minute of throttling. */
const ATTEMPTS_MAX = 12;
const BACKOFF: Backoff = { baseMs: 100, ceilingMs: 5_000, random: Math.random };

export interface KinesisReplayOptions {
  readonly port: PutRecordsPort;
  readonly streamName: string;
  /** Attempts at a call. Default `ATTEMPTS_MAX`. */
  readonly attemptsMax?: number;
  /** How long one call may take, milliseconds. Default `CALL_TIMEOUT_MS`. */
  readonly callTimeoutMs?: number;
  readonly wait?: (durationMs: number) => Promise<unknown>;
}

/** Records that the stream did not take, though it was asked as often as allowed. */
export class NotAccepted extends Error {
  /** The last reason, in words of Kinesis: `ProvisionedThroughputExceededException`. */
  readonly reason: string;

  constructor(records: number, reason: string) {
    super(`${records} records were not accepted: ${reason}`);
    this.name = 'NotAccepted';
    this.reason = reason;
  }
}

/**
 * @returns puts records; those before the ones that are not accepted are on the stream
 * @throws NotAccepted, or PutRecordsError for what cannot pass
 */
export function createKinesisReplay({
  port,
  streamName,
  attemptsMax = ATTEMPTS_MAX,
  callTimeoutMs = CALL_TIMEOUT_MS,
  wait = sleep,
}: KinesisReplayOptions): (records: readonly PlayedRecord[]) => Promise<void> {
  async function putAll(entries: readonly PutRecordsEntry[]): Promise<void> {
    let pending = entries;
    for (let attempt = 0; pending.length > 0; attempt++) {
      let reason = 'rejected';
      try {
        const results = await port.putRecords(streamName, pending, callTimeoutMs);
        pending = pending.filter((_, index) => results[index]?.errorCode !== undefined);
        reason = results.find(({ errorCode }) => errorCode !== undefined)?.errorCode ?? reason;
      } catch (error) {
        // Sent again, what was taken is a duplicate, which the replay's claim tells.
        if (!(error instanceof PutRecordsError && error.isRetryable)) throw error;
        reason = error.message;
      }
      if (pending.length === 0) return;
      if (attempt + 1 >= attemptsMax) throw new NotAccepted(pending.length, reason);
      await wait(backoffMs(BACKOFF, attempt));
    }
  }

  return async (records) => {
    let call: PutRecordsEntry[] = [];
    let bytes = 0;
    for (const { partitionKey, data } of records) {
      if (call.length >= REQUEST_RECORDS_MAX || (call.length > 0 && bytes + data.length > CALL_BYTES_MAX)) {
        await putAll(call);
        call = [];
        bytes = 0;
      }
      call.push({ data, partitionKey, explicitHashKey: undefined });
      bytes += data.length;
    }
    await putAll(call);
  };
}
