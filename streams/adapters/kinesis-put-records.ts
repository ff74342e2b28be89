/** `PutRecordsPort` on the AWS SDK. It takes region, endpoint and credentials from the client it is given. */
import {
  type KinesisClient,
  KinesisServiceException,
  ListShardsCommand,
  type ListShardsCommandInput,
  type ListShardsCommandOutput,
  PutRecordsCommand,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { PutRecordsError, type PutRecordsPort, type ShardRange } from '../producer/put-records-port.ts';

/** Service errors of PutRecords that pass, beside those of the server (botocore service model of Kinesis). */
const PASSING_ERRORS: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'KMSThrottlingException',
  'ResourceInUseException',
  'ThrottlingException',
  'RequestTimeout',
  'RequestTimeoutException',
]);

/** A full call of 10 MiB takes 28 s on a line of 3 Mbit/s; a connection that has gone silent must not be waited for. */
export const ATTEMPT_TIMEOUT_MS = 30_000;

export interface KinesisPutRecordsOptions {
  /** How long one call may take, milliseconds. Default `ATTEMPT_TIMEOUT_MS`. */
  readonly attemptTimeoutMs?: number;
}

/**
 * @param client with `maxAttempts: 1`: the producer decides what is sent again, and counts what may come twice by it. A
 *   client that retries by itself does so within an attempt's time.
 */
export function createKinesisPutRecords(client: KinesisClient, options: KinesisPutRecordsOptions = {}): PutRecordsPort {
  const { attemptTimeoutMs = ATTEMPT_TIMEOUT_MS } = options;

  async function listPage(page: ListShardsCommandInput, streamName: string): Promise<ListShardsCommandOutput> {
    const abortSignal = AbortSignal.timeout(attemptTimeoutMs);
    try {
      return await client.send(new ListShardsCommand(page), { abortSignal });
    } catch (error) {
      if (!abortSignal.aborted) throw error;
      throw new Error(`ListShards of ${streamName}: no answer within ${attemptTimeoutMs} ms`, { cause: error });
    }
  }

  return {
    async putRecords(streamName, entries, timeoutMs) {
      const command = new PutRecordsCommand({
        StreamName: streamName,
        Records: entries.map(({ data, partitionKey, explicitHashKey }) => ({
          Data: data,
          PartitionKey: partitionKey,
          ExplicitHashKey: explicitHashKey,
        })),
      });
      const abortSignal = AbortSignal.timeout(Math.ceil(Math.min(attemptTimeoutMs, timeoutMs)));
      try {
        const { Records: results = [] } = await client.send(command, { abortSignal });
        // An answer whose body never comes, or is cut off before its first byte, is read as an empty one.
        if (results.length !== entries.length) {
          throw new PutRecordsError(
            `PutRecords to ${streamName}: an answer of ${results.length} results to ${entries.length} entries`,
            { isRetryable: true },
          );
        }
        return results.map((result) => ({
          errorCode: result.ErrorCode,
          errorMessage: result.ErrorMessage,
          shardId: result.ShardId,
        }));
      } catch (error) {
        throw toPutRecordsError(error, streamName, abortSignal);
      }
    },

    async listShards(streamName) {
      const ranges: ShardRange[] = [];
      let nextToken: string | undefined;
      do {
        // A token stands for the stream; giving both is an error.
        const page = nextToken === undefined ? { StreamName: streamName } : { NextToken: nextToken };
        const answer = await listPage(page, streamName);
        for (const shard of answer.Shards ?? []) if (isOpen(shard)) ranges.push(toRange(shard, streamName));
        nextToken = answer.NextToken;
      } while (nextToken !== undefined);
      return ranges;
    },
  };
}

/** A closed shard has the sequence number that it ended with. */
function isOpen(shard: Shard): boolean {
  return shard.SequenceNumberRange?.EndingSequenceNumber === undefined;
}

function toRange(shard: Shard, streamName: string): ShardRange {
  const { ShardId: shardId, HashKeyRange: range } = shard;
  if (shardId === undefined || range?.StartingHashKey === undefined || range.EndingHashKey === undefined) {
    throw new Error(`ListShards of ${streamName} answered a shard without id or hash key range.`);
  }
  return { shardId, startingHashKey: range.StartingHashKey, endingHashKey: range.EndingHashKey };
}

function toPutRecordsError(error: unknown, streamName: string, { aborted, reason }: AbortSignal): PutRecordsError {
  // The SDK says "Request aborted", without its count of attempts; the signal knows that time was up.
  if (aborted) {
    return new PutRecordsError(`PutRecords to ${streamName}: no answer in time`, { isRetryable: true, cause: reason });
  }
  if (error instanceof PutRecordsError) return error;
  const described = Error.isError(error) ? `${error.name}: ${error.message}` : String(error);
  return new PutRecordsError(`PutRecords to ${streamName}: ${described}`, {
    isRetryable: isRetryable(error),
    cause: error,
  });
}

/**
 * What the service refused for good stays refused. Anything else that befell a call under way (no connection, no
 * answer, an answer cut short or of a proxy) may pass; what stopped it before, such as missing credentials, does not.
 */
function isRetryable(error: unknown): boolean {
  if (error instanceof KinesisServiceException) return error.$fault === 'server' || PASSING_ERRORS.has(error.name);
  // The SDK puts its count of attempts on every error of a call that it began.
  return typeof error === 'object' && error !== null && '$metadata' in error;
}
