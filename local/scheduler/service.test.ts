import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  GetScheduleCommand,
  GetScheduleGroupCommand,
  ListScheduleGroupsCommand,
  ListSchedulesCommand,
  type ListSchedulesCommandInput,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { createFront, type Front } from '../front/front.ts';
import { AwsError, type Environment, type LocalService, type Properties } from '../service.ts';
import { createSqsService } from '../sqs/service.ts';
import { createSchedulerService } from './service.ts';

const CONTEXT = { logicalId: 'Pull', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };
const RUNS = 'arn:aws:sqs:us-east-1:000000000000:runs';
const DEAD = 'arn:aws:sqs:us-east-1:000000000000:dead';
const HOUR_MS = 3_600_000;
const TARGET = {
  Arn: RUNS,
  RoleArn: 'arn:aws:iam::000000000000:role/r',
  Input:
    '{"at":"<aws.scheduler.scheduled-time>","arn":"<aws.scheduler.schedule-arn>","n":<aws.scheduler.attempt-number>}',
  RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 2 },
  DeadLetterConfig: { Arn: DEAD },
};
const SCHEDULE = {
  Name: 'pull',
  GroupName: 'group',
  Description: 'Pulls',
  FlexibleTimeWindow: { Mode: 'OFF' },
  ScheduleExpression: 'rate(1 hour)',
  ScheduleExpressionTimezone: 'Etc/UTC',
  Target: TARGET,
};

let folder: string;
let clock: Clock;
let queues: ReturnType<typeof createSqsService>;
let service: LocalService;
let warnings: string[];
/** What the next sends to the queue of runs fail with. */
let failures: Error[];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'scheduler-'));
  clock = createClock();
  const environment: Environment = { ...CONTEXT, endpoint: '', folder: (scope) => path.join(folder, scope), clock };
  queues = createSqsService(environment);
  warnings = [];
  failures = [];
  const failing = {
    ...queues,
    send: async (arn: string, body: string, attributes?: Readonly<Record<string, string>>) => {
      const failure = arn === RUNS ? failures.shift() : undefined;
      if (failure) throw failure;
      return queues.send(arn, body, attributes);
    },
  };
  service = createSchedulerService(environment, { queues: failing, warn: (line) => void warnings.push(line) });
  await declare(queues, 'AWS::SQS::Queue', { QueueName: 'runs' });
  await declare(queues, 'AWS::SQS::Queue', { QueueName: 'dead' });
  await declare(service, 'AWS::Scheduler::ScheduleGroup', { Name: 'group' });
});

afterEach(async () => {
  await service.stop?.();
  await queues.stop?.();
  clock.stop();
  rmSync(folder, { recursive: true });
});

async function declare(owner: LocalService, type: string, properties: Properties): Promise<void> {
  const kind = owner.resourceKinds.find((candidate) => candidate.type === type);
  await kind?.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
}

const schedule = (change: Properties = {}) => declare(service, 'AWS::Scheduler::Schedule', { ...SCHEDULE, ...change });

const bodies = async (arn: string): Promise<readonly unknown[]> =>
  (await queues.receive(arn, 10, 0)).map(({ body }) => JSON.parse(body));

/** Lets promises that are settled run on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a schedule', () => {
  it('sends its input at its rate, with the context attributes of the time', async () => {
    await schedule();
    const startedAtMs = clock.now();
    await service.start?.();
    clock.advance(HOUR_MS - 5_000);
    expect(await queues.depth(RUNS)).toBe(0);
    clock.advance(5_000);
    clock.advance(HOUR_MS);

    const sent = (await bodies(RUNS)) as readonly { at: string; arn: string; n: number }[];
    expect(sent).toEqual(
      [1, 2].map(() => ({
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/group/pull',
        n: 1,
      })),
    );
    const [first = 0, second = 0] = sent.map(({ at }) => Date.parse(at));
    expect(second - first).toBe(HOUR_MS);
    expect(Math.abs(first - startedAtMs - HOUR_MS)).toBeLessThan(5_000);
  });

  it('sends at the times of its cron expression', async () => {
    await schedule({ ScheduleExpression: 'cron(0 10 * * ? *)' });
    await service.start?.();
    clock.advance(24 * HOUR_MS);

    expect(await bodies(RUNS)).toEqual([expect.objectContaining({ at: expect.stringMatching(/T10:00:00Z$/) })]);
  });

  it('sends once when the clock is driven past several times', async () => {
    await schedule();
    await service.start?.();
    clock.advance(10 * HOUR_MS + 5_000);

    expect(await queues.depth(RUNS)).toBe(1);
  });

  it('is upkeep, does nothing when it is disabled, and nothing once the service has stopped', async () => {
    await schedule();
    await schedule({ Name: 'off', State: 'DISABLED' });
    await service.start?.();
    expect(clock.nextDueMs()).toBeUndefined();
    clock.advance(HOUR_MS + 1_000);
    expect(await queues.depth(RUNS)).toBe(1);
    await service.stop?.();
    clock.advance(HOUR_MS);

    expect(await queues.depth(RUNS)).toBe(1);
  });

  it('is tried again when its queue fails, with the number of the attempt and the same time', async () => {
    await schedule();
    await service.start?.();
    failures = [new Error('disk full')];
    clock.advance(HOUR_MS + 1_000);
    await turn();
    expect(await queues.depth(RUNS)).toBe(0);
    expect(clock.nextDueMs()).toBeDefined();
    clock.advance(1_000);

    expect(await bodies(RUNS)).toEqual([expect.objectContaining({ n: 2 })]);
  });

  async function deadLetters() {
    const front = createFront({ services: [queues], port: 0 });
    const client = new SQSClient(clientOptions(await front.listen()));
    const QueueUrl = 'http://127.0.0.1/000000000000/dead';
    const answer = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    );
    client.destroy();
    await front.close();
    return (answer.Messages ?? []).map(({ Body = '', MessageAttributes = {} }) => ({
      body: JSON.parse(Body),
      attributes: Object.fromEntries(
        Object.entries(MessageAttributes).map(([name, value]) => [name, value.StringValue]),
      ),
    }));
  }

  it('goes to the dead-letter queue when its attempts are used up, and says why', async () => {
    await schedule();
    await service.start?.();
    failures = [new Error('one'), new Error('two'), new Error('disk full')];
    clock.advance(HOUR_MS + 1_000);
    await turn();
    clock.advance(1_000);
    await turn();
    clock.advance(2_000);
    await turn();

    expect(await queues.depth(RUNS)).toBe(0);
    expect(await deadLetters()).toEqual([
      {
        body: expect.objectContaining({ n: 3 }),
        attributes: {
          ERROR_CODE: 'InternalFailure',
          ERROR_MESSAGE: 'disk full',
          EXECUTION_ID: expect.stringMatching(/^[0-9a-f]{16}$/),
          EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
          IS_PAYLOAD_TRUNCATED: 'false',
          RETRY_ATTEMPTS: '2',
          SCHEDULED_TIME: expect.stringMatching(/Z$/),
          SCHEDULE_ARN: 'arn:aws:scheduler:us-east-1:000000000000:schedule/group/pull',
          TARGET_ARN: RUNS,
        },
      },
    ]);
    expect(warnings).toEqual([]);
  });

  it('goes there when it has become too old', async () => {
    await schedule({ Target: { ...TARGET, RetryPolicy: { MaximumEventAgeInSeconds: 60 } } });
    await service.start?.();
    failures = Array.from({ length: 10 }, () => new Error('disk full'));
    clock.advance(HOUR_MS + 1_000);
    for (let at = 0; at < 6; at += 1) {
      await turn();
      clock.advance(2 ** at * 1_000);
    }
    await turn();

    const [letter] = await deadLetters();
    expect(letter?.attributes).toMatchObject({ EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds' });
    expect(clock.nextDueMs()).toBeUndefined();
  });

  it('goes there at once when the queue refuses it for what it is', async () => {
    await schedule();
    await service.start?.();
    failures = [new AwsError('InvalidMessageContents', 'too long')];
    clock.advance(HOUR_MS + 1_000);
    await turn();

    const [letter] = await deadLetters();
    expect(letter?.attributes).toMatchObject({ ERROR_CODE: 'InvalidMessageContents', RETRY_ATTEMPTS: '0' });
    expect(letter?.attributes).not.toHaveProperty('EXHAUSTED_RETRY_CONDITION');
  });

  it('is lost with a warning when there is no dead-letter queue', async () => {
    await schedule({ Target: { ...TARGET, DeadLetterConfig: undefined } });
    await service.start?.();
    failures = [new AwsError('InvalidMessageContents', 'too long')];
    clock.advance(HOUR_MS + 1_000);
    await turn();

    expect(warnings).toEqual([expect.stringMatching(/schedule\/group\/pull to .*:runs: Invalid.*: too long; lost: {/)]);
  });

  it.each([
    [
      'another target',
      { Target: { ...TARGET, Arn: 'arn:aws:lambda:us-east-1:0:function:f' } },
      /Target.Arn: SQS queues only/,
    ],
    [
      'parameters of another target',
      { Target: { ...TARGET, EcsParameters: {} } },
      /EcsParameters: targets of SQS only/,
    ],
    [
      'a FIFO queue',
      { Target: { ...TARGET, SqsParameters: { MessageGroupId: 'a' } } },
      /MessageGroupId: FIFO queues are/,
    ],
    ['no input', { Target: { ...TARGET, Input: undefined } }, /Target.Input/],
    [
      'a flexible window',
      { FlexibleTimeWindow: { Mode: 'FLEXIBLE' } },
      /Mode: OFF only is run locally, received "FLEX/,
    ],
    ['another time zone', { ScheduleExpressionTimezone: 'Europe/Berlin' }, /UTC only is run locally, received "Europe/],
    ['a single time', { ScheduleExpression: 'at(2030-01-01T00:00:00)' }, /Pull .*ScheduleExpression: .*received "at/],
    ['a group that is not there', { GroupName: 'other' }, /GroupName: received other, here: default, group/],
    ['a queue that is not there', { Target: { ...TARGET, Arn: `${RUNS}x` } }, /runsx/],
    [
      'too many attempts',
      { Target: { ...TARGET, RetryPolicy: { MaximumRetryAttempts: 186 } } },
      /MaximumRetryAttempts/,
    ],
  ])('is refused for %s', async (_name, change, message) => {
    await expect(schedule(change)).rejects.toThrow(message);
  });
});

const clientOptions = (endpoint: string) => ({
  endpoint,
  region: CONTEXT.region,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  maxAttempts: 1,
});

describe('the operations', () => {
  let front: Front;
  let client: SchedulerClient;

  beforeEach(async () => {
    front = createFront({ services: [service], port: 0 });
    client = new SchedulerClient(clientOptions(await front.listen()));
    await schedule({ Name: 'b', State: 'DISABLED' });
    await schedule({ Name: 'a' });
    await schedule({ Name: 'c', GroupName: undefined });
  });

  afterEach(async () => {
    client.destroy();
    await front.close();
  });

  it('list schedules by group, prefix and state, a page at a time', async () => {
    const first = await client.send(new ListSchedulesCommand({ GroupName: 'group', MaxResults: 1 }));
    const names = async (input: ListSchedulesCommandInput) =>
      (await client.send(new ListSchedulesCommand(input))).Schedules?.map(({ Name }) => Name);

    expect(first.Schedules).toEqual([
      {
        Arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/group/a',
        Name: 'a',
        GroupName: 'group',
        State: 'ENABLED',
        CreationDate: expect.any(Date),
        LastModificationDate: expect.any(Date),
        Target: { Arn: RUNS },
      },
    ]);
    expect(await names({ GroupName: 'group', NextToken: first.NextToken })).toEqual(['b']);
    expect(await names({})).toEqual(['c', 'a', 'b']);
    expect(await names({ NamePrefix: 'c' })).toEqual(['c']);
    expect(await names({ State: 'DISABLED' })).toEqual(['b']);
    await expect(names({ GroupName: 'other' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('give a schedule whole', async () => {
    expect(await client.send(new GetScheduleCommand({ GroupName: 'group', Name: 'b' }))).toMatchObject({
      Name: 'b',
      State: 'DISABLED',
      Description: 'Pulls',
      ScheduleExpression: 'rate(1 hour)',
      ScheduleExpressionTimezone: 'Etc/UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: TARGET,
    });
    await expect(client.send(new GetScheduleCommand({ Name: 'a' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Schedule a does not exist in group default.',
    });
  });

  it('list groups, and give one', async () => {
    const { ScheduleGroups } = await client.send(new ListScheduleGroupsCommand({}));

    expect(ScheduleGroups?.map(({ Name }) => Name)).toEqual(['default', 'group']);
    expect(await client.send(new GetScheduleGroupCommand({ Name: 'group' }))).toMatchObject({
      Arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule-group/group',
      State: 'ACTIVE',
    });
  });

  it('are refused by name when they are not served', async () => {
    const answer = await fetch(
      `${await client.config.endpoint?.().then(({ hostname, port }) => `http://${hostname}:${port}`)}/schedules/a`,
      {
        method: 'DELETE',
        headers: {
          authorization:
            'AWS4-HMAC-SHA256 Credential=local/20261123/us-east-1/scheduler/aws4_request, SignedHeaders=host, Signature=00',
        },
      },
    );

    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      message:
        'The local scheduler does not support DELETE /schedules/a. Supported: ListSchedules, GetSchedule, ListScheduleGroups, GetScheduleGroup.',
    });
  });
});
