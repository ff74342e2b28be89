/** Reads all that a stream holds, as any consumer would: ListShards and GetRecords, from the trim horizon. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import type { StreamRecord } from '../../../streams/position.ts';

/** Shards one after the other, those that were split or merged too; records in the order of their shard. */
export async function* readStream(kinesis: KinesisClient, streamName: string): AsyncGenerator<StreamRecord> {
  let next: string | undefined;
  do {
    const from = next === undefined ? { StreamName: streamName } : { NextToken: next };
    const { Shards = [], NextToken } = await kinesis.send(new ListShardsCommand(from));
    for (const { ShardId } of Shards) if (ShardId !== undefined) yield* readShard(kinesis, streamName, ShardId);
    next = NextToken;
  } while (next !== undefined);
}

async function* readShard(kinesis: KinesisClient, StreamName: string, ShardId: string): AsyncGenerator<StreamRecord> {
  const first = new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
  let iterator = (await kinesis.send(first)).ShardIterator;
  while (iterator !== undefined) {
    const answer = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
    for (const { SequenceNumber = '', PartitionKey = '', Data, ApproximateArrivalTimestamp } of answer.Records ?? []) {
      yield {
        shardId: ShardId,
        sequenceNumber: SequenceNumber,
        partitionKey: PartitionKey,
        data: Buffer.from(Data ?? []),
        arrivedAtMs: ApproximateArrivalTimestamp?.getTime() ?? 0,
      };
    }
    iterator = answer.MillisBehindLatest === 0 ? undefined : answer.NextShardIterator;
  }
}
