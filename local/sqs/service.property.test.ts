import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createClock } from '../clock.ts';
import { createSqsService } from './service.ts';

const CONTEXT = { logicalId: 'Queue', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };
const ARN = 'arn:aws:sqs:us-east-1:000000000000:subject';
const DEAD_ARN = 'arn:aws:sqs:us-east-1:000000000000:dead';
const VISIBILITY_TIMEOUT_MS = 30_000;
const RECEIVES_MAX = 3;

type Step =
  | { readonly do: 'send' }
  | { readonly do: 'receive'; readonly messagesMax: number }
  | { readonly do: 'delete' | 'release'; readonly pick: number }
  | { readonly do: 'advance'; readonly seconds: number }
  | { readonly do: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ do: 'send' }),
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((messagesMax): Step => ({ do: 'receive', messagesMax })) },
  fc.nat().map((pick): Step => ({ do: 'delete', pick })),
  { weight: 3, arbitrary: fc.nat().map((pick): Step => ({ do: 'release', pick })) },
  { weight: 3, arbitrary: fc.constantFrom(10, 30).map((seconds): Step => ({ do: 'advance', seconds })) },
  fc.constant<Step>({ do: 'restart' }),
);

function open(folder: string) {
  const clock = createClock();
  const service = createSqsService({ ...CONTEXT, endpoint: '', folder: () => folder, clock });
  const [kind] = service.resourceKinds;
  const VisibilityTimeout = VISIBILITY_TIMEOUT_MS / 1000;
  const RedrivePolicy = { deadLetterTargetArn: DEAD_ARN, maxReceiveCount: RECEIVES_MAX };
  for (const properties of [
    { QueueName: 'dead', VisibilityTimeout },
    { QueueName: 'subject', VisibilityTimeout, RedrivePolicy },
  ]) {
    void kind?.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
  }
  return { clock, service };
}

/** What is known from outside of a message that was received: when it is visible again lies between two times. */
interface Held {
  readonly handle: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

class Run {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'sqs-'));
  #at = open(this.#folder);
  #sent = 0;
  readonly #deleted = new Set<string>();
  readonly #held = new Map<string, Held>();

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'send':
        return this.#at.service.send(ARN, String(this.#sent++));
      case 'receive':
        return void (await this.#receive(step.messagesMax));
      case 'advance':
        return this.#at.clock.advance(step.seconds * 1000);
      case 'restart':
        return this.#restart();
      case 'delete':
      case 'release':
        return this.#settle(step.do, step.pick);
    }
  }

  async #receive(messagesMax: number): Promise<readonly string[]> {
    const { clock, service } = this.#at;
    const startedMs = clock.now();
    const messages = await service.receive(ARN, messagesMax, 0);
    const endedMs = clock.now();
    // These have gone to the dead-letter queue, where their handles are worth nothing.
    for (const [body, { toMs, count }] of this.#held)
      if (count >= RECEIVES_MAX && toMs <= startedMs) this.#held.delete(body);
    for (const { body, receiptHandle: handle, attributes } of messages) {
      const before = this.#held.get(body);
      const count = (before?.count ?? 0) + 1;
      expect(this.#deleted).not.toContain(body);
      expect(before?.fromMs ?? 0).toBeLessThanOrEqual(endedMs);
      expect(count).toBeLessThanOrEqual(RECEIVES_MAX);
      expect(attributes.ApproximateReceiveCount).toBe(String(count));
      const fromMs = startedMs + VISIBILITY_TIMEOUT_MS;
      this.#held.set(body, { handle, fromMs, toMs: endedMs + VISIBILITY_TIMEOUT_MS, count });
    }
    return messages.map(({ body }) => body);
  }

  async #settle(how: 'delete' | 'release', pick: number): Promise<void> {
    const [body, held] = [...this.#held][pick % Math.max(1, this.#held.size)] ?? [];
    if (body === undefined || !held) return;
    const { clock, service } = this.#at;
    const startedMs = clock.now();
    await service[how](ARN, [held.handle]);
    if (how === 'delete') {
      this.#deleted.add(body);
      this.#held.delete(body);
    } else if (held.toMs > startedMs) this.#held.set(body, { ...held, fromMs: startedMs, toMs: clock.now() });
  }

  /** The clock is back at real time. Whoever held a message is gone: it is visible, and that receive does not count. */
  async #restart(): Promise<void> {
    await this.close();
    const startedMs = Date.now();
    this.#at = open(this.#folder);
    for (const [body, held] of this.#held) {
      if (held.toMs > startedMs) this.#held.set(body, { ...held, fromMs: 0, toMs: startedMs, count: held.count - 1 });
    }
  }

  /** Empties both queues. */
  async drain(): Promise<readonly string[]> {
    const { clock, service } = this.#at;
    const found: string[] = [];
    clock.advance(VISIBILITY_TIMEOUT_MS);
    for (let more = await this.#receive(10); more.length > 0; more = await this.#receive(10)) found.push(...more);
    for (;;) {
      const dead = await service.receive(DEAD_ARN, 10, 0);
      if (dead.length === 0) return found;
      found.push(...dead.map(({ body }) => body));
    }
  }

  /** What was sent and not deleted. */
  get alive(): readonly string[] {
    return Array.from({ length: this.#sent }, (_, index) => String(index)).filter((body) => !this.#deleted.has(body));
  }

  async close(): Promise<void> {
    await this.#at.service.stop?.();
    this.#at.clock.stop();
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

it('neither loses nor repeats a message, over any order of calls, passing time and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const run = new Run();
      try {
        for (const one of steps) await run.take(one);
        const found = await run.drain();

        expect([...found].sort()).toEqual([...run.alive].sort());
      } finally {
        await run.close();
        run.remove();
      }
    }),
    { numRuns: 40 },
  );
});
