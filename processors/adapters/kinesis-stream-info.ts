/** Asks Kinesis which stream it is that has an ARN or a name, and when it was made. */
import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import type { StreamRef } from '../books/keys.ts';
import { StateUnavailable } from '../books/state-table.ts';
import type { NamedStreamPort, StreamInfoPort } from '../books/stream-info.ts';

/** An answer takes milliseconds; a connection that has gone silent must not take the invocation with it. */
export const CALL_TIMEOUT_MS = 5_000;

export interface KinesisStreamInfoOptions {
  /** How long one call may take, its retries included, milliseconds. Default `CALL_TIMEOUT_MS`. */
  readonly callTimeoutMs?: number | undefined;
}

/** Asks once a process for each ARN: when a stream was made does not change. */
export function createKinesisStreamInfo(client: KinesisClient, options: KinesisStreamInfoOptions = {}): StreamInfoPort {
  const asked = new Map<string, Promise<StreamRef>>();
  return {
    async createdAtMs(streamArn) {
      let answer = asked.get(streamArn);
      if (!answer) {
        answer = describe(client, { StreamARN: streamArn }, options);
        asked.set(streamArn, answer);
        // A failure must not be remembered: the next batch asks again.
        answer.catch(() => asked.delete(streamArn));
      }
      return (await answer).createdAtMs;
    },
  };
}

/** Asks each time: a stream of that name can be deleted and made again. */
export function createKinesisNamedStream(
  client: KinesisClient,
  options: KinesisStreamInfoOptions = {},
): NamedStreamPort {
  return { refOf: (streamName) => describe(client, { StreamName: streamName }, options) };
}

/** @throws StateUnavailable when the stream could not be described */
async function describe(
  client: KinesisClient,
  stream: { readonly StreamARN: string } | { readonly StreamName: string },
  { callTimeoutMs = CALL_TIMEOUT_MS }: KinesisStreamInfoOptions,
): Promise<StreamRef> {
  try {
    const { StreamDescriptionSummary: summary } = await client.send(new DescribeStreamSummaryCommand(stream), {
      abortSignal: AbortSignal.timeout(callTimeoutMs),
    });
    const { StreamARN, StreamCreationTimestamp } = summary ?? {};
    if (StreamARN === undefined || StreamCreationTimestamp === undefined) {
      throw new Error(`${Object.values(stream)[0]} has no StreamARN or no StreamCreationTimestamp`);
    }
    return { streamArn: StreamARN, createdAtMs: StreamCreationTimestamp.getTime() };
  } catch (error) {
    const reason = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
    throw new StateUnavailable(`the stream could not be described: ${reason}`, { cause: error });
  }
}
