/** Chunks of a request onto the stream: within the time that a caller waits, so a few attempts and no more. */
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { createKinesisPutRecords } from '../../streams/adapters/kinesis-put-records.ts';
import { chunkValues } from '../../streams/ingest/chunk-values.ts';
import { type ChunkStream, Unavailable } from '../pipelines/ports.ts';
import { createKinesisReplay, NotAccepted } from './kinesis-replay.ts';

/** API Gateway waits for 29 s: four calls of 5 s, with 2 s of backoff at most between them. */
const CALL_TIMEOUT_MS = 5_000;
const ATTEMPTS_MAX = 4;
const THROTTLED = 'ProvisionedThroughputExceededException';

/** @param client with `maxAttempts: 1` */
export function createKinesisChunkStream(client: KinesisClient, streamName: string): ChunkStream {
  const put = createKinesisReplay({
    port: createKinesisPutRecords(client),
    streamName,
    attemptsMax: ATTEMPTS_MAX,
    callTimeoutMs: CALL_TIMEOUT_MS,
  });
  return {
    cut: chunkValues,
    async put(chunks) {
      try {
        await put(chunks);
      } catch (error) {
        const isThrottled = error instanceof NotAccepted && error.reason === THROTTLED;
        throw new Unavailable('the stream', { cause: error, isThrottled });
      }
    },
  };
}
