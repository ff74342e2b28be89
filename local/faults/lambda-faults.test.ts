import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it, jest } from '@jest/globals';
import { LambdaFaults } from './lambda-faults.ts';

let faults: LambdaFaults;

beforeEach(() => {
  const clock = { after: () => ({ cancel: () => undefined }) };
  faults = new LambdaFaults({ scope: 'lambda', clock, handle: () => async () => ({ status: 200 }) });
});

/** An invocation of that length; gives whether it was killed. */
async function invoke(functionName: string, durationMs: number): Promise<boolean> {
  const kill = jest.fn();
  const end = faults.arm(functionName, kill);
  await sleep(durationMs);
  end();
  return kill.mock.calls.length > 0;
}

it('kills at a moment within the time that the last invocation took', async () => {
  await invoke('slow', 60);
  // Drawn are whether, and when: late in the invocation.
  const draws = [0, 0.5, 0, 0.5];
  faults.set({ killRate: 0.5 }, () => draws.shift() ?? 1);

  expect(await invoke('slow', 10)).toBe(false);
  expect(await invoke('slow', 60)).toBe(true);
});

it('kills none that is drawn otherwise, and none of other functions', async () => {
  faults.set({ killRate: 0.5, functions: ['subject'] }, () => 0.9);
  expect(await invoke('subject', 120)).toBe(false);

  faults.set({ killRate: 1, functions: ['subject'] }, () => 0);
  expect(await invoke('other', 20)).toBe(false);
  expect(await invoke('subject', 20)).toBe(true);
});

it('kills one invocation by an order, until it is taken back', async () => {
  faults.killAt({ invocation: 2, afterMs: 1 });
  expect([await invoke('a', 20), await invoke('a', 20), await invoke('a', 20)]).toEqual([false, true, false]);

  faults.killAt({ invocation: 1, afterMs: 1 });
  faults.clear();
  expect(await invoke('a', 20)).toBe(false);
});
