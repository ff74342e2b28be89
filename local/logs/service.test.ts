import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { createClock } from '../clock.ts';
import { GROUP_BYTES_MAX, GROUP_EVENTS_MAX } from './log-store.ts';
import { createLogsService } from './service.ts';

type Service = ReturnType<typeof createLogsService>;

const eventsOf = z.object({
  events: z.array(z.object({ message: z.string(), timestamp: z.number() }).loose()),
  nextToken: z.string().optional(),
  nextForwardToken: z.string().optional(),
  nextBackwardToken: z.string().optional(),
});

let folder: string;
let service: Service;
let warnings: string[];

const open = (): Service =>
  createLogsService(
    {
      account: '000000000000',
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:4566',
      folder: () => folder,
      clock: createClock(),
    },
    { warn: (line) => warnings.push(line) },
  );

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'logs-'));
  warnings = [];
  service = open();
});

afterEach(async () => {
  await service.stop?.();
  rmSync(folder, { recursive: true });
});

async function call(operation: string, input: object): Promise<{ status: number; body: unknown }> {
  const { status, body } = await service.handle({
    id: 'request',
    method: 'POST',
    path: '/',
    query: new URLSearchParams(),
    headers: { 'x-amz-target': `Logs_20140328.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
    body: Readable.from([Buffer.from(JSON.stringify(input))]),
  });
  const text = String(body);
  return { status, body: text === '' ? undefined : JSON.parse(text) };
}

async function filter(input: object): Promise<z.infer<typeof eventsOf>> {
  return eventsOf.parse((await call('FilterLogEvents', { logGroupName: 'group', ...input })).body);
}

const messages = (page: z.infer<typeof eventsOf>): string[] => page.events.map((event) => event.message);

describe('FilterLogEvents', () => {
  it('gives the events of all streams in the order of time', async () => {
    service.write('group', 'one', [{ timestampMs: 30, message: 'c' }]);
    service.write('group', 'two', [
      { timestampMs: 10, message: 'a' },
      { timestampMs: 30, message: 'd' },
    ]);
    service.write('group', 'one', [{ timestampMs: 20, message: 'b' }]);
    service.write('other', 'one', [{ timestampMs: 20, message: 'elsewhere' }]);

    const page = await filter({});

    expect(messages(page)).toEqual(['a', 'b', 'c', 'd']);
    expect(page.events[0]).toMatchObject({ logStreamName: 'two', timestamp: 10, eventId: expect.any(String) });
  });

  it('keeps to the times, streams, prefix and pattern that are asked for', async () => {
    service.write(
      'group',
      'one',
      [1, 2, 3, 4].map((timestampMs) => ({ timestampMs, message: `one ${timestampMs}` })),
    );
    service.write('group', 'two', [{ timestampMs: 2, message: 'two 2' }]);

    expect(messages(await filter({ startTime: 2, endTime: 3 }))).toEqual(['one 2', 'two 2', 'one 3']);
    expect(messages(await filter({ logStreamNames: ['two'] }))).toEqual(['two 2']);
    expect(messages(await filter({ logStreamNamePrefix: 'o' }))).toHaveLength(4);
    expect(messages(await filter({ filterPattern: '2 -two' }))).toEqual(['one 2']);
  });

  it('gives every event once over the pages, whatever the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (times, limit) => {
          const logGroupName = `group-${Math.random()}`;
          service.write(
            logGroupName,
            'one',
            times.map((timestampMs, index) => ({ timestampMs, message: String(index) })),
          );

          const seen: string[] = [];
          let nextToken: string | undefined;
          do {
            const page = await filter({ logGroupName, limit, nextToken });
            expect(page.events.length).toBeLessThanOrEqual(limit);
            seen.push(...messages(page));
            nextToken = page.nextToken;
          } while (nextToken !== undefined);

          const expected = times
            .map((time, index) => ({ time, index }))
            .sort((a, b) => a.time - b.time || a.index - b.index);
          expect(seen).toEqual(expected.map(({ index }) => String(index)));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('ends a page at 1 MiB', async () => {
    const message = 'x'.repeat(400_000);
    service.write(
      'group',
      'one',
      [1, 2, 3].map((timestampMs) => ({ timestampMs, message })),
    );

    const first = await filter({});
    const second = await filter({ nextToken: first.nextToken });

    expect([first.events.length, second.events.length, second.nextToken]).toEqual([2, 1, undefined]);
  });

  it('answers for a group that is not there with ResourceNotFoundException', async () => {
    const answer = await call('FilterLogEvents', { logGroupName: 'none' });

    expect(answer).toMatchObject({ status: 400, body: { __type: 'ResourceNotFoundException' } });
  });

  it('answers for a pattern that is not supported with its name', async () => {
    service.write('group', 'one', [{ timestampMs: 1, message: 'a' }]);

    const answer = await call('FilterLogEvents', { logGroupName: 'group', filterPattern: '{ $.a = 1 }' });

    expect(answer.body).toMatchObject({
      __type: 'InvalidParameterException',
      message: expect.stringContaining('JSON patterns'),
    });
  });
});

describe('GetLogEvents', () => {
  const get = async (input: object) =>
    eventsOf.parse((await call('GetLogEvents', { logGroupName: 'group', logStreamName: 'one', ...input })).body);

  beforeEach(() => {
    service.write(
      'group',
      'one',
      [1, 2, 3, 4, 5].map((timestampMs) => ({ timestampMs, message: String(timestampMs) })),
    );
  });

  it('gives the newest by default, the oldest from the head, and pages both ways', async () => {
    const newest = await get({ limit: 2 });
    const older = await get({ limit: 2, nextToken: newest.nextBackwardToken });
    const oldest = await get({ limit: 2, startFromHead: true });
    const newer = await get({ limit: 2, nextToken: oldest.nextForwardToken });

    expect([newest, older, oldest, newer].map(messages)).toEqual([
      ['4', '5'],
      ['2', '3'],
      ['1', '2'],
      ['3', '4'],
    ]);
  });

  it('gives the same token again at the end', async () => {
    const last = await get({ startFromHead: true });

    const end = await get({ nextToken: last.nextForwardToken });

    expect(end.events).toEqual([]);
    expect(end.nextForwardToken).toBe(last.nextForwardToken);
  });

  it('leaves out the end time', async () => {
    expect(messages(await get({ startTime: 2, endTime: 4 }))).toEqual(['2', '3']);
  });
});

describe('PutLogEvents', () => {
  const put = (logEvents: readonly object[]) =>
    call('PutLogEvents', { logGroupName: '/own/group', logStreamName: 'one', logEvents });

  beforeEach(async () => {
    await call('CreateLogGroup', { logGroupName: '/own/group' });
    await call('CreateLogStream', { logGroupName: '/own/group', logStreamName: 'one' });
  });

  it('keeps events of a stream that exists', async () => {
    const answer = await put([{ timestamp: 5, message: 'kept' }]);

    expect(answer.status).toBe(200);
    expect(messages(await filter({ logGroupName: '/own/group' }))).toEqual(['kept']);
  });

  it.each([
    [
      'events out of order',
      [
        { timestamp: 2, message: 'a' },
        { timestamp: 1, message: 'b' },
      ],
    ],
    ['more than 1 MiB', [{ timestamp: 2, message: 'x'.repeat(1_048_576) }]],
    ['no events', []],
  ])('refuses %s', async (_name, events) => {
    expect(await put(events)).toMatchObject({ status: 400, body: { __type: 'InvalidParameterException' } });
  });

  it('refuses what exists already', async () => {
    const answers = [
      await call('CreateLogGroup', { logGroupName: '/own/group' }),
      await call('CreateLogStream', { logGroupName: '/own/group', logStreamName: 'one' }),
    ];

    expect(answers.map((answer) => answer.body)).toMatchObject([
      { __type: 'ResourceAlreadyExistsException' },
      { __type: 'ResourceAlreadyExistsException' },
    ]);
  });
});

it('describes groups and streams', async () => {
  service.write('/aws/lambda/a', 'one', [{ timestampMs: 7, message: 'x' }]);
  service.write('/aws/lambda/a', 'two', [{ timestampMs: 9, message: 'y' }]);
  service.write('/other', 'one', [{ timestampMs: 9, message: 'y' }]);

  const groups = await call('DescribeLogGroups', { logGroupNamePrefix: '/aws/' });
  const streams = await call('DescribeLogStreams', {
    logGroupName: '/aws/lambda/a',
    orderBy: 'LastEventTime',
    descending: true,
  });

  expect(groups.body).toMatchObject({
    logGroups: [
      { logGroupName: '/aws/lambda/a', arn: 'arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/a:*' },
    ],
  });
  expect(streams.body).toMatchObject({
    logStreams: [
      { logStreamName: 'two', firstEventTimestamp: 9, lastEventTimestamp: 9 },
      { logStreamName: 'one', lastEventTimestamp: 7 },
    ],
  });
});

it('keeps events over a restart', async () => {
  service.write('group', 'one', [{ timestampMs: 1, message: 'kept' }]);
  await service.stop?.();
  service = open();

  expect(messages(await filter({}))).toEqual(['kept']);
});

it('drops what the disk does not take, tells of it once, and goes on', async () => {
  service.write('before', 'one', [{ timestampMs: 1, message: 'kept' }]);
  expect(messages(await filter({ logGroupName: 'before' }))).toEqual(['kept']);
  const disk = new DatabaseSync(path.join(folder, 'logs.sqlite'));
  disk.exec(`CREATE TRIGGER full BEFORE UPDATE ON streams BEGIN SELECT RAISE(ABORT, 'disk is full'); END`);
  service.write('group', 'one', [{ timestampMs: 1, message: 'dropped' }]);
  // The write is flushed by a timer, where nobody would catch what it throws.
  await sleep(300);
  service.write('group', 'one', [{ timestampMs: 2, message: 'dropped too' }]);
  expect(messages(await filter({ logGroupName: 'before' }))).toEqual(['kept']);
  expect(warnings).toEqual([expect.stringMatching(/drops log lines: .*disk is full/)]);

  disk.exec('DROP TRIGGER full');
  disk.close();
  service.write('group', 'one', [{ timestampMs: 3, message: 'kept again' }]);

  expect(messages(await filter({}))).toEqual(['kept again']);
  expect(warnings.slice(1)).toEqual([expect.stringContaining('keeps log lines again; 2 were dropped')]);
  const { body } = await call('DescribeLogGroups', { logGroupNamePrefix: 'group' });
  expect(body).toMatchObject({ logGroups: [{ logGroupName: 'group', storedBytes: 'kept again'.length + 26 }] });
});

it('makes the groups of the template, with their retention', async () => {
  const kind = service.resourceKinds.find((each) => each.type === 'AWS::Logs::LogGroup');
  const context = { logicalId: 'Logs', stackName: 'stack', account: '000000000000', region: 'us-east-1' };
  const properties = { LogGroupName: 'group', RetentionInDays: 1 };
  const identity = kind?.identify(properties, context) ?? { ref: '', attributes: {} };
  await kind?.create?.(properties, identity, context);
  service.write('group', 'one', [
    { timestampMs: Date.now() - 2 * 86_400_000, message: 'too old' },
    { timestampMs: Date.now(), message: 'kept' },
  ]);
  await service.stop?.();
  service = open();

  const groups = await call('DescribeLogGroups', {});

  expect(identity.attributes.Arn).toBe('arn:aws:logs:us-east-1:000000000000:log-group:group:*');
  expect(groups.body).toMatchObject({ logGroups: [{ logGroupName: 'group', retentionInDays: 1 }] });
  expect(messages(await filter({}))).toEqual(['kept']);
});

it('drops the oldest events of a group beyond its bounds', async () => {
  const count = GROUP_EVENTS_MAX + 1;
  service.write(
    'group',
    'one',
    Array.from({ length: count }, (_, index) => ({ timestampMs: index, message: `${index}` })),
  );
  service.write(
    'large',
    'one',
    Array.from({ length: 65 }, (_, index) => ({ timestampMs: index, message: 'x'.repeat(GROUP_BYTES_MAX / 64) })),
  );

  const kept = await filter({ limit: 1 });
  const large = await filter({ logGroupName: 'large' });

  expect(kept.events[0]?.timestamp).toBe(count - GROUP_EVENTS_MAX * 0.9);
  expect(large.events[0]?.timestamp).toBeGreaterThan(0);
});

it('names an operation that it does not have', async () => {
  const answer = await call('StartQuery', {});

  expect(answer.body).toMatchObject({ message: expect.stringContaining('StartQuery') });
});
