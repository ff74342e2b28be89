/**
 * A stream as the template declares it.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-stream.html
 */
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Identity, Properties, ResourceContext, ResourceKind } from '../service.ts';

export interface StreamDefinition {
  readonly name: string;
  readonly arn: string;
  readonly mode: 'PROVISIONED' | 'ON_DEMAND';
  /** Of a stream that is made anew; one that exists keeps its shards. */
  readonly shardCount: number;
  /** 24 (default) to 8,760. */
  readonly retentionHours: number;
  /** Data and partition key of one record, 1 MiB (default) to 10 MiB. */
  readonly recordBytesMax: number;
}

/** What an on-demand stream starts with: 4 MB/s (https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html). */
const ON_DEMAND_SHARDS = 4;
/** Open shards of a stream. Of our own: each shard has files of its own. */
export const SHARDS_MAX = 1_000;
const NAME_CHARS_MAX = 128;

const Count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

const StreamProperties = z.object({
  Name: z
    .string()
    .regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'is 1 to 128 letters, digits, _ . -')
    .optional(),
  ShardCount: Count(1, SHARDS_MAX).optional(),
  RetentionPeriodHours: Count(24, 8_760).default(24),
  MaxRecordSizeInKiB: Count(1_024, 10_240).default(1_024),
  RecordDistributionStrategy: z
    .literal('USER_PARTITION_KEY', {
      error: (issue) =>
        `is USER_PARTITION_KEY locally, received ${String(issue.input)}: AUTO keeps no order by partition key`,
    })
    .optional(),
  StreamModeDetails: z.object({ StreamMode: z.enum(['PROVISIONED', 'ON_DEMAND']) }).optional(),
});

const INERT = {
  DesiredShardLevelMetrics: 'metrics are not kept locally',
  StreamEncryption: 'nothing is encrypted locally',
  Tags: 'no operation that is served locally reads them',
  WarmThroughputMiBps: 'throughput is not limited locally',
};

export function identifyStream(properties: Properties, context: ResourceContext): Identity {
  const given = properties.Name;
  const name = typeof given === 'string' ? given : `${context.stackName}-${context.logicalId}`.slice(0, NAME_CHARS_MAX);
  return { ref: name, attributes: { Arn: `arn:aws:kinesis:${context.region}:${context.account}:stream/${name}` } };
}

/** @throws Error with the property that is wrong, what was received and what is allowed */
export function parseStream(properties: Properties, identity: Identity): StreamDefinition {
  const parsed = StreamProperties.safeParse(properties);
  if (!parsed.success) throw new Error(`Stream ${identity.ref}: ${describeIssues(parsed.error)}`);
  const { ShardCount, StreamModeDetails, RecordDistributionStrategy, RetentionPeriodHours, MaxRecordSizeInKiB } =
    parsed.data;
  // CloudFormation makes a stream on demand when neither mode nor shard count are given.
  const mode = StreamModeDetails?.StreamMode ?? (ShardCount === undefined ? 'ON_DEMAND' : 'PROVISIONED');
  if (mode === 'ON_DEMAND' && ShardCount !== undefined)
    throw new Error(`Stream ${identity.ref}: ShardCount ${ShardCount} is not allowed with StreamMode ON_DEMAND.`);
  if (mode === 'PROVISIONED' && ShardCount === undefined)
    throw new Error(`Stream ${identity.ref}: ShardCount is missing; StreamMode PROVISIONED requires it.`);
  if (mode === 'PROVISIONED' && RecordDistributionStrategy !== undefined)
    throw new Error(`Stream ${identity.ref}: RecordDistributionStrategy is allowed with StreamMode ON_DEMAND only.`);
  return {
    name: identity.ref,
    arn: identity.attributes.Arn ?? '',
    mode,
    shardCount: ShardCount ?? ON_DEMAND_SHARDS,
    retentionHours: RetentionPeriodHours,
    recordBytesMax: MaxRecordSizeInKiB * 1024,
  };
}

export function streamKind(add: (definition: StreamDefinition) => void): ResourceKind {
  return {
    type: 'AWS::Kinesis::Stream',
    executed: Object.keys(StreamProperties.shape),
    inert: INERT,
    identify: identifyStream,
    create: (properties, identity) => add(parseStream(properties, identity)),
  };
}
