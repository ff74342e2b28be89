/** A schedule as the template declares it (`AWS::Scheduler::Schedule`), with what is not run locally refused by name. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import { parseRecurrence, type Recurrence } from '../recurrence/recurrence.ts';
import type { Identity, Properties, ResourceContext } from '../service.ts';

export interface ScheduleDefinition {
  readonly name: string;
  readonly groupName: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly isEnabled: boolean;
  readonly recurrence: Recurrence;
  /** As declared: a name of UTC. */
  readonly timezone: string;
  readonly target: ScheduleTarget;
}

export interface ScheduleTarget {
  /** Of a queue. */
  readonly arn: string;
  readonly roleArn: string;
  /** What is sent, before context attributes are replaced. */
  readonly input: string;
  /** 60,000 to 86,400,000. */
  readonly eventAgeMsMax: number;
  /** 0 to 185. */
  readonly retriesMax: number;
  readonly deadLetterArn: string | undefined;
}

/** The group of schedules that name none. */
export const DEFAULT_GROUP = 'default';

const NAME = /^[0-9a-zA-Z-_.]{1,64}$/;
const NAME_CHARACTERS_MAX = 64;
const NAME_ALLOWED = `1 to ${NAME_CHARACTERS_MAX} letters, digits, dots, hyphens and underscores`;
const QUEUE_ARN = /^arn:[^:]+:sqs:[^:]*:[^:]*:[\w-]{1,80}$/;

/** Names what is not run locally instead of what the shape expects. */
const unrun = (reason: string) => ({
  error: (issue: { readonly code?: string; readonly keys?: readonly string[] }): string | undefined =>
    issue.code === 'unrecognized_keys' ? `${issue.keys?.join(', ')}: ${reason}` : undefined,
});

/** A number that CloudFormation may carry as text. */
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Ranges and defaults: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html */
const retryPolicy = z.object({
  MaximumEventAgeInSeconds: integer(60, 86_400).default(86_400),
  MaximumRetryAttempts: integer(0, 185).default(185),
});

const target = z.strictObject(
  {
    Arn: z.string().regex(QUEUE_ARN, { error: (issue) => `SQS queues only are run locally, received ${issue.input}` }),
    RoleArn: z.string(),
    Input: z.string(),
    RetryPolicy: retryPolicy.default({ MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 }),
    DeadLetterConfig: z.object({ Arn: z.string().regex(QUEUE_ARN, 'the ARN of a standard queue') }).optional(),
    SqsParameters: z.strictObject({}, unrun('FIFO queues are not run locally')).optional(),
  },
  unrun('targets of SQS only are run locally'),
);

const flexibleTimeWindow = z.object({
  Mode: z.literal('OFF', { error: (issue) => `OFF only is run locally, received ${JSON.stringify(issue.input)}` }),
});

/** Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html */
const shape = z.object({
  Description: z.string().max(512).optional(),
  FlexibleTimeWindow: flexibleTimeWindow,
  GroupName: z.string().regex(NAME, NAME_ALLOWED).default(DEFAULT_GROUP),
  ScheduleExpression: z.string().max(256),
  ScheduleExpressionTimezone: z
    .enum(['UTC', 'Etc/UTC'], { error: (issue) => `UTC only is run locally, received ${JSON.stringify(issue.input)}` })
    .default('UTC'),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Target: target,
});

export const SCHEDULE_EXECUTED = [
  'Description',
  'FlexibleTimeWindow',
  'GroupName',
  'Name',
  'ScheduleExpression',
  'ScheduleExpressionTimezone',
  'State',
  'Target',
] as const;

export const SCHEDULE_INERT: Readonly<Record<string, string>> = { KmsKeyArn: 'nothing is encrypted locally' };

/** @throws Error that names the resource and what is wrong with it */
export function parseSchedule(
  properties: Properties,
  identity: Identity,
  context: ResourceContext,
): ScheduleDefinition {
  const fail = (reason: string): Error => new Error(`${context.logicalId} (AWS::Scheduler::Schedule): ${reason}`);
  const parsed = shape.safeParse(properties);
  if (!parsed.success) throw fail(describeIssues(parsed.error));
  const { data } = parsed;
  const name = identity.ref;
  if (!NAME.test(name)) throw fail(`Name: ${NAME_ALLOWED}, received ${JSON.stringify(name)}`);
  const { Target } = data;
  return {
    name,
    groupName: data.GroupName,
    arn: identity.attributes.Arn ?? '',
    description: data.Description,
    isEnabled: data.State === 'ENABLED',
    recurrence: recurrenceOf(data.ScheduleExpression, fail),
    timezone: data.ScheduleExpressionTimezone,
    target: {
      arn: Target.Arn,
      roleArn: Target.RoleArn,
      input: Target.Input,
      eventAgeMsMax: Target.RetryPolicy.MaximumEventAgeInSeconds * 1000,
      retriesMax: Target.RetryPolicy.MaximumRetryAttempts,
      deadLetterArn: Target.DeadLetterConfig?.Arn,
    },
  };
}

function recurrenceOf(expression: string, fail: (reason: string) => Error): Recurrence {
  try {
    return parseRecurrence(expression);
  } catch (error) {
    throw fail(Error.isError(error) ? error.message : String(error));
  }
}

export function identifySchedule(properties: Properties, context: ResourceContext): Identity {
  const name = nameOf(properties, context);
  const group = typeof properties.GroupName === 'string' ? properties.GroupName : DEFAULT_GROUP;
  return { ref: name, attributes: { Arn: `${arnPrefix(context)}:schedule/${group}/${name}` } };
}

export function identifyGroup(properties: Properties, context: ResourceContext): Identity {
  const name = nameOf(properties, context);
  return { ref: name, attributes: { Arn: groupArn(name, context), State: 'ACTIVE' } };
}

export function groupArn(name: string, place: Pick<ResourceContext, 'account' | 'region'>): string {
  return `${arnPrefix(place)}:schedule-group/${name}`;
}

function arnPrefix({ account, region }: Pick<ResourceContext, 'account' | 'region'>): string {
  return `arn:aws:scheduler:${region}:${account}`;
}

function nameOf(properties: Properties, context: ResourceContext): string {
  if (typeof properties.Name === 'string') return properties.Name;
  const full = `${context.stackName}-${context.logicalId}`;
  if (full.length <= NAME_CHARACTERS_MAX) return full;
  const digest = createHash('sha256').update(full).digest('hex').slice(0, 12);
  return `${full.slice(0, NAME_CHARACTERS_MAX - 13)}-${digest}`;
}
