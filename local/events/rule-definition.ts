/** A rule as the template declares it (`AWS::Events::Rule`), with what is not run locally refused by name. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeIssues } from '../protocol/json.ts';
import { parseRecurrence, type Recurrence } from '../recurrence/recurrence.ts';
import type { Identity, Properties, ResourceContext } from '../service.ts';
import { compileEventPattern, type EventMatcher } from './event-pattern.ts';

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly isEnabled: boolean;
  readonly trigger: EventTrigger | ScheduleTrigger;
  readonly targets: readonly RuleTarget[];
}

/** Events that match a pattern. */
export interface EventTrigger {
  readonly kind: 'event';
  /** JSON, as DescribeRule gives it. */
  readonly eventPattern: string;
  readonly matches: EventMatcher;
}

export interface ScheduleTrigger extends Recurrence {
  readonly kind: 'schedule';
}

export interface RuleTarget {
  readonly id: string;
  /** Of a queue, or of a function where the rule has a schedule. */
  readonly arn: string;
}

/** Limits: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html, API_PutTargets.html */
const NAME_CHARACTERS_MAX = 64;
const PATTERN_CHARACTERS_MAX = 4_096;
const TARGETS_MAX = 5;

/** An invocation waits in memory only, where an event that was published is to outlive the process. */
const TARGET_ARNS = { event: /^arn:[^:]+:sqs:/, schedule: /^arn:[^:]+:lambda:[^:]*:[^:]*:function:/ } as const;
const TARGETS = {
  event: 'the local EventBridge sends events to SQS queues only',
  schedule: 'the local EventBridge runs Lambda functions only on a schedule',
} as const;

const target = z.strictObject(
  {
    Id: z.string().regex(/^[\w.-]{1,64}$/),
    Arn: z.string(),
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
  EventPattern: z.looseObject({}).optional(),
  ScheduleExpression: z.string().optional(),
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
  const trigger = attempt(() => parseTrigger(data), fail);
  for (const { Id, Arn } of data.Targets) {
    if (TARGET_ARNS[trigger.kind].test(Arn)) continue;
    throw fail(`target ${Id}: ${TARGETS[trigger.kind]}, received ${Arn}`);
  }
  return {
    name,
    arn: identity.attributes.Arn ?? '',
    description: data.Description,
    isEnabled: data.State === 'ENABLED',
    trigger,
    targets: data.Targets.map(({ Id, Arn }) => ({ id: Id, arn: Arn })),
  };
}

export function identifyRule(properties: Properties, context: ResourceContext): Identity {
  const given = properties.Name;
  const name = typeof given === 'string' ? given : derivedName(context);
  return { ref: name, attributes: { Arn: `arn:aws:events:${context.region}:${context.account}:rule/${name}` } };
}

function parseTrigger({ EventPattern, ScheduleExpression }: z.infer<typeof shape>): Rule['trigger'] {
  if (ScheduleExpression !== undefined) {
    if (EventPattern === undefined) return { kind: 'schedule', ...parseRecurrence(ScheduleExpression) };
    throw new Error('ScheduleExpression beside an EventPattern: not run locally, make two rules of it');
  }
  if (EventPattern === undefined)
    throw new Error('EventPattern or ScheduleExpression: one is needed, received neither');
  const eventPattern = JSON.stringify(EventPattern);
  if (eventPattern.length > PATTERN_CHARACTERS_MAX) {
    throw new Error(`EventPattern: at most ${PATTERN_CHARACTERS_MAX} characters, received ${eventPattern.length}`);
  }
  return { kind: 'event', eventPattern, matches: compileEventPattern(EventPattern) };
}

function attempt<T>(parse: () => T, fail: (reason: string) => Error): T {
  try {
    return parse();
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
