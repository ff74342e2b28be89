/** `PutRecordsPort` on the AWS SDK. It takes region, endpoint and credentials from the client it is given. */
import {
  type KinesisClient,
  KinesisServiceException,
  ListShardsCommand,
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

export function createKinesisPutRecords(client: KinesisClient): PutRecordsPort {
  return {
    async putRecords(streamName, entries) {
      const command = new PutRecordsCommand({
        StreamName: streamName,
        Records: entries.map(({ data, partitionKey, explicitHashKey }) => ({
          Data: data,
          PartitionKey: partitionKey,
          ExplicitHashKey: explicitHashKey,
        })),
      });
      try {
        const { Records: results = [] } = await client.send(command);
        return results.map((result) => ({
          errorCode: result.ErrorCode,
          errorMessage: result.ErrorMessage,
          shardId: result.ShardId,
        }));
      } catch (error) {
        throw toPutRecordsError(error, streamName);
      }
    },

    async listShards(streamName) {
      const ranges: ShardRange[] = [];
      let nextToken: string | undefined;
      do {
        // A token stands for the stream; giving both is an error.
        const page = nextToken === undefined ? { StreamName: streamName } : { NextToken: nextToken };
        const answer = await client.send(new ListShardsCommand(page));
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

function toPutRecordsError(error: unknown, streamName: string): PutRecordsError {
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
