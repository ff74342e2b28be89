import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { temporaryFolder } from '../../test/support/local/running-kinesis.ts';
import { RecordCache } from './record-cache.ts';
import { encodeFrames } from './record-frame.ts';
import { ShardLog } from './shard-log.ts';

const ALL = { recordsMax: 10_000, bytesMax: 1e9 };

let temporary: ReturnType<typeof temporaryFolder>;
let warnings: string[];
const opened: ShardLog[] = [];

beforeEach(() => {
  temporary = temporaryFolder();
  warnings = [];
});

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
  temporary.remove();
});

function open({ folder = temporary.folder, cacheBytes = 0, segmentBytesMax = 1e9 } = {}): ShardLog {
  const cache = new RecordCache(cacheBytes).shard();
  const log = new ShardLog({ folder, cache, segmentBytesMax, warn: (line) => warnings.push(line) });
  opened.push(log);
  return log;
}

function append(log: ShardLog, records: readonly string[], arrivedAtMs = 1_000): Promise<number> {
  const entries = records.map((text) => ({
    partitionKey: `key-${text.slice(0, 20)}`,
    keyBytes: Buffer.byteLength(`key-${text.slice(0, 20)}`),
    data: Buffer.from(text).toString('base64'),
    dataBytes: Buffer.byteLength(text),
  }));
  return log.append(encodeFrames(entries, arrivedAtMs));
}

const read = (log: ShardLog, position = 0, limits = ALL): string[] =>
  log.read(position, limits).map((record) => record.data.toString());

const segmentFiles = (): string[] => readdirSync(temporary.folder).sort();
const lastFile = (): string => path.join(temporary.folder, segmentFiles().at(-1) ?? '');

describe('the log of a shard', () => {
  it.each([
    ['from memory', 1e9],
    ['from disk', 0],
    ['from both', 400],
  ])('gives back %s what was appended, in order', async (_name, cacheBytes) => {
    const log = open({ cacheBytes });

    await append(log, ['a', 'b'], 5);
    await append(log, ['c'], 6);

    expect(log.read(0, ALL)).toEqual([
      { position: 0, partitionKey: 'key-a', data: Buffer.from('a'), arrivedAtMs: 5 },
      { position: 1, partitionKey: 'key-b', data: Buffer.from('b'), arrivedAtMs: 5 },
      { position: 2, partitionKey: 'key-c', data: Buffer.from('c'), arrivedAtMs: 6 },
    ]);
    expect(log.end).toEqual({ position: 3, dataBytes: 3, arrivedAtMs: 6 });
  });

  it.each([0, 1e9])('ends a read at its limits, and gives one record at least (cache of %d)', async (cacheBytes) => {
    const log = open({ cacheBytes });
    await append(log, ['aaaa', 'bbbb', 'cccc']);

    expect(read(log, 0, { recordsMax: 2, bytesMax: 100 })).toEqual(['aaaa', 'bbbb']);
    expect(read(log, 1, { recordsMax: 10, bytesMax: 8 })).toEqual(['bbbb', 'cccc']);
    expect(read(log, 1, { recordsMax: 10, bytesMax: 7 })).toEqual(['bbbb']);
    expect(read(log, 1, { recordsMax: 10, bytesMax: 1 })).toEqual(['bbbb']);
    expect(read(log, 3)).toEqual([]);
  });

  it('keeps the order of calls, large ones written in the background and small ones at once', async () => {
    const log = open();
    const large = 'x'.repeat(200_000);

    await Promise.all([append(log, [large]), append(log, ['small']), append(log, [large, 'y']), append(log, ['last'])]);

    expect(read(log).map((text) => text.slice(0, 5))).toEqual(['xxxxx', 'small', 'xxxxx', 'y', 'last']);
  });

  it('goes on where it was after a restart', async () => {
    const first = open();
    await append(first, ['a', 'b'], 7);
    await first.close();

    const second = open();
    await append(second, ['c'], 8);

    expect(read(second)).toEqual(['a', 'b', 'c']);
    expect(second.end).toEqual({ position: 3, dataBytes: 3, arrivedAtMs: 8 });
    expect(warnings).toEqual([]);
  });

  it('loses no whole record to a write that was cut short at any byte', async () => {
    const first = open();
    await append(first, ['kept', 'kept too']);
    const wholeBytes = readFileSync(lastFile()).length;
    await append(first, ['torn']);
    await first.close();
    const content = readFileSync(lastFile());

    for (let bytes = content.length - 1; bytes > wholeBytes; bytes--) {
      writeFileSync(lastFile(), content.subarray(0, bytes));
      const log = open();
      expect(read(log)).toEqual(['kept', 'kept too']);
      await append(log, ['next']);
      expect(read(log)).toEqual(['kept', 'kept too', 'next']);
      expect(log.end.position).toBe(3);
      await log.close();
    }

    expect(warnings).toHaveLength(content.length - 1 - wholeBytes);
  });

  it('drops what is no record behind the last whole one, and says so', async () => {
    const first = open();
    await append(first, ['kept']);
    await first.close();
    appendFileSync(lastFile(), 'x'.repeat(100));

    expect(read(open())).toEqual(['kept']);
    expect(warnings).toEqual([expect.stringContaining('dropped 100 bytes')]);
  });

  it('begins anew a segment whose header was cut short', async () => {
    const first = open({ segmentBytesMax: 1 });
    await append(first, ['a']);
    await append(first, ['b']);
    await first.close();
    truncateSync(lastFile(), 10);

    const second = open({ segmentBytesMax: 1 });
    await append(second, ['c']);

    expect(read(second)).toEqual(['a', 'c']);
  });

  it('tells of a segment in the middle that is damaged instead of passing over its records', async () => {
    const first = open({ segmentBytesMax: 1 });
    for (const text of ['a', 'b', 'c']) await append(first, [text]);
    await first.close();
    truncateSync(path.join(temporary.folder, segmentFiles()[1] ?? ''), 40);

    expect(() => read(open())).toThrow('record 1 is missing');
  });
});

describe('trimming', () => {
  it('drops records that arrived before a time, and segments without others', async () => {
    const log = open({ segmentBytesMax: 1 });
    await append(log, ['a', 'b'], 10);
    await append(log, ['c'], 20);
    await append(log, ['d'], 30);

    log.trim(20);

    expect(read(log)).toEqual(['c', 'd']);
    expect([log.firstPosition, log.end.position, segmentFiles().length]).toEqual([2, 4, 2]);
  });

  it('drops part of a segment', async () => {
    const log = open();
    await append(log, ['a'], 10);
    await append(log, ['b'], 20);

    log.trim(15);

    expect(read(log)).toEqual(['b']);
    expect(log.oldestArrivalMs()).toBe(20);
  });

  it('of everything frees the disk, and positions go on rising, also after a restart', async () => {
    const first = open();
    await append(first, ['a', 'b'], 10);
    first.trim(11);
    await first.close();

    const second = open();
    const position = await append(second, ['c'], 20);

    expect(segmentFiles()).toHaveLength(1);
    expect([position, second.end.position, second.end.dataBytes]).toEqual([2, 3, 3]);
    expect(read(second)).toEqual(['c']);
  });

  it('waits for a write that is under way', async () => {
    const log = open();
    await append(log, ['old'], 10);
    const written = append(log, ['x'.repeat(500_000)], 20);

    log.trim(15);
    await written;

    expect(read(log)[0]).toHaveLength(500_000);
  });
});

it('finds the first record at or after a time', async () => {
  const log = open({ segmentBytesMax: 1 });
  for (const arrivedAtMs of [10, 20, 30]) await append(log, ['x', 'y'], arrivedAtMs);

  expect([0, 10, 11, 20, 30, 31].map((timeMs) => log.positionAt(timeMs))).toEqual([0, 0, 2, 2, 4, 6]);
});

it('loses and repeats nothing over appends, restarts, trims and reads of any size', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ append: fc.array(fc.nat(300), { minLength: 1, maxLength: 8 }) }) },
    { weight: 1, arbitrary: fc.constant({ restart: true }) },
    { weight: 1, arbitrary: fc.record({ trimTo: fc.nat(40) }) },
  );
  const settings = fc.record({ cacheBytes: fc.nat(3_000), segmentBytesMax: fc.integer({ min: 1, max: 2_000 }) });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      settings,
      fc.integer({ min: 1, max: 9 }),
      async (steps, given, page) => {
        const folder = path.join(temporary.folder, String(runs++));
        let log = open({ folder, ...given });
        const model: { text: string; atMs: number }[] = [];
        let first = 0;
        let now = 0;
        for (const each of steps) {
          if ('append' in each) {
            now++;
            const records = each.append.map((size, index) => `${model.length + index}:${'x'.repeat(size)}`);
            model.push(...records.map((text) => ({ text, atMs: now })));
            await append(log, records, now);
          } else if ('trimTo' in each) {
            log.trim(each.trimTo);
            while (first < model.length && (model[first]?.atMs ?? 0) < each.trimTo) first++;
          } else {
            await log.close();
            log = open({ folder, ...given });
          }
        }
        log.trim(model[first]?.atMs ?? now + 1);
        const seen: string[] = [];
        for (let next = 0, more = true; more; ) {
          const records = log.read(next, { recordsMax: page, bytesMax: 500 });
          seen.push(...records.map((record) => record.data.toString()));
          more = records.length > 0;
          next = (records.at(-1)?.position ?? 0) + 1;
        }
        expect(seen).toEqual(model.slice(first).map(({ text }) => text));
        expect(log.end.position).toBe(model.length);
        await log.close();
      },
    ),
    { numRuns: 60 },
  );
});
