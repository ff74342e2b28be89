/** ListShards, DescribeStream, DescribeStreamSummary and ListStreams. */
import { z } from 'zod';
import { type Operation, operation } from '../protocol/json.ts';
import { AwsError } from '../service.ts';
import type { OperationsContext } from './operations-context.ts';
import { formatPageToken, parsePageToken } from './page-token.ts';
import type { Shard } from './shard.ts';
import { matchesFilter, ShardFilter } from './shard-filter.ts';
import type { Stream } from './stream.ts';
import { findStream, StreamReference } from './stream-reference.ts';

const HOUR_MS = 3_600_000;
const MOST = 10_000;

const Limit = (byDefault: number) => z.number().int().min(1).max(MOST).default(byDefault);

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html */
const ListShardsInput = StreamReference.extend({
  ExclusiveStartShardId: z.string().optional(),
  MaxResults: Limit(1_000),
  NextToken: z.string().optional(),
  ShardFilter: ShardFilter.optional(),
  /** Epoch seconds; tells streams of one name apart. */
  StreamCreationTimestamp: z.number().optional(),
});
type ListShardsInput = z.infer<typeof ListShardsInput>;

const DescribeStreamInput = StreamReference.extend({
  ExclusiveStartShardId: z.string().optional(),
  Limit: Limit(100),
});

const ListStreamsInput = z.object({
  ExclusiveStartStreamName: z.string().optional(),
  Limit: Limit(100),
  NextToken: z.string().optional(),
});
type ListStreamsInput = z.infer<typeof ListStreamsInput>;

type Names = 'ListShards' | 'DescribeStream' | 'DescribeStreamSummary' | 'ListStreams';

export function describeOperations(context: OperationsContext): Readonly<Record<Names, Operation>> {
  return {
    ListShards: operation(ListShardsInput, (input) => listShards(context, input)),
    DescribeStream: operation(DescribeStreamInput, (input) => {
      const stream = findStream(context, input);
      const rest = after(stream.shards, input.ExclusiveStartShardId ?? '');
      return {
        StreamDescription: {
          ...summary(stream),
          RetentionPeriodHours: stream.definition.retentionHours,
          EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
          EncryptionType: 'NONE',
          Shards: rest.slice(0, input.Limit).map((shard) => describeShard(stream, shard)),
          HasMoreShards: rest.length > input.Limit,
        },
      };
    }),
    DescribeStreamSummary: operation(StreamReference, (input) => {
      const stream = findStream(context, input);
      const { retentionHours, recordBytesMax } = stream.definition;
      return {
        StreamDescriptionSummary: {
          ...summary(stream),
          RetentionPeriodHours: retentionHours,
          EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
          EncryptionType: 'NONE',
          OpenShardCount: stream.openShards.length,
          ConsumerCount: 0,
          MaxRecordSizeInKiB: recordBytesMax / 1024,
        },
      };
    }),
    ListStreams: operation(ListStreamsInput, (input) => listStreams(context, input)),
  };
}

function listShards(context: OperationsContext, input: ListShardsInput): object {
  const now = context.clock.now();
  const { NextToken, MaxResults } = input;
  if (NextToken !== undefined && (input.StreamName ?? input.ExclusiveStartShardId ?? input.StreamCreationTimestamp))
    throw new AwsError(
      'InvalidArgumentException',
      'NextToken is not allowed with StreamName, ExclusiveStartShardId or StreamCreationTimestamp.',
    );
  const page = NextToken === undefined ? undefined : parsePageToken(NextToken, now);
  const stream = findStream(context, page ? { StreamName: page.stream } : input);
  const filter = page ? ShardFilter.optional().parse(page.filter) : input.ShardFilter;
  const horizonMs = now - stream.definition.retentionHours * HOUR_MS;
  const matching = filter ? stream.shards.filter((shard) => matchesFilter(shard, filter, horizonMs)) : stream.shards;
  const rest = after(matching, page?.after ?? input.ExclusiveStartShardId ?? '');
  const shards = rest.slice(0, MaxResults);
  const last = shards.at(-1);
  return {
    Shards: shards.map((shard) => describeShard(stream, shard)),
    ...(last && rest.length > MaxResults
      ? { NextToken: formatPageToken({ after: last.shardId, stream: stream.definition.name, filter }, now) }
      : {}),
  };
}

function listStreams(context: OperationsContext, input: ListStreamsInput): object {
  const now = context.clock.now();
  const page = input.NextToken === undefined ? undefined : parsePageToken(input.NextToken, now);
  const start = page?.after ?? input.ExclusiveStartStreamName ?? '';
  const rest = [...context.streams.keys()].sort().filter((name) => name > start);
  const names = rest.slice(0, input.Limit);
  const last = names.at(-1);
  const hasMore = rest.length > names.length;
  return {
    StreamNames: names,
    HasMoreStreams: hasMore,
    StreamSummaries: names.flatMap((name) => {
      const stream = context.streams.get(name);
      return stream ? [summary(stream)] : [];
    }),
    ...(last !== undefined && hasMore ? { NextToken: formatPageToken({ after: last, stream: '' }, now) } : {}),
  };
}

function summary({ definition, madeAtMs, status }: Stream) {
  return {
    StreamName: definition.name,
    StreamARN: definition.arn,
    StreamStatus: status,
    StreamModeDetails: { StreamMode: definition.mode },
    StreamCreationTimestamp: madeAtMs / 1000,
  };
}

function describeShard(stream: Stream, shard: Shard): object {
  const numbers = stream.find(shard.shardId)?.numbers;
  return {
    ShardId: shard.shardId,
    ...(shard.parentShardId === undefined ? {} : { ParentShardId: shard.parentShardId }),
    ...(shard.adjacentParentShardId === undefined ? {} : { AdjacentParentShardId: shard.adjacentParentShardId }),
    HashKeyRange: { StartingHashKey: shard.startingHashKey, EndingHashKey: shard.endingHashKey },
    SequenceNumberRange: {
      StartingSequenceNumber: numbers?.starting,
      ...(shard.closedAtMs === undefined ? {} : { EndingSequenceNumber: numbers?.ending(shard.closedAtMs) }),
    },
  };
}

function after(shards: readonly Shard[], shardId: string): readonly Shard[] {
  return shards.filter((shard) => shard.shardId > shardId);
}
