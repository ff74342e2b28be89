import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { createFront } from '../front/front.ts';
import type { Functions, Queues } from '../ports.ts';
import { createS3Service } from '../s3/service.ts';
import { AwsError, type Environment, type LocalService, type Properties } from '../service.ts';
import { createSqsService } from '../sqs/service.ts';
import { createEventsService } from './service.ts';

const CONTEXT = { logicalId: 'Landed', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };
const QUEUE_ARN = 'arn:aws:sqs:us-east-1:000000000000:landed';
const RULE = {
  Name: 'landed',
  Description: 'Objects of tables',
  State: 'ENABLED',
  EventPattern: { source: ['aws.s3'], detail: { object: { key: [{ prefix: 'earthquakes/' }] } } },
  Targets: [{ Id: 'Target0', Arn: QUEUE_ARN }],
};

let folder: string;
let clock: Clock;
let environment: Environment;
let queues: ReturnType<typeof createSqsService>;
let service: ReturnType<typeof createEventsService>;
let warnings: string[];
let invoked: { readonly reference: string; readonly event: unknown }[];

const functions: Functions = {
  asynchronously(reference) {
    if (!reference.endsWith(':ledger')) throw new AwsError('ResourceNotFoundException', `no ${reference}`, 404);
    return (payload) => void invoked.push({ reference, event: JSON.parse(payload) });
  },
};

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'events-'));
  clock = createClock();
  environment = { ...CONTEXT, endpoint: 'http://127.0.0.1:4566', folder: (scope) => path.join(folder, scope), clock };
  queues = createSqsService(environment);
  warnings = [];
  invoked = [];
  service = createEventsService(environment, { functions, queues, warn: (line) => void warnings.push(line) });
  await declare(queues, { QueueName: 'landed' });
});

afterEach(async () => {
  await service.stop?.();
  await queues.stop?.();
  clock.stop();
  rmSync(folder, { recursive: true });
});

async function declare(owner: LocalService, properties: Properties): Promise<void> {
  const [kind] = owner.resourceKinds;
  await kind?.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
}

const created = (key: string) => ({
  source: 'aws.s3',
  detailType: 'Object Created',
  resources: ['arn:aws:s3:::bucket'],
  detail: { object: { key, size: 1 } },
});

async function received(): Promise<readonly unknown[]> {
  return (await queues.receive(QUEUE_ARN, 10, 0)).map(({ body }) => JSON.parse(body));
}

describe('a rule', () => {
  it('sends the whole event to its queue, before publish returns', async () => {
    await declare(service, RULE);
    service.publish(created('earthquakes/a.parquet'));
    const depth = queues.depth(QUEUE_ARN);

    expect(await depth).toBe(1);
    expect(await received()).toEqual([
      {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        'detail-type': 'Object Created',
        source: 'aws.s3',
        account: '000000000000',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        region: 'us-east-1',
        resources: ['arn:aws:s3:::bucket'],
        detail: { object: { key: 'earthquakes/a.parquet', size: 1 } },
      },
    ]);
    expect(warnings).toEqual([]);
  });

  it('sends the events of a bucket on', async () => {
    const s3 = createS3Service(environment, { events: service });
    const on = { EventBridgeConfiguration: { EventBridgeEnabled: true } };
    await declare(s3, { BucketName: 'processed', NotificationConfiguration: on });
    await declare(service, RULE);
    await s3.put({ bucket: 'processed', key: 'earthquakes/a.parquet', content: Buffer.from('abc') });
    await s3.stop?.();

    expect(await received()).toMatchObject([
      {
        source: 'aws.s3',
        'detail-type': 'Object Created',
        resources: ['arn:aws:s3:::processed'],
        detail: { bucket: { name: 'processed' }, object: { key: 'earthquakes/a.parquet', size: 3 } },
      },
    ]);
  });

  it('leaves out what its pattern does not match, and everything when it is disabled', async () => {
    await declare(service, RULE);
    await declare(service, { ...RULE, Name: 'off', State: 'DISABLED' });
    service.publish(created('errors/a'));
    service.publish(created('earthquakes/b'));

    expect(await received()).toMatchObject([{ detail: { object: { key: 'earthquakes/b' } } }]);
  });

  it('sends on its own: two rules that match send two messages', async () => {
    await declare(service, RULE);
    await declare(service, { ...RULE, Name: 'second', EventPattern: { source: ['aws.s3'] } });
    service.publish(created('earthquakes/b'));

    expect(await queues.depth(QUEUE_ARN)).toBe(2);
  });

  it('has its name as its Ref, and an ARN', () => {
    const [kind] = service.resourceKinds;

    expect(kind?.identify(RULE, CONTEXT)).toEqual({
      ref: 'landed',
      attributes: { Arn: 'arn:aws:events:us-east-1:000000000000:rule/landed' },
    });
    expect(kind?.identify({}, { ...CONTEXT, logicalId: 'Long'.repeat(30) }).ref).toHaveLength(64);
  });

  it.each([
    [
      'a schedule beside its pattern',
      { ScheduleExpression: 'rate(1 minute)' },
      /Landed .*ScheduleExpression beside an/,
    ],
    ['another bus', { EventBusName: 'other' }, /EventBusName: there is the default bus only/],
    ['another target', { Targets: [{ Id: 'a', Arn: 'arn:aws:lambda:us-east-1:0:function:f' }] }, /SQS queues only/],
    ['a transformer', { Targets: [{ ...RULE.Targets[0], InputTransformer: {} }] }, /InputTransformer: not run locally/],
    ['a constant input', { Targets: [{ ...RULE.Targets[0], Input: '{}' }] }, /Input: not run locally/],
    [
      'an operator',
      { EventPattern: { a: [{ wildcard: '*' }] } },
      /Landed .*EventPattern.a: received {"wildcard":"\*"}/,
    ],
    ['a missing pattern', { EventPattern: undefined }, /EventPattern/],
    ['a queue that is not there', { Targets: [{ Id: 'a', Arn: `${QUEUE_ARN}x` }] }, /landedx/],
  ])('is refused for %s', async (_name, change, message) => {
    await expect(declare(service, { ...RULE, ...change })).rejects.toThrow(message);
  });
});

describe('a rule with a schedule', () => {
  const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:ledger';
  const SCHEDULED = {
    Name: 'every-minute',
    ScheduleExpression: 'rate(1 minute)',
    State: 'ENABLED',
    Targets: [{ Id: 'Target0', Arn: FUNCTION_ARN }],
  };
  /** The schedule's times are exact; the clock moves on by itself in between. */
  const MARGIN_MS = 5_000;

  it('invokes its function with the event that AWS documents, at its rate, from one interval after the start', async () => {
    await declare(service, SCHEDULED);
    await service.start?.();
    const startedAtMs = clock.now();
    clock.advance(60_000 - MARGIN_MS);
    expect(invoked).toEqual([]);
    clock.advance(MARGIN_MS);
    clock.advance(60_000);

    expect(invoked).toEqual(
      [1, 2].map(() => ({
        reference: FUNCTION_ARN,
        event: {
          version: '0',
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          'detail-type': 'Scheduled Event',
          source: 'aws.events',
          account: '000000000000',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          region: 'us-east-1',
          resources: ['arn:aws:events:us-east-1:000000000000:rule/every-minute'],
          detail: {},
        },
      })),
    );
    const times = invoked.map(({ event }) => Date.parse((event as { time: string }).time));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(60_000);
    expect(Math.abs((times[0] ?? 0) - startedAtMs - 60_000)).toBeLessThan(MARGIN_MS);
  });

  it('runs once when the clock is driven past several times, and then at its next', async () => {
    await declare(service, SCHEDULED);
    await service.start?.();
    clock.advance(3_600_000 + MARGIN_MS);
    expect(invoked).toHaveLength(1);
    clock.advance(60_000);

    expect(invoked).toHaveLength(2);
  });

  it('is upkeep: a drain waits for work only', async () => {
    await declare(service, SCHEDULED);
    await service.start?.();

    expect(clock.nextDueMs()).toBeUndefined();
  });

  it('does not run when it is disabled, nor once the service has stopped, nor for events', async () => {
    await declare(service, { ...SCHEDULED, Name: 'off', State: 'DISABLED' });
    await service.start?.();
    clock.advance(60_000);
    await service.stop?.();
    await declare(service, SCHEDULED);
    await service.start?.();
    await service.publish(created('earthquakes/a'));
    await service.stop?.();
    clock.advance(60_000);

    expect(invoked).toEqual([]);
  });

  it.each([
    ['no such function', { Targets: [{ Id: 'a', Arn: `${FUNCTION_ARN}s` }] }, /ledgers/],
    ['a queue', { Targets: [{ Id: 'a', Arn: QUEUE_ARN }] }, /target a: .*Lambda functions only on a schedule/],
    ['cron of five fields', { ScheduleExpression: 'cron(0 12 * * ?)' }, /cron: received "0 12 \* \* \?", allowed: six/],
    ['a singular of two', { ScheduleExpression: 'rate(2 minute)' }, /received "rate\(2 minute\)"/],
    ['a plural of one', { ScheduleExpression: 'rate(1 minutes)' }, /received "rate\(1 minutes\)"/],
    ['no time at all', { ScheduleExpression: 'rate(0 minutes)' }, /received "rate\(0 minutes\)"/],
    ['seconds', { ScheduleExpression: 'rate(30 seconds)' }, /received "rate\(30 seconds\)"/],
  ])('is refused for %s', async (_name, change, message) => {
    await expect(declare(service, { ...SCHEDULED, ...change })).rejects.toThrow(message);
  });
});

describe('an event', () => {
  it('outlives SIGKILL as soon as it is published', async () => {
    const script = `
      import { createClock } from '${path.resolve('local/clock.ts')}';
      import { createEventsService } from '${path.resolve('local/events/service.ts')}';
      import { createSqsService } from '${path.resolve('local/sqs/service.ts')}';
      const context = ${JSON.stringify(CONTEXT)};
      const environment = { ...context, endpoint: '', clock: createClock(), folder: (scope) => ${JSON.stringify(folder)} + '/' + scope };
      const queues = createSqsService(environment);
      const service = createEventsService(environment, { functions: {}, queues });
      for (const [owner, properties] of [[queues, { QueueName: 'landed' }], [service, ${JSON.stringify(RULE)}]]) {
        const [kind] = owner.resourceKinds;
        await kind.create(properties, kind.identify(properties, context), context);
      }
      service.publish(${JSON.stringify(created('earthquakes/a'))});
      process.kill(process.pid, 'SIGKILL');
    `;
    await queues.stop?.();
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
    const signal = await new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)));
    queues = createSqsService(environment);
    await declare(queues, { QueueName: 'landed' });

    expect(signal).toBe('SIGKILL');
    expect(await received()).toMatchObject([{ detail: { object: { key: 'earthquakes/a' } } }]);
  });

  /** Queues that take a message after so many failures. */
  function failing(failures: number, error: Error): Queues & { readonly sent: string[] } {
    const sent: string[] = [];
    let left = failures;
    return {
      ...queues,
      sent,
      async send(_arn, body) {
        if (left-- > 0) throw error;
        sent.push(body);
      },
    };
  }

  it('that a queue cannot write is not published, and can be published again', async () => {
    const slow = failing(1, new Error('disk full'));
    const events = createEventsService(environment, {
      functions,
      queues: slow,
      warn: (line) => void warnings.push(line),
    });
    await declare(events, RULE);

    await expect(events.publish(created('earthquakes/a'))).rejects.toThrow('disk full');
    expect(slow.sent).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('disk full; not sent: {"version":"0"')]);
    await events.publish(created('earthquakes/a'));

    expect(slow.sent).toHaveLength(1);
  });

  it('goes to the other queues when one cannot write', async () => {
    const slow = failing(1, new Error('disk full'));
    const events = createEventsService(environment, { functions, queues: slow, warn: () => undefined });
    await declare(events, RULE);
    await declare(events, { ...RULE, Name: 'second' });

    await expect(events.publish(created('earthquakes/a'))).rejects.toThrow('disk full');

    expect(slow.sent).toHaveLength(1);
  });

  it('is reported and dropped when its queue refuses it', async () => {
    const refusing = failing(1, new AwsError('InvalidParameterValueException', 'too long'));
    const events = createEventsService(environment, {
      functions,
      queues: refusing,
      warn: (line) => void warnings.push(line),
    });
    await declare(events, RULE);

    await events.publish(created('earthquakes/a'));

    expect(refusing.sent).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('too long; lost')]);
  });

  it('of an object is sent again by S3, also by the next process, until its queue takes it', async () => {
    const slow = failing(3, new Error('disk full'));
    const open = async () => {
      const events = createEventsService(environment, { functions, queues: slow, warn: () => undefined });
      const s3 = createS3Service(environment, { events });
      const on = { EventBridgeConfiguration: { EventBridgeEnabled: true } };
      await declare(s3, { BucketName: 'processed', NotificationConfiguration: on });
      await declare(events, RULE);
      await s3.start?.();
      return s3;
    };
    const first = await open();
    await first.put({ bucket: 'processed', key: 'earthquakes/a', content: Buffer.from('abc') });
    clock.advance(1_000);
    await first.stop?.();
    clock.advance(60_000);
    expect(slow.sent).toEqual([]);

    const second = await open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(slow.sent).toEqual([]);
    clock.advance(1_000);
    await second.stop?.();
    await (await open()).stop?.();

    expect(slow.sent.map((text) => JSON.parse(text))).toMatchObject([
      { detail: { object: { key: 'earthquakes/a', sequencer: '000000000000000001' } } },
    ]);
  });
});

describe('the operations', () => {
  async function call(operation: string, input: object): Promise<unknown> {
    const front = createFront({ services: [service], port: 0 });
    const answer = await fetch(await front.listen(), {
      method: 'POST',
      headers: { 'x-amz-target': `AWSEvents.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify(input),
    });
    const body: unknown = await answer.json();
    await front.close();
    return body;
  }

  const entry = { Source: 'my.app', DetailType: 'Done', Detail: '{"a":1}', Time: 1_790_000_000 };

  it('PutEvents puts what it can, and says what is wrong with the rest', async () => {
    await declare(service, { ...RULE, EventPattern: { source: ['my.app'] } });

    const answer = await call('PutEvents', {
      Entries: [
        entry,
        { ...entry, Source: 'aws.s3' },
        { ...entry, Detail: '[1]' },
        { ...entry, Detail: '{' },
        { ...entry, DetailType: undefined },
        { ...entry, EventBusName: 'other' },
      ],
    });

    const refused = (code: string) => ({ ErrorCode: code, ErrorMessage: expect.any(String) });
    expect(answer).toEqual({
      FailedEntryCount: 5,
      Entries: [
        { EventId: expect.any(String) },
        refused('NotAuthorizedForSourceException'),
        refused('MalformedDetail'),
        refused('MalformedDetail'),
        refused('InvalidArgument'),
        refused('InvalidArgument'),
      ],
    });
    expect(await received()).toMatchObject([
      { source: 'my.app', 'detail-type': 'Done', detail: { a: 1 }, resources: [], time: '2026-09-21T14:13:20Z' },
    ]);
  });

  it('PutEvents answers an entry that a queue cannot write with InternalFailure', async () => {
    await declare(service, { ...RULE, EventPattern: { source: ['my.app'] } });
    await queues.stop?.();

    const answer = await call('PutEvents', { Entries: [entry, { ...entry, Source: 'other' }] });

    expect(answer).toEqual({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: expect.any(String) }, { EventId: expect.any(String) }],
    });
    queues = createSqsService(environment);
  });

  it('PutEvents rejects entries one by one when that is switched on', async () => {
    await declare(service, { ...RULE, EventPattern: { source: ['my.app'] } });
    const draws = [0, 0.9];
    service.faults?.set({ partialRate: 0.5 }, () => draws.shift() ?? 1);

    expect(await call('PutEvents', { Entries: [entry, { ...entry, Detail: '{"a":2}' }] })).toEqual({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded' }, { EventId: expect.any(String) }],
    });
    expect(await received()).toMatchObject([{ detail: { a: 2 } }]);
  });

  it('PutEvents refuses 256 KiB', async () => {
    const Detail = JSON.stringify({ a: 'x'.repeat(256 * 1024) });

    expect(await call('PutEvents', { Entries: [{ ...entry, Detail }] })).toMatchObject({
      __type: 'ValidationException',
    });
  });

  it('list and describe rules and their targets', async () => {
    await declare(service, { ...RULE, Name: 'second' });
    await declare(service, RULE);
    const rule = {
      Name: 'landed',
      Arn: 'arn:aws:events:us-east-1:000000000000:rule/landed',
      EventPattern: JSON.stringify(RULE.EventPattern),
      State: 'ENABLED',
      Description: 'Objects of tables',
      EventBusName: 'default',
    };

    expect(await call('ListRules', { Limit: 1 })).toEqual({ Rules: [rule], NextToken: '1' });
    expect(await call('ListRules', { NamePrefix: 'land' })).toEqual({ Rules: [rule] });
    expect(await call('DescribeRule', { Name: 'landed' })).toEqual({ ...rule, CreatedBy: '000000000000' });
    expect(await call('ListTargetsByRule', { Rule: 'landed' })).toEqual({ Targets: RULE.Targets });
    await declare(service, {
      Name: 'hourly',
      ScheduleExpression: 'rate(2 hours)',
      Targets: [{ Id: 'a', Arn: 'arn:aws:lambda:us-east-1:000000000000:function:ledger' }],
    });
    expect(await call('DescribeRule', { Name: 'hourly' })).toMatchObject({ ScheduleExpression: 'rate(2 hours)' });
    expect(await call('DescribeRule', { Name: 'hourly' })).not.toHaveProperty('EventPattern');
    expect(await call('DescribeRule', { Name: 'absent' })).toMatchObject({ __type: 'ResourceNotFoundException' });
    expect(await call('ListRules', { EventBusName: 'other' })).toMatchObject({ __type: 'ResourceNotFoundException' });
  });

  it('are refused by name when they are not served', async () => {
    expect(await call('PutRule', { Name: 'x' })).toMatchObject({
      message:
        'The local events does not support AWSEvents.PutRule. Supported: PutEvents, ListRules, DescribeRule, ListTargetsByRule.',
    });
  });
});
