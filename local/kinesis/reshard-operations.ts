/**
 * SplitShard, MergeShards and UpdateShardCount. Each is answered when records go to the new shards, so that the stream is
 * seen `UPDATING` by callers beside it only, and for no longer than the writes that were under way take.
 *
 * Sources: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html, API_MergeShards.html,
 * API_UpdateShardCount.html; messages as AWS was seen to answer.
 */
import { z } from 'zod';
import { type Operation, operation } from '../protocol/json.ts';
import { AwsError } from '../service.ts';
import type { OperationsContext } from './operations-context.ts';
import { mergeShards, scaleUniformly, splitShard } from './reshard.ts';
import type { Shard } from './shard.ts';
import type { Stream } from './stream.ts';
import { SHARDS_MAX } from './stream-definition.ts';
import { findStream, StreamReference } from './stream-reference.ts';

const ShardId = z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'is 1 to 128 letters, digits, _ . -');

const SplitShardInput = StreamReference.extend({
  ShardToSplit: ShardId,
  NewStartingHashKey: z.string().regex(/^(0|[1-9]\d{0,38})$/, 'is a decimal number of at most 39 digits'),
});

const MergeShardsInput = StreamReference.extend({ ShardToMerge: ShardId, AdjacentShardToMerge: ShardId });

const UpdateShardCountInput = StreamReference.extend({
  TargetShardCount: z.number().int().min(1),
  ScalingType: z.literal('UNIFORM_SCALING'),
});

type Names = 'SplitShard' | 'MergeShards' | 'UpdateShardCount';

export function reshardOperations(context: OperationsContext): Readonly<Record<Names, Operation>> {
  return {
    SplitShard: operation(SplitShardInput, async (input) => {
      const stream = provisioned(context, input);
      await split(context, stream, input);
      return undefined;
    }),
    MergeShards: operation(MergeShardsInput, async (input) => {
      const stream = provisioned(context, input);
      await merge(context, stream, input);
      return undefined;
    }),
    UpdateShardCount: operation(UpdateShardCountInput, async (input) => {
      const stream = provisioned(context, input);
      const { name, arn } = stream.definition;
      const { TargetShardCount } = input;
      const CurrentShardCount = stream.openShards.length;
      checkCount(CurrentShardCount, TargetShardCount);
      checkActive(context, stream);
      await stream.reshard((shards, nowMs) => scaleUniformly(shards, TargetShardCount, nowMs));
      return { StreamName: name, StreamARN: arn, CurrentShardCount, TargetShardCount };
    }),
  };
}

async function split(
  context: OperationsContext,
  stream: Stream,
  { ShardToSplit, NewStartingHashKey }: z.infer<typeof SplitShardInput>,
): Promise<void> {
  const shard = openShard(context, stream, ShardToSplit);
  const openCount = stream.openShards.length;
  if (openCount >= SHARDS_MAX) {
    throw new AwsError(
      'LimitExceededException',
      `Stream ${stream.definition.name} has ${openCount} open shards; a local stream has at most ${SHARDS_MAX}.`,
    );
  }
  const { startingHashKey, endingHashKey } = shard;
  if (!isSplitPoint(shard, BigInt(NewStartingHashKey))) {
    throw invalid(
      `NewStartingHashKey ${NewStartingHashKey} used in SplitShard() on shard ${ShardToSplit} in ${place(context, stream)} ` +
        `is not both greater than one plus the shard's StartingHashKey ${startingHashKey} and less than the shard's ` +
        `EndingHashKey ${endingHashKey}.`,
    );
  }
  checkActive(context, stream);
  await stream.reshard((shards, nowMs) => splitShard(shards, shard, BigInt(NewStartingHashKey), nowMs));
}

async function merge(
  context: OperationsContext,
  stream: Stream,
  { ShardToMerge, AdjacentShardToMerge }: z.infer<typeof MergeShardsInput>,
): Promise<void> {
  const shard = openShard(context, stream, ShardToMerge);
  const adjacent = openShard(context, stream, AdjacentShardToMerge);
  if (!areAdjacent(shard, adjacent)) {
    throw invalid(
      `Shards ${ShardToMerge} and ${AdjacentShardToMerge} in ${place(context, stream)} are not an adjacent pair of ` +
        'shards eligible for merging',
    );
  }
  checkActive(context, stream);
  await stream.reshard((shards, nowMs) => mergeShards(shards, shard, adjacent, nowMs));
}

/** @throws AwsError `LimitExceededException` */
function checkCount(open: number, target: number): void {
  const counts = `Current open shard count: ${open} Target shard count: ${target}`;
  const refuse = (problem: string): never => {
    throw new AwsError('LimitExceededException', `${problem} ${counts}`);
  };
  if (target > SHARDS_MAX) refuse(`A local stream has at most ${SHARDS_MAX} shards.`);
  if (target > open * 2) refuse('UpdateShardCount cannot scale up over double your current open shard count.');
  if (target * 2 < open) refuse('UpdateShardCount cannot scale down below half your current open shard count.');
}

function provisioned(context: OperationsContext, reference: StreamReference): Stream {
  const stream = findStream(context, reference);
  if (stream.definition.mode === 'PROVISIONED') return stream;
  throw new AwsError(
    'ValidationException',
    `Only streams of the mode PROVISIONED are resharded by a call; ${place(context, stream)} is ${stream.definition.mode}.`,
  );
}

function openShard(context: OperationsContext, stream: Stream, shardId: string): Shard {
  const shard = stream.find(shardId)?.shard;
  if (!shard) {
    throw new AwsError('ResourceNotFoundException', `Could not find shard ${shardId} in ${place(context, stream)}.`);
  }
  if (shard.closedAtMs === undefined) return shard;
  throw invalid(
    `Shard ${shardId} in ${place(context, stream)} has already been merged or split, and thus is not eligible for ` +
      'merging or splitting.',
  );
}

/** Checked last, and in one turn of the event loop with what follows. */
function checkActive(context: OperationsContext, stream: Stream): void {
  if (stream.status === 'ACTIVE') return;
  throw new AwsError(
    'ResourceInUseException',
    `${place(context, stream, 'Stream')} not ACTIVE, instead in state ${stream.status}`,
  );
}

function place({ account }: OperationsContext, { definition }: Stream, noun = 'stream'): string {
  return `${noun} ${definition.name} under account ${account}`;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidArgumentException', message);
}

/** Both parts get at least two hash keys, as on AWS. */
function isSplitPoint({ startingHashKey, endingHashKey }: Shard, newStartingHashKey: bigint): boolean {
  return BigInt(startingHashKey) + 1n < newStartingHashKey && newStartingHashKey < BigInt(endingHashKey);
}

/** The first ends where the second begins: AWS was seen to refuse a pair the other way round. */
function areAdjacent(shard: Shard, adjacent: Shard): boolean {
  return BigInt(shard.endingHashKey) + 1n === BigInt(adjacent.startingHashKey);
}
