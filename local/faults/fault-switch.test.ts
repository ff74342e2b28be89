import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Clock, createClock } from '../clock.ts';
import { FaultSwitch } from './fault-switch.ts';

let clock: Clock;
let faults: FaultSwitch;

beforeEach(() => {
  clock = createClock();
  const handle = Object.assign(async () => ({ status: 200 }), { operations: ['Read', 'Write', 'WriteBatch'] });
  faults = new FaultSwitch({ scope: 'subject', clock, handle: () => handle, batches: ['WriteBatch'] });
});

afterEach(() => clock.stop());

const act = async () => 'answer';
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  return (
    (await Promise.race([promise.catch(() => undefined), new Promise((r) => setTimeout(r, 20, pending))])) !== pending
  );
};

describe('a fault switch', () => {
  it('draws nothing for what cannot happen', async () => {
    const random = jest.fn(() => 0);
    faults.set({ errorRate: 0, lostAnswerRate: 0.5 }, random);

    await expect(faults.around('Write', act)).rejects.toMatchObject({ code: 'InternalFailure', status: 500 });

    expect(random).toHaveBeenCalledTimes(1);
  });

  it('fails about as many requests as its rate says', async () => {
    faults.set({ errorRate: 0.3, seed: 1 });
    let failed = 0;
    for (let count = 0; count < 2_000; count++) await faults.around('Write', act).catch(() => failed++);

    expect(failed / 2_000).toBeCloseTo(0.3, 1);
  });

  it('hands over an answer that is lost, so that what it holds is let go', async () => {
    const discard = jest.fn();
    faults.set({ lostAnswerRate: 1 });

    await expect(faults.around('Write', act, { discard })).rejects.toThrow();

    expect(discard).toHaveBeenCalledWith('answer');
  });

  it('leaves a request that names no operation alone when operations are named', async () => {
    faults.set({ errorRate: 1, operations: ['Write'] });

    await expect(faults.around(undefined, act)).resolves.toBe('answer');
  });

  it('rejects entries of its batches only', () => {
    faults.set({ partialRate: 1 });

    expect(['Read', 'Write', 'WriteBatch'].map((operation) => faults.rejects(operation))).toEqual([false, false, true]);
  });

  it('draws a latency from its range', async () => {
    faults.set({ latencyMs: { min: 1_000, max: 3_000 } }, () => 0.5);
    const answer = faults.around('Write', act);

    clock.advance(1_900);
    expect(await settled(answer)).toBe(false);
    clock.advance(200);
    await expect(answer).resolves.toBe('answer');
  });

  it('does nothing for a client that goes away while it waits', async () => {
    const gone = new AbortController();
    const done = jest.fn(act);
    faults.set({ latencyMs: 60_000 });
    const answer = faults.around('Write', done, { signal: gone.signal });

    gone.abort();

    await expect(answer).rejects.toMatchObject({ code: 'RequestTimeout' });
    expect(done).not.toHaveBeenCalled();
  });

  it('lets requests that wait go on when it is cleared', async () => {
    faults.set({ latencyMs: 60_000, errorRate: 1 });
    const answer = faults.around('Write', act);

    faults.clear();

    await expect(answer).resolves.toBe('answer');
    expect(faults.settings).toBeUndefined();
  });
});

describe('settings', () => {
  it.each<[unknown, string]>([
    [{ errorRate: 1.5 }, 'subject.errorRate: a number from 0 to 1 is allowed, received 1.5'],
    [{ errorRate: '1' }, 'subject.errorRate: a number from 0 to 1 is allowed, received "1"'],
    [{ latencyMs: 60_001 }, 'subject.latencyMs: a number of milliseconds from 0 to 60000, or {"min", "max"} of such,'],
    [{ latencyMs: { min: 2, max: 1 } }, 'received {"min":2,"max":1}'],
    [{ latencyMs: { min: 2 } }, 'received {"min":2}'],
    [{ seed: 1.5 }, 'subject.seed: a whole number is allowed, received 1.5'],
    [{ operations: ['Wirte'] }, 'operations of subject (Read, Write, WriteBatch) is allowed, received ["Wirte"]'],
    [{ operations: [] }, 'received []'],
    [{ rate: 1 }, 'subject has no rate: allowed are errorRate, throttleRate, latencyMs, lostAnswerRate, partialRate,'],
    [{ killRate: 1 }, 'subject.killRate: this service has no such fault'],
    [[], 'subject: an object of errorRate, '],
    [
      { partialRate: 1, operations: ['Write'] },
      'subject.partialRate takes one of WriteBatch among the operations, received ["Write"]',
    ],
  ])('%j are refused in words', (given, message) => {
    expect(() => faults.check(given)).toThrow(expect.objectContaining({ message: expect.stringContaining(message) }));
  });

  it('that are refused leave what is on as it was', () => {
    faults.set({ errorRate: 1 });

    expect(() => faults.set({ errorRate: 2 })).toThrow();

    expect(faults.settings).toEqual({ errorRate: 1 });
  });

  it('of a service without batches have no partialRate', () => {
    const handle = async () => ({ status: 200 });
    const single = new FaultSwitch({ scope: 'single', clock, handle: () => handle });

    expect(() => single.set({ partialRate: 1 })).toThrow('single.partialRate: this service has no such fault');
  });
});
