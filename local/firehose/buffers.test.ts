import { expect, it } from '@jest/globals';
import { createClock } from '../clock.ts';
import { createBuffers } from './buffers.ts';
import type { Deliveries } from './deliveries.ts';
import type { Taken } from './intake.ts';
import type { Spool } from './spool.ts';
import type { ConversionThread } from './start-conversion-thread.ts';

const spool = (id: string): Spool => ({
  id,
  streamName: 'stream',
  content: 'rows',
  bucket: 'bucket',
  key: id,
  openedAtMs: 0,
  columns: [],
});

/** Buffers over a conversion thread that answers what it is told to. */
function setUp(answer: () => Taken) {
  const delivered: string[] = [];
  const clock = createClock();
  const thread: ConversionThread = { ask: async () => answer(), busy: () => false, stop: async () => undefined };
  const deliveries: Deliveries = {
    add: ({ id }) => void delivered.push(id),
    settle: async () => undefined,
    busy: () => false,
    stop: async () => undefined,
  };
  return { buffers: createBuffers(clock, thread, deliveries), clock, delivered };
}

it('delivers what was spooled once the conversion thread has ended, and nothing twice', async () => {
  let answer: Taken = { opened: [spool('a'), spool('b')], sealed: [] };
  const { buffers, clock, delivered } = setUp(() => answer);
  await buffers.take('stream', new Uint8Array(0), []);

  buffers.lost();
  answer = { opened: [], sealed: [] };
  clock.advance(1_000_000);
  await buffers.flush();

  expect(delivered).toEqual(['a', 'b']);
  clock.stop();
});

it('outlives a thread that ends while a buffer is closed by its age', async () => {
  let fails = false;
  const { buffers, clock, delivered } = setUp(() => {
    if (fails) throw new Error('The conversion thread of Firehose ended with code 1.');
    return { opened: [spool('a')], sealed: [] };
  });
  await buffers.take('stream', new Uint8Array(0), []);

  fails = true;
  clock.advance(1_000_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(buffers.busy()).toBe(false);
  buffers.lost();

  expect(delivered).toEqual(['a']);
  clock.stop();
});

it('refuses a put that the disk did not take, and still delivers the spool that it opened', async () => {
  let answer: Taken = { opened: [spool('a')], sealed: [], problem: 'ENOSPC' };
  const { buffers, clock, delivered } = setUp(() => answer);

  await expect(buffers.take('stream', new Uint8Array(0), [])).rejects.toThrow('ENOSPC');
  answer = { opened: [], sealed: ['a'] };
  await buffers.flush();

  expect(delivered).toEqual(['a']);
  clock.stop();
});
