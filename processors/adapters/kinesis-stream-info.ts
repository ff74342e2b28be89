/** Asks Kinesis when a stream was made: once a process, since it does not change. */
import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { StateUnavailable } from '../books/state-table.ts';
import type { StreamInfoPort } from '../books/stream-info.ts';

/** An answer takes milliseconds; a connection that has gone silent must not take the invocation with it. */
export const CALL_TIMEOUT_MS = 5_000;

export interface KinesisStreamInfoOptions {
  /** How long one call may take, its retries included, milliseconds. Default `CALL_TIMEOUT_MS`. */
  readonly callTimeoutMs?: number | undefined;
}

export function createKinesisStreamInfo(client: KinesisClient, options: KinesisStreamInfoOptions = {}): StreamInfoPort {
  const { callTimeoutMs = CALL_TIMEOUT_MS } = options;
  const asked = new Map<string, Promise<number>>();

  async function ask(streamArn: string): Promise<number> {
    try {
      const { StreamDescriptionSummary } = await client.send(
        new DescribeStreamSummaryCommand({ StreamARN: streamArn }),
        { abortSignal: AbortSignal.timeout(callTimeoutMs) },
      );
      const createdAt = StreamDescriptionSummary?.StreamCreationTimestamp;
      if (createdAt === undefined) throw new Error(`${streamArn} has no StreamCreationTimestamp`);
      return createdAt.getTime();
    } catch (error) {
      const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
      throw new StateUnavailable(`the stream could not be described: ${reason}`, { cause: error });
    }
  }

  return {
    createdAtMs(streamArn) {
      let answer = asked.get(streamArn);
      if (!answer) {
        answer = ask(streamArn);
        asked.set(streamArn, answer);
        // A failure must not be remembered: the next batch asks again.
        answer.catch(() => asked.delete(streamArn));
      }
      return answer;
    },
  };
}
