/** An event source mapping as the template declares it, with what is not run locally refused by name. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Identity, Properties, ResourceContext } from '../service.ts';
import { functionNameOf } from './function-definition.ts';
import type { MappingSettings } from './shard-state.ts';

interface MappingBasis {
  readonly id: string;
  readonly arn: string;
  readonly functionName: string;
  readonly eventSourceArn: string;
  readonly enabled: boolean;
}

export interface KinesisMappingDefinition extends MappingBasis {
  readonly source: 'kinesis';
  readonly settings: MappingSettings;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST' | 'AT_TIMESTAMP';
  /** For `AT_TIMESTAMP`, epoch milliseconds. */
  readonly startingTimestampMs: number;
  /** ARN of an S3 bucket or an SQS queue. */
  readonly onFailureArn: string | undefined;
}

export interface SqsMappingDefinition extends MappingBasis {
  readonly source: 'sqs';
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly reportsItemFailures: boolean;
  /** Batches in flight at once. */
  readonly concurrencyMax: number;
}

export type MappingDefinition = KinesisMappingDefinition | SqsMappingDefinition;

const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
/** CloudFormation may carry booleans as text. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

/** Batches of one queue in flight at once when the template sets no `ScalingConfig`: this machine's limit; AWS starts with 5. */
const SQS_CONCURRENCY = 2;

const basis = z.object({
  FunctionName: z.string(),
  EventSourceArn: z.string(),
  Enabled: flag.default(true),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  MaximumBatchingWindowInSeconds: integer(0, 300).default(0),
  FilterCriteria: z.undefined({ error: 'filters are not run locally' }).optional(),
});

/** Ranges: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html */
const kinesisShape = basis.extend({
  BatchSize: integer(1, 10_000).default(100),
  StartingPosition: z.enum(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']),
  StartingPositionTimestamp: z.coerce.number().default(0),
  MaximumRetryAttempts: integer(-1, 10_000).default(-1),
  MaximumRecordAgeInSeconds: z.coerce
    .number()
    .int()
    .refine((seconds) => seconds === -1 || (seconds >= 60 && seconds <= 604_800), '-1 or 60 to 604,800 seconds')
    .default(-1),
  BisectBatchOnFunctionError: flag.default(false),
  ParallelizationFactor: z.coerce
    .number()
    .pipe(z.literal(1, { error: 'only 1 is run locally: one batch in flight per shard' }))
    .default(1),
  TumblingWindowInSeconds: z.coerce
    .number()
    .pipe(z.literal(0, { error: 'tumbling windows are not run locally' }))
    .default(0),
  DestinationConfig: z
    .object({
      OnFailure: z.object({
        Destination: z
          .string()
          .regex(/^arn:[^:]+:(s3|sqs):/, 'the local Lambda sends to S3 buckets and SQS queues only'),
      }),
    })
    .optional(),
});

/** Ranges: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html */
const sqsShape = basis
  .extend({
    BatchSize: integer(1, 10_000).default(10),
    ScalingConfig: z.object({ MaximumConcurrency: integer(2, 1_000).default(SQS_CONCURRENCY) }).optional(),
  })
  .refine((given) => given.BatchSize <= 10 || given.MaximumBatchingWindowInSeconds > 0, {
    path: ['MaximumBatchingWindowInSeconds'],
    error: 'at least 1 second when BatchSize is more than 10',
  });

export const MAPPING_EXECUTED = [
  'FunctionName',
  'EventSourceArn',
  'Enabled',
  'BatchSize',
  'MaximumBatchingWindowInSeconds',
  'FunctionResponseTypes',
  'StartingPosition',
  'StartingPositionTimestamp',
  'MaximumRetryAttempts',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'ParallelizationFactor',
  'TumblingWindowInSeconds',
  'FilterCriteria',
  'DestinationConfig',
  'ScalingConfig',
] as const;

export const MAPPING_INERT: Readonly<Record<string, string>> = {
  KmsKeyArn: 'nothing is encrypted locally',
  MetricsConfig: 'the metrics of mappings are not kept',
  Tags: 'no operation that is served locally reads them',
};

/** @throws Error that names the resource and what is wrong with it */
export function parseMapping(properties: Properties, identity: Identity, context: ResourceContext): MappingDefinition {
  const fail = (reason: string): Error =>
    new Error(`${context.logicalId} (AWS::Lambda::EventSourceMapping): ${reason}`);
  const given = basis.omit({ FilterCriteria: true }).safeParse(properties);
  if (!given.success) throw fail(describeIssues(given.error));
  const common = {
    id: identity.ref,
    arn: identity.attributes.EventSourceMappingArn ?? '',
    functionName: functionNameOf(given.data.FunctionName),
    eventSourceArn: given.data.EventSourceArn,
    enabled: given.data.Enabled,
  };
  const reportsItemFailures = given.data.FunctionResponseTypes.length > 0;
  const batchingWindowMs = given.data.MaximumBatchingWindowInSeconds * 1000;
  const source = given.data.EventSourceArn.split(':')[2];

  if (source === 'kinesis') {
    const parsed = kinesisShape.safeParse(properties);
    if (!parsed.success) throw fail(describeIssues(parsed.error));
    const { data } = parsed;
    const ageSeconds = data.MaximumRecordAgeInSeconds;
    return {
      ...common,
      source,
      startingPosition: data.StartingPosition,
      startingTimestampMs: data.StartingPositionTimestamp * 1000,
      onFailureArn: data.DestinationConfig?.OnFailure.Destination,
      settings: {
        batchSize: data.BatchSize,
        batchingWindowMs,
        retriesMax: data.MaximumRetryAttempts,
        recordAgeMsMax: ageSeconds < 0 ? -1 : ageSeconds * 1000,
        bisects: data.BisectBatchOnFunctionError,
        reportsItemFailures,
      },
    };
  }
  if (source === 'sqs') {
    const parsed = sqsShape.safeParse(properties);
    if (!parsed.success) throw fail(describeIssues(parsed.error));
    const { BatchSize: batchSize, ScalingConfig: scaling } = parsed.data;
    const concurrencyMax = scaling?.MaximumConcurrency ?? SQS_CONCURRENCY;
    return { ...common, source, batchSize, batchingWindowMs, reportsItemFailures, concurrencyMax };
  }
  throw fail(`EventSourceArn: a Kinesis stream or an SQS queue, received ${given.data.EventSourceArn}`);
}

/** The id follows from the resource's place in the template, so that a restart finds its checkpoints. */
export function identifyMapping(_properties: Properties, context: ResourceContext): Identity {
  const digest = createHash('sha256').update(`${context.stackName}/${context.logicalId}`).digest('hex');
  const id = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-');
  const arn = `arn:aws:lambda:${context.region}:${context.account}:event-source-mapping:${id}`;
  return { ref: id, attributes: { Id: id, EventSourceMappingArn: arn } };
}
