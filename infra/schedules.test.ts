import { describe, expect, it } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Dataset, DatasetSchedule } from '../schemas/dataset.ts';
import { datasets } from '../schemas/index.ts';
import { Schedules } from './schedules.ts';

const earthquakes = datasets.get('earthquakes');
if (!earthquakes) throw new Error('no earthquakes');

function withSchedules(schedules: readonly DatasetSchedule[] | undefined): Dataset {
  const { definition, ...dataset } = earthquakes as Dataset;
  const { schedules: _declared, ...rest } = definition;
  return { ...dataset, definition: schedules ? { ...rest, schedules } : rest };
}

function templateOf(...declared: readonly Dataset[]): Template {
  const stack = new Stack(new App(), 'Test');
  new Schedules(stack, 'Schedules', {
    datasets: declared,
    runsQueue: new Queue(stack, 'Runs'),
    deadLetterQueue: new Queue(stack, 'Dead'),
  });
  return Template.fromStack(stack);
}

const queueArn = (id: string) => ({ 'Fn::GetAtt': [Match.stringLikeRegexp(`^${id}`), 'Arn'] });

describe('schedules', () => {
  it('ask for a run at each time of what a dataset declares', () => {
    const template = templateOf(
      withSchedules([
        { name: 'drops', expression: 'cron(0 6 * * ? *)', pull: { kind: 's3', prefix: 'incoming/earthquakes/' } },
      ]),
    );

    template.hasResourceProperties('AWS::Scheduler::ScheduleGroup', { Name: 'data-pipeline' });
    template.hasResource('AWS::Scheduler::Schedule', {
      Properties: {
        Name: 'earthquakes-drops',
        GroupName: 'data-pipeline',
        Description: 'Pulls earthquakes from incoming/earthquakes/',
        ScheduleExpression: 'cron(0 6 * * ? *)',
        ScheduleExpressionTimezone: 'Etc/UTC',
        State: 'ENABLED',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: queueArn('Runs'),
          RoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SchedulesRole'), 'Arn'] },
          DeadLetterConfig: { Arn: queueArn('Dead') },
          RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 10 },
          Input: JSON.stringify({
            kind: 'schedule',
            dataset: 'earthquakes',
            schedule: 'drops',
            scheduledAt: '<aws.scheduler.scheduled-time>',
          }),
        },
      },
      // The group is there, and the role may send, before the schedule is made.
      DependsOn: Match.arrayWith([
        Match.stringLikeRegexp('^SchedulesGroup'),
        Match.stringLikeRegexp('^SchedulesRoleDefaultPolicy'),
      ]),
    });
  });

  it('may send to the two queues, and nothing else, and only in the name of their group', () => {
    const template = templateOf(earthquakes);

    template.resourceCountIs('AWS::IAM::Policy', 1);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Sid: 'RequestRuns',
            Effect: 'Allow',
            Action: 'sqs:SendMessage',
            Resource: [queueArn('Runs'), queueArn('Dead')],
          },
        ],
      },
    });
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Principal: { Service: 'scheduler.amazonaws.com' },
            Action: 'sts:AssumeRole',
            Condition: {
              StringEquals: {
                'aws:SourceAccount': { Ref: 'AWS::AccountId' },
                'aws:SourceArn': { 'Fn::GetAtt': [Match.stringLikeRegexp('^SchedulesGroup'), 'Arn'] },
              },
            },
          },
        ],
      },
    });
  });

  it('of this repository call out nowhere by themselves', () => {
    const declared = [...datasets.values()].flatMap(({ definition }) => definition.schedules ?? []);

    expect(declared.filter(({ enabled, pull }) => pull.kind === 'http' && enabled !== false)).toEqual([]);
    templateOf(...datasets.values()).hasResourceProperties('AWS::Scheduler::Schedule', {
      Name: 'earthquakes-usgs',
      State: 'DISABLED',
    });
  });

  it('need no role where none is declared', () => {
    const template = templateOf(withSchedules(undefined));

    template.resourceCountIs('AWS::Scheduler::Schedule', 0);
    template.resourceCountIs('AWS::IAM::Role', 0);
  });
});
