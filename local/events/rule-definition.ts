/** A rule as the template declares it (`AWS::Events::Rule`), with what is not run locally refused by name. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import type { Identity, Properties, ResourceContext } from '../service.ts';
import { compileEventPattern, type EventMatcher } from './event-pattern.ts';

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly isEnabled: boolean;
  /** JSON, as DescribeRule gives it. */
  readonly eventPattern: string;
  readonly matches: EventMatcher;
  readonly targets: readonly RuleTarget[];
}

export interface RuleTarget {
  readonly id: string;
  /** Of a queue. */
  readonly arn: string;
}

/** Limits: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html, API_PutTargets.html */
const NAME_CHARACTERS_MAX = 64;
const PATTERN_CHARACTERS_MAX = 4_096;
const TARGETS_MAX = 5;

const target = z.strictObject(
  {
    Id: z.string().regex(/^[\w.-]{1,64}$/),
    Arn: z.string().regex(/^arn:[^:]+:sqs:/, 'the local EventBridge sends to SQS queues only'),
    RoleArn: z.string().optional(),
    // Events wait for their queue until the service stops, and what a queue refuses is written to standard error.
    RetryPolicy: z.unknown().optional(),
    DeadLetterConfig: z.unknown().optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')}: not run locally, the whole event is sent`
        : undefined,
  },
);

const shape = z.object({
  Description: z.string().max(512).optional(),
  EventBusName: z
    .string()
    .regex(/^(arn:[^:]+:events:[^:]*:[^:]*:event-bus\/)?default$/, 'there is the default bus only')
    .optional(),
  EventPattern: z.looseObject({}),
  ScheduleExpression: z.undefined({ error: 'schedules are not run locally' }).optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Targets: z.array(target).max(TARGETS_MAX).default([]),
});

export const RULE_EXECUTED = [
  'Name',
  'Description',
  'EventBusName',
  'EventPattern',
  'ScheduleExpression',
  'State',
  'Targets',
] as const;

export const RULE_INERT: Readonly<Record<string, string>> = {
  RoleArn: 'access is not checked locally',
  Tags: 'no operation that is served locally reads them',
};

/** @throws Error that names the resource and what is wrong with it */
export function parseRule(properties: Properties, identity: Identity, context: ResourceContext): Rule {
  const fail = (reason: string): Error => new Error(`${context.logicalId} (AWS::Events::Rule): ${reason}`);
  const parsed = shape.safeParse(properties);
  if (!parsed.success) throw fail(describeIssues(parsed.error));
  const name = identity.ref;
  if (!/^[\w.-]{1,64}$/.test(name)) {
    const allowed = `1 to ${NAME_CHARACTERS_MAX} letters, digits, dots, hyphens and underscores`;
    throw fail(`Name: ${allowed}, received ${JSON.stringify(name)}`);
  }
  const { data } = parsed;
  const eventPattern = JSON.stringify(data.EventPattern);
  if (eventPattern.length > PATTERN_CHARACTERS_MAX) {
    throw fail(`EventPattern: at most ${PATTERN_CHARACTERS_MAX} characters, received ${eventPattern.length}`);
  }
  return {
    name,
    arn: identity.attributes.Arn ?? '',
    description: data.Description,
    isEnabled: data.State === 'ENABLED',
    eventPattern,
    matches: compile(data.EventPattern, fail),
    targets: data.Targets.map(({ Id, Arn }) => ({ id: Id, arn: Arn })),
  };
}

export function identifyRule(properties: Properties, context: ResourceContext): Identity {
  const given = properties.Name;
  const name = typeof given === 'string' ? given : derivedName(context);
  return { ref: name, attributes: { Arn: `arn:aws:events:${context.region}:${context.account}:rule/${name}` } };
}

function compile(pattern: object, fail: (reason: string) => Error): EventMatcher {
  try {
    return compileEventPattern(pattern);
  } catch (error) {
    throw fail(Error.isError(error) ? error.message : String(error));
  }
}

function derivedName(context: ResourceContext): string {
  const full = `${context.stackName}-${context.logicalId}`;
  if (full.length <= NAME_CHARACTERS_MAX) return full;
  const digest = createHash('sha256').update(full).digest('hex').slice(0, 12);
  return `${full.slice(0, NAME_CHARACTERS_MAX - 13)}-${digest}`;
}
