/**
 * Schedules: what datasets declare to be pulled by itself. Each of its times is a message in the queue of runs, which the
 * Ingestion function makes a run of; one that the queue does not take ends in the dead-letter queue.
 */
import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler';
import { SqsSendMessage } from 'aws-cdk-lib/aws-scheduler-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Dataset } from '../schemas/dataset.ts';
import { NAMES } from './names.ts';

export interface SchedulesProps {
  /** Those of them that declare schedules. */
  readonly datasets: readonly Dataset[];
  /** Takes requests for runs. */
  readonly runsQueue: IQueue;
  /** Takes what `runsQueue` did not. Encrypted by SQS itself: the role has no key. */
  readonly deadLetterQueue: IQueue;
}

/** Later than this a time is let go, for one that is due soon: scheduler/latest/APIReference/API_RetryPolicy.html */
const AGE_MAX = Duration.hours(1);
const RETRIES_MAX = 10;

export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { datasets, runsQueue, deadLetterQueue }: SchedulesProps) {
    super(scope, id);
    const scheduleGroup = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: NAMES.scheduleGroup,
      // It holds nothing of its own, and one that is left behind would take the name.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const declared = datasets.flatMap(({ name, definition: { schedules = [] } }) =>
      schedules.map((schedule) => ({ ...schedule, dataset: name })),
    );
    if (declared.length === 0) return;

    const role = new Role(this, 'Role', {
      // As the confused-deputy page has it: scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID, 'aws:SourceArn': scheduleGroup.scheduleGroupArn },
        },
      }),
      description: `Of the schedules in ${NAMES.scheduleGroup}`,
    });
    role.addToPolicy(
      new PolicyStatement({
        sid: 'RequestRuns',
        actions: ['sqs:SendMessage'],
        resources: [runsQueue.queueArn, deadLetterQueue.queueArn],
      }),
    );
    for (const { dataset, name, expression, enabled, pull } of declared) {
      const made = new Schedule(this, `${dataset}-${name}`, {
        scheduleName: `${dataset}-${name}`,
        description: `Pulls ${dataset} from ${pull.kind === 's3' ? pull.prefix : new URL(pull.url).origin}`.slice(
          0,
          512,
        ),
        scheduleGroup,
        schedule: ScheduleExpression.expression(expression),
        enabled,
        target: new SqsSendMessage(runsQueue, {
          // A RunRequest of batch/ingestion/run-request.ts.
          input: ScheduleTargetInput.fromObject({
            kind: 'schedule',
            dataset,
            schedule: name,
            scheduledAt: ContextAttribute.scheduledTime,
          }),
          deadLetterQueue,
          maxEventAge: AGE_MAX,
          retryAttempts: RETRIES_MAX,
          role: role.withoutPolicyUpdates(),
        }),
      });
      // The group is named and not referred to; the role is looked at when the schedule is made.
      made.node.addDependency(scheduleGroup, role);
    }
  }
}
