/** GetShardIterator and GetRecords. */
import { z } from 'zod';
import { type Operation, operation } from '../protocol/json.ts';
import { AwsError } from '../service.ts';
import type { OperationsContext } from './operations-context.ts';
import { parentsOf } from './shard.ts';
import { formatIterator, parseIterator } from './shard-iterator.ts';
import type { KeptShard, Stream } from './stream.ts';
import { findStream, StreamReference } from './stream-reference.ts';

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html */
const RECORDS_MAX = 10_000;
const BYTES_MAX = 10 * 1024 * 1024;

const GetShardIteratorInput = StreamReference.extend({
  ShardId: z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'is 1 to 128 letters, digits, _ . -'),
  ShardIteratorType: z.enum(['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER', 'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']),
  StartingSequenceNumber: z
    .string()
    .regex(/^(0|[1-9]\d{0,128})$/, 'is a decimal number')
    .optional(),
  /** Epoch seconds. */
  Timestamp: z.number().optional(),
});
type GetShardIteratorInput = z.infer<typeof GetShardIteratorInput>;

const GetRecordsInput = StreamReference.extend({
  ShardIterator: z.string().min(1).max(512),
  Limit: z.number().int().min(1).max(RECORDS_MAX).default(RECORDS_MAX),
});
type GetRecordsInput = z.infer<typeof GetRecordsInput>;

export function readOperations(
  context: OperationsContext,
): Readonly<Record<'GetShardIterator' | 'GetRecords', Operation>> {
  return {
    GetShardIterator: operation(GetShardIteratorInput, (input) => {
      const stream = findStream(context, input);
      const { name } = stream.definition;
      const position = startingPosition(context, stream, findShard(context, stream, input.ShardId), input);
      const at = { streamName: name, madeAtMs: stream.madeAtMs, shardId: input.ShardId, position };
      return { ShardIterator: formatIterator(at, context.clock.now()) };
    }),
    GetRecords: operation(GetRecordsInput, (input) => getRecords(context, input)),
  };
}

function findShard({ account }: OperationsContext, stream: Stream, shardId: string): KeptShard {
  const kept = stream.find(shardId);
  if (kept) return kept;
  throw new AwsError(
    'ResourceNotFoundException',
    `Shard ${shardId} in stream ${stream.definition.name} under account ${account} does not exist`,
  );
}

function startingPosition(
  context: OperationsContext,
  stream: Stream,
  { log, numbers }: KeptShard,
  input: GetShardIteratorInput,
): number {
  const numbered = (): number => {
    const given = required(input.StartingSequenceNumber, 'StartingSequenceNumber', input.ShardIteratorType);
    const position = numbers.positionOf(given);
    if (position !== undefined) return position;
    throw new AwsError(
      'InvalidArgumentException',
      `StartingSequenceNumber ${given} used in GetShardIterator on shard ${input.ShardId} in stream ` +
        `${stream.definition.name} under account ${context.account} is invalid because it did not come from this stream.`,
    );
  };
  switch (input.ShardIteratorType) {
    case 'TRIM_HORIZON':
      return log.firstPosition;
    case 'LATEST':
      return log.end.position;
    case 'AT_SEQUENCE_NUMBER':
      return Math.max(0, numbered());
    case 'AFTER_SEQUENCE_NUMBER':
      return numbered() + 1;
    case 'AT_TIMESTAMP': {
      const timeMs = required(input.Timestamp, 'Timestamp', input.ShardIteratorType) * 1000;
      if (timeMs <= context.clock.now()) return log.positionAt(timeMs);
      throw new AwsError(
        'InvalidArgumentException',
        `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: ${timeMs}, currentTimestampInMillis: ${context.clock.now()}`,
      );
    }
  }
}

function required<Value>(value: Value | undefined, name: string, iteratorType: string): Value {
  if (value !== undefined) return value;
  throw new AwsError('InvalidArgumentException', `Must either specify ${name} for iterator type ${iteratorType}.`);
}

function getRecords(context: OperationsContext, input: GetRecordsInput): object {
  const now = context.clock.now();
  const at = parseIterator(input.ShardIterator, now);
  const isGiven = input.StreamName !== undefined || input.StreamARN !== undefined;
  const stream = findStream(context, isGiven ? input : { StreamName: at.streamName });
  if (stream.definition.name !== at.streamName || stream.madeAtMs !== at.madeAtMs) {
    throw new AwsError('InvalidArgumentException', 'Invalid ShardIterator: it belongs to another stream.');
  }
  const { isEnded, log, numbers } = findShard(context, stream, at.shardId);
  const limited = `${at.streamName}/${at.shardId}`;
  if (!context.limits.reads(limited)) {
    throw new AwsError(
      'ProvisionedThroughputExceededException',
      `Rate exceeded for shard ${at.shardId} in stream ${at.streamName} under account ${context.account}.`,
    );
  }
  const records = stream.read(at.shardId, at.position, { recordsMax: input.Limit, bytesMax: BYTES_MAX });
  const last = records.at(-1);
  const next = last ? numbers.positionAfter(last.sequenceNumber) : Math.max(at.position, log.firstPosition);
  context.limits.gave(
    limited,
    records.reduce((sum, record) => sum + record.data.length, 0),
  );
  const isCaughtUp = !last || next >= log.end.position;
  return {
    Records: records.map((record) => ({
      SequenceNumber: record.sequenceNumber,
      ApproximateArrivalTimestamp: record.arrivedAtMs / 1000,
      Data: record.data.toString('base64'),
      PartitionKey: record.partitionKey,
    })),
    ...(isEnded && next >= log.end.position
      ? { ChildShards: childShards(stream, at.shardId) }
      : { NextShardIterator: formatIterator({ ...at, position: next }, now) }),
    MillisBehindLatest: isCaughtUp ? 0 : Math.max(0, now - last.arrivedAtMs),
  };
}

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ChildShard.html */
function childShards(stream: Stream, shardId: string): readonly object[] {
  return stream.childrenOf(shardId).map((child) => ({
    ShardId: child.shardId,
    ParentShards: parentsOf(child),
    HashKeyRange: { StartingHashKey: child.startingHashKey, EndingHashKey: child.endingHashKey },
  }));
}
