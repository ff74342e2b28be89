/** A queue as the template declares it (`AWS::SQS::Queue`), with what is not run locally refused by name. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Identity, Properties, ResourceContext } from '../service.ts';

export interface QueueDefinition {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly visibilityTimeoutMs: number;
  readonly delayMs: number;
  readonly retentionMs: number;
  /** How long a receive waits that does not say. */
  readonly receiveWaitMs: number;
  readonly messageBytesMax: number;
  readonly redrive: RedrivePolicy | undefined;
}

export interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  /** Receives after which a message that becomes visible again goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
}

const NAME_CHARACTERS_MAX = 80;

/** A number that CloudFormation may carry as text. */
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const redrivePolicy = z.object({
  deadLetterTargetArn: z.string().regex(/^arn:[^:]+:sqs:/, 'the ARN of a queue'),
  maxReceiveCount: integer(1, 1_000),
});

/** Ranges and defaults: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html */
const shape = z.object({
  VisibilityTimeout: integer(0, 43_200).default(30),
  DelaySeconds: integer(0, 900).default(0),
  MessageRetentionPeriod: integer(60, 1_209_600).default(345_600),
  ReceiveMessageWaitTimeSeconds: integer(0, 20).default(0),
  MaximumMessageSize: integer(1_024, 1_048_576).default(1_048_576),
  RedrivePolicy: redrivePolicy.optional(),
  FifoQueue: z
    .union([z.literal(false), z.literal('false')], { error: 'FIFO queues are not run locally, standard queues are' })
    .optional(),
});

export const QUEUE_EXECUTED = [
  'QueueName',
  'VisibilityTimeout',
  'DelaySeconds',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'MaximumMessageSize',
  'RedrivePolicy',
  'FifoQueue',
] as const;

export const QUEUE_INERT: Readonly<Record<string, string>> = {
  KmsDataKeyReusePeriodSeconds: 'nothing is encrypted locally',
  KmsMasterKeyId: 'nothing is encrypted locally',
  RedriveAllowPolicy: 'any queue may be the dead-letter queue of another',
  SqsManagedSseEnabled: 'nothing is encrypted locally',
  Tags: 'no operation that is served locally reads them',
};

/** @throws Error that names the resource and what is wrong with it */
export function parseQueue(properties: Properties, identity: Identity, context: ResourceContext): QueueDefinition {
  const fail = (reason: string): Error => new Error(`${context.logicalId} (AWS::SQS::Queue): ${reason}`);
  const parsed = shape.safeParse(properties);
  if (!parsed.success) throw fail(describeIssues(parsed.error));
  const name = identity.attributes.QueueName ?? '';
  if (!/^[\w-]{1,80}$/.test(name)) {
    const allowed = `1 to ${NAME_CHARACTERS_MAX} letters, digits, hyphens and underscores; FIFO queues are not run locally`;
    throw fail(`QueueName: ${allowed}, received ${JSON.stringify(name)}`);
  }
  const { data } = parsed;
  return {
    name,
    arn: identity.attributes.Arn ?? '',
    url: identity.ref,
    visibilityTimeoutMs: data.VisibilityTimeout * 1000,
    delayMs: data.DelaySeconds * 1000,
    retentionMs: data.MessageRetentionPeriod * 1000,
    receiveWaitMs: data.ReceiveMessageWaitTimeSeconds * 1000,
    messageBytesMax: data.MaximumMessageSize,
    redrive: data.RedrivePolicy,
  };
}

/** @param endpoint such as `http://127.0.0.1:4566`; the queue's URL begins with it */
export function identifyQueue(properties: Properties, context: ResourceContext, endpoint: string): Identity {
  const given = properties.QueueName;
  const name = typeof given === 'string' ? given : derivedName(context);
  const url = `${endpoint}/${context.account}/${name}`;
  const arn = `arn:aws:sqs:${context.region}:${context.account}:${name}`;
  return { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
}

function derivedName(context: ResourceContext): string {
  const full = `${context.stackName}-${context.logicalId}`;
  if (full.length <= NAME_CHARACTERS_MAX) return full;
  const digest = createHash('sha256').update(full).digest('hex').slice(0, 12);
  return `${full.slice(0, NAME_CHARACTERS_MAX - 13)}-${digest}`;
}
