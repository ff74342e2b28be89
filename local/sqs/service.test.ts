import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import type { Properties, ResourceContext } from '../service.ts';
import { createSqsService } from './service.ts';

type Service = ReturnType<typeof createSqsService>;

const CONTEXT: ResourceContext = {
  logicalId: 'Queue',
  stackName: 'Stack',
  account: '000000000000',
  region: 'us-east-1',
};
const ARN = 'arn:aws:sqs:us-east-1:000000000000:subject';
const DEAD_ARN = 'arn:aws:sqs:us-east-1:000000000000:dead';

let folder: string;
let clock: Clock;
let service: Service;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sqs-'));
  open();
});

afterEach(async () => {
  await service.stop?.();
  clock.stop();
  rmSync(folder, { recursive: true });
});

function open(): void {
  clock = createClock();
  service = createSqsService({
    account: CONTEXT.account,
    region: CONTEXT.region,
    endpoint: 'http://127.0.0.1:4566',
    folder: () => folder,
    clock,
  });
}

async function reopen(): Promise<void> {
  await service.stop?.();
  clock.stop();
  open();
}

function declare(properties: Properties, context: Partial<ResourceContext> = {}): string {
  const kind = service.resourceKinds.find(({ type }) => type === 'AWS::SQS::Queue');
  const merged = { ...CONTEXT, ...context };
  const identity = kind?.identify(properties, merged);
  if (!kind?.create || !identity) throw new Error('no kind');
  void kind.create(properties, identity, merged);
  return identity.attributes.Arn ?? '';
}

/** A queue whose messages go to `dead` after `maxReceiveCount` receives. */
function declarePair(maxReceiveCount: number): void {
  declare({ QueueName: 'dead' });
  declare({ QueueName: 'subject', RedrivePolicy: { deadLetterTargetArn: DEAD_ARN, maxReceiveCount } });
}

const bodies = async (arn = ARN, messagesMax = 10, waitSeconds = 0): Promise<readonly string[]> =>
  (await service.receive(arn, messagesMax, waitSeconds)).map(({ body }) => body);

describe('a queue', () => {
  it('gives each message once while its visibility timeout lasts, and again when it has ended', async () => {
    declare({ QueueName: 'subject', VisibilityTimeout: 360 });
    await service.send(ARN, 'a');

    expect(await bodies()).toEqual(['a']);
    clock.advance(359_000);
    expect(await bodies()).toEqual([]);
    clock.advance(1_000);
    const [again] = await service.receive(ARN, 1, 0);

    expect(again).toMatchObject({ body: 'a', md5OfBody: '0cc175b9c0f1b6a831c399e269772661' });
    expect(again?.attributes).toMatchObject({ ApproximateReceiveCount: '2', SenderId: '000000000000' });
  });

  it('gives the attributes that a Lambda function gets', async () => {
    declare({ QueueName: 'subject' });
    const sentMs = clock.now();
    await service.send(ARN, 'a');
    clock.advance(5_000);

    const [message] = await service.receive(ARN, 1, 0);

    const { ApproximateReceiveCount, SentTimestamp, SenderId, ApproximateFirstReceiveTimestamp, ...rest } =
      message?.attributes ?? {};
    expect([ApproximateReceiveCount, SenderId, rest]).toEqual(['1', '000000000000', {}]);
    expect(Number(SentTimestamp) - sentMs).toBeLessThan(1_000);
    expect(Number(ApproximateFirstReceiveTimestamp) - sentMs).toBeGreaterThanOrEqual(5_000);
  });

  it('ends a wait at once when its signal is aborted, and gives what comes then to the next', async () => {
    declare({ QueueName: 'subject' });
    const stopping = new AbortController();
    const startedAt = performance.now();
    const first = service.receive(ARN, 10, 20, stopping.signal);
    const second = service.receive(ARN, 10, 20);

    stopping.abort();
    expect(await first).toEqual([]);
    await service.send(ARN, 'a');

    expect(await second).toMatchObject([{ body: 'a', attributes: { ApproximateReceiveCount: '1' } }]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await service.receive(ARN, 10, 20, stopping.signal)).toEqual([]);
  });

  it('tells until when each message is hidden', async () => {
    declare({ QueueName: 'subject', VisibilityTimeout: 360 });
    await service.send(ARN, 'a');
    const beforeMs = clock.now();

    const [message] = await service.receive(ARN, 10, 0);

    expect((message?.hiddenUntilMs ?? 0) - beforeMs).toBeGreaterThanOrEqual(360_000);
    expect((message?.hiddenUntilMs ?? 0) - clock.now()).toBeLessThanOrEqual(360_000);
  });

  it('keeps the order in which messages became visible', async () => {
    declare({ QueueName: 'subject' });
    for (let index = 0; index < 25; index++) await service.send(ARN, String(index));

    const all = [...(await bodies()), ...(await bodies()), ...(await bodies())];

    expect(all).toEqual(Array.from({ length: 25 }, (_, index) => String(index)));
  });

  it('delays messages by DelaySeconds of the shared clock', async () => {
    declare({ QueueName: 'subject', DelaySeconds: 60 });
    await service.send(ARN, 'a');

    expect(await bodies()).toEqual([]);
    expect(await service.depth(ARN)).toBe(0);
    clock.advance(60_000);

    expect(await bodies()).toEqual(['a']);
  });

  it('drops messages older than MessageRetentionPeriod', async () => {
    declare({ QueueName: 'subject', MessageRetentionPeriod: 60 });
    await service.send(ARN, 'a');
    clock.advance(60_000);

    expect(await service.depth(ARN)).toBe(0);
    expect(await bodies()).toEqual([]);
  });

  it('counts what is visible and what is in flight in its depth', async () => {
    declare({ QueueName: 'subject' });
    for (const body of ['a', 'b', 'c']) await service.send(ARN, body);
    const [first] = await service.receive(ARN, 1, 0);

    expect(await service.depth(ARN)).toBe(3);
    await service.delete(ARN, [first?.receiptHandle ?? '']);

    expect(await service.depth(ARN)).toBe(2);
  });

  it('makes released messages visible at once, whatever has become of others', async () => {
    declare({ QueueName: 'subject' });
    for (const body of ['a', 'b', 'c']) await service.send(ARN, body);
    const handles = (await service.receive(ARN, 10, 0)).map(({ receiptHandle }) => receiptHandle);
    await service.delete(ARN, handles.slice(0, 1));

    await service.release(ARN, handles);
    await service.release(ARN, handles);

    expect(await bodies()).toEqual(['b', 'c']);
  });

  it('deletes by the handle of the last receive only', async () => {
    declare({ QueueName: 'subject', VisibilityTimeout: 30 });
    await service.send(ARN, 'a');
    const [first] = await service.receive(ARN, 1, 0);
    clock.advance(30_000);
    const [second] = await service.receive(ARN, 1, 0);

    await service.delete(ARN, [first?.receiptHandle ?? '']);
    expect(await service.depth(ARN)).toBe(1);
    await service.delete(ARN, [second?.receiptHandle ?? '']);

    expect(await service.depth(ARN)).toBe(0);
  });

  it('refuses handles of another queue, unknown queues, and what no message may hold', async () => {
    declarePair(1);
    await service.send(ARN, 'a');
    const [message] = await service.receive(ARN, 1, 0);

    await expect(service.delete(DEAD_ARN, [message?.receiptHandle ?? ''])).rejects.toMatchObject({
      code: 'ReceiptHandleIsInvalid',
    });
    await expect(service.send(`${ARN}x`, 'a')).rejects.toMatchObject({ code: 'QueueDoesNotExist' });
    await expect(service.send(ARN, 'a\u0001')).rejects.toMatchObject({ code: 'InvalidMessageContents' });
    await expect(service.send(ARN, 'a\ud800')).rejects.toThrow('received U+D800 at 1');
    await expect(service.send(ARN, 'a'.repeat(1_048_577))).rejects.toThrow('shorter than 1048576 bytes');
    await expect(service.send(ARN, '')).rejects.toThrow('empty');
  });
});

describe('a receive that waits', () => {
  it('gets a message as it is sent', async () => {
    declare({ QueueName: 'subject' });
    const startedMs = performance.now();
    const waiting = bodies(ARN, 10, 20);
    await sleep(20);
    await service.send(ARN, 'a');

    expect(await waiting).toEqual(['a']);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('shares messages out among receives in the order in which they came', async () => {
    declare({ QueueName: 'subject' });
    const waiting = [bodies(ARN, 1, 20), bodies(ARN, 1, 20)];
    await service.send(ARN, 'a');
    await service.send(ARN, 'b');

    expect(await Promise.all(waiting)).toEqual([['a'], ['b']]);
  });

  it('wakes when the driven clock ends a delay or a visibility timeout', async () => {
    declare({ QueueName: 'subject', DelaySeconds: 900, VisibilityTimeout: 43_200 });
    await service.send(ARN, 'a');
    const delayed = bodies(ARN, 1, 20);
    clock.advance(900_000);
    expect(await delayed).toEqual(['a']);

    const hidden = bodies(ARN, 1, 20);
    clock.advance(43_200_000);

    expect(await hidden).toEqual(['a']);
  });

  it('wakes when a message is released, or moved to the dead-letter queue', async () => {
    declarePair(2);
    await service.send(ARN, 'a');
    const [first] = await service.receive(ARN, 1, 0);
    const again = service.receive(ARN, 1, 20);
    await service.release(ARN, [first?.receiptHandle ?? '']);
    const [second] = await again;
    const dead = bodies(DEAD_ARN, 1, 20);
    await service.release(ARN, [second?.receiptHandle ?? '']);
    expect(await bodies()).toEqual([]);

    expect(await dead).toEqual(['a']);
  });

  it('ends empty after its time, and at once when the service stops', async () => {
    declare({ QueueName: 'subject' });
    const startedMs = performance.now();
    expect(await bodies(ARN, 1, 1)).toEqual([]);
    expect(performance.now() - startedMs).toBeGreaterThan(900);

    const waiting = bodies(ARN, 1, 20);
    await reopen();

    expect(await waiting).toEqual([]);
  });
});

describe('the redrive policy', () => {
  it('moves a message to the dead-letter queue once it was received maxReceiveCount times', async () => {
    declarePair(3);
    const sentMs = clock.now();
    await service.send(ARN, 'a');
    for (let receive = 0; receive < 3; receive++) {
      expect(await bodies()).toEqual(['a']);
      clock.advance(30_000);
    }

    expect(await bodies()).toEqual([]);
    const [dead] = await service.receive(DEAD_ARN, 1, 0);

    expect(dead).toMatchObject({
      body: 'a',
      attributes: { DeadLetterQueueSourceArn: ARN, ApproximateReceiveCount: '4' },
    });
    expect(Number(dead?.attributes.SentTimestamp) - sentMs).toBeLessThan(1_000);
    expect([await service.depth(ARN), await service.depth(DEAD_ARN)]).toEqual([0, 1]);
  });

  it('leaves the others where they are', async () => {
    declarePair(1);
    await service.send(ARN, 'bad');
    await bodies();
    await service.send(ARN, 'good');
    clock.advance(30_000);

    expect(await bodies()).toEqual(['good']);
    expect(await bodies(DEAD_ARN)).toEqual(['bad']);
  });

  it('needs a dead-letter queue that is there and has no policy of its own', () => {
    const policy = (name: string) => ({
      deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
      maxReceiveCount: 1,
    });
    declarePair(1);

    expect(() => declare({ QueueName: 'first', RedrivePolicy: policy('absent') })).toThrow(
      /no dead-letter queue .*absent/,
    );
    expect(() => declare({ QueueName: 'second', RedrivePolicy: policy('subject') })).toThrow(
      'subject has a RedrivePolicy',
    );
  });
});

describe('messages outlive the service', () => {
  it('and come back with their times, bodies and receives', async () => {
    declarePair(5);
    await service.send(ARN, 'never received');
    await service.send(ARN, 'é\n\u{1F600}');
    const [first] = await service.receive(ARN, 1, 0);
    // In a later millisecond, so that it becomes visible after the other.
    await sleep(5);
    await service.release(ARN, [first?.receiptHandle ?? '']);

    await reopen();
    declarePair(5);
    const again = await service.receive(ARN, 10, 0);

    const seen = again.map(({ body, attributes }) => [body, attributes.ApproximateReceiveCount]);
    expect(seen).toEqual([
      ['é\n\u{1F600}', '1'],
      ['never received', '2'],
    ]);
  });

  it('and those in flight are visible again, without the receive that was cut off', async () => {
    declarePair(1);
    await service.send(ARN, 'a');
    const [held] = await service.receive(ARN, 1, 0);

    await reopen();
    declarePair(1);
    const [again] = await service.receive(ARN, 1, 0);

    expect(held?.messageId).toBe(again?.messageId);
    expect(again?.attributes.ApproximateReceiveCount).toBe('1');
  });

  it('even when the clock had been driven far ahead', async () => {
    declare({ QueueName: 'subject', DelaySeconds: 10 });
    clock.advance(86_400_000);
    await service.send(ARN, 'a');

    await reopen();
    declare({ QueueName: 'subject', DelaySeconds: 10 });
    expect(await bodies()).toEqual([]);
    clock.advance(10_000);

    expect(await bodies()).toEqual(['a']);
  });

  it('and are on disk when send returns, before its promise is waited for', async () => {
    const script = `
      import { createClock } from '${path.resolve('local/clock.ts')}';
      import { createSqsService } from '${path.resolve('local/sqs/service.ts')}';
      const environment = { account: '000000000000', region: 'us-east-1', endpoint: '', clock: createClock() };
      const service = createSqsService({ ...environment, folder: () => ${JSON.stringify(folder)} });
      const context = { ...environment, stackName: 'Stack', logicalId: 'Queue' };
      const [kind] = service.resourceKinds;
      const properties = { QueueName: 'subject' };
      kind.create(properties, kind.identify(properties, context), context);
      for (let index = 0; index < 100; index++) service.send('${ARN}', String(index));
      process.kill(process.pid, 'SIGKILL');
    `;
    await service.stop?.();
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
    const signal = await new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)));
    open();
    declare({ QueueName: 'subject' });

    expect(signal).toBe('SIGKILL');
    expect(await service.depth(ARN)).toBe(100);
  });
});

describe('AWS::SQS::Queue', () => {
  it('has the URL as its Ref, and the attributes that CloudFormation documents', () => {
    const [queue, policy] = service.resourceKinds;

    expect(queue?.identify({ QueueName: 'subject' }, CONTEXT)).toEqual({
      ref: 'http://127.0.0.1:4566/000000000000/subject',
      attributes: { Arn: ARN, QueueName: 'subject', QueueUrl: 'http://127.0.0.1:4566/000000000000/subject' },
    });
    expect(policy).toMatchObject({ type: 'AWS::SQS::QueuePolicy' });
    expect(policy?.create).toBeUndefined();
  });

  it('derives a name that is short enough and always the same', () => {
    const first = declare({}, { logicalId: 'Long'.repeat(30) });
    const second = declare({}, { logicalId: 'Long'.repeat(30) });

    expect(first).toBe(second);
    expect(first.split(':').at(-1)).toHaveLength(80);
  });

  it.each([
    ['a FIFO queue', { QueueName: 'a.fifo', FifoQueue: true }, /Queue .*FifoQueue: FIFO queues are not run locally/],
    ['a FIFO name', { QueueName: 'a.fifo' }, /QueueName: .*FIFO queues are not run locally, received "a.fifo"/],
    ['a timeout over 12 hours', { VisibilityTimeout: 43_201 }, /VisibilityTimeout/],
    ['a policy without a count', { RedrivePolicy: { deadLetterTargetArn: ARN } }, /RedrivePolicy.maxReceiveCount/],
  ])('refuses %s by name', (_name, properties, message) => {
    expect(() => declare(properties)).toThrow(message);
  });
});
