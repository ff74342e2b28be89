import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { padSequence, type StreamRecord } from '../position.ts';
import { playTape, type TapeConflict, type TapeObject } from './play-tape.ts';
import { formatTapeKey, type TapeSpan } from './tape-key.ts';
import { encodeTape } from './tape-object.ts';

const SHARD = 'shardId-000000000003';
const FIRST_SEQUENCE = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n;
/** Positions have gaps, as those of Kinesis do. */
const sequence = (index: number) => String(FIRST_SEQUENCE + BigInt(index * 7));
const record = (index: number): StreamRecord => ({
  shardId: SHARD,
  sequenceNumber: sequence(index),
  partitionKey: `key-${index}`,
  data: Buffer.from([index & 255, 0, 255]),
  arrivedAtMs: 1_764_000_000_000 + index,
});
const recordsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => record(first + i));

const spanOf = (records: readonly StreamRecord[]): TapeSpan => ({
  streamName: 'stream',
  createdAtMs: 1_700_000_000_000,
  shardId: SHARD,
  first: records[0]?.sequenceNumber ?? '',
  last: records.at(-1)?.sequenceNumber ?? '',
  hour: '2026-11-25T07',
});
const objectOf = (records: readonly StreamRecord[], span: Partial<TapeSpan> = {}): TapeObject => ({
  key: formatTapeKey({ ...spanOf(records), ...span }),
  read: async () => encodeTape(records),
});

async function play(objects: readonly TapeObject[], onConflict?: (conflict: TapeConflict) => void) {
  return Array.fromAsync(playTape(objects, onConflict && { onConflict }));
}

/** How Lambda may cut what a shard holds: batches one behind the other, each tried again, whole, bisected, or from a later record. */
const invocations = fc
  .array(fc.record({ count: fc.integer({ min: 1, max: 12 }), cuts: fc.array(fc.nat({ max: 12 }), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((batches) => {
    const spans: [first: number, end: number][] = [];
    let first = 0;
    for (const { count, cuts } of batches) {
      const end = first + count;
      spans.push([first, end]);
      for (const cut of cuts.map((at) => first + (at % count))) {
        if (cut > first) spans.push([first, cut]);
        // The rest goes on with records that the first attempt did not have.
        spans.push([cut, end + (cut % 3)]);
      }
      first = end;
    }
    return { spans, end: Math.max(...spans.map(([, last]) => last)) };
  });

describe('the tape of a shard', () => {
  test('is every position once, in order, however its batches were cut and tried again', async () => {
    await fc.assert(
      fc.asyncProperty(invocations, async ({ spans, end }) => {
        const objects = spans.map(([first, last]) => objectOf(recordsFrom(first, last - first)));

        const played = await play(objects.sort((a, b) => (a.key < b.key ? -1 : 1)));

        expect(played).toEqual(recordsFrom(0, end));
      }),
      { numRuns: 60 },
    );
  });

  test('is every position that any object has, where objects are missing', async () => {
    const span = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 }));
    await fc.assert(
      fc.asyncProperty(fc.array(span, { maxLength: 15 }), async (spans) => {
        const objects = spans.map(([first, count]) => objectOf(recordsFrom(first, count)));
        const held = new Set(spans.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i)));

        const played = await play(objects.sort((a, b) => (a.key < b.key ? -1 : 1)));

        expect(played).toEqual([...held].sort((a, b) => a - b).map(record));
      }),
      { numRuns: 60 },
    );
  });

  test('is read object by object, as its turn comes', async () => {
    const read: number[] = [];
    const listed: number[] = [];
    async function* objects() {
      for (const first of [0, 10, 20, 30]) {
        listed.push(first);
        const object = objectOf(recordsFrom(first, 10));
        yield {
          ...object,
          read: () => {
            read.push(first);
            return object.read();
          },
        };
      }
    }
    const tape = playTape(objects());
    await tape.next();

    // The second is known, so that it cannot begin before the first record; it is not read.
    expect({ read, listed }).toEqual({ read: [0], listed: [0, 10] });
  });

  test('has nothing where there are no objects', async () => {
    expect(await play([])).toEqual([]);
  });

  test.each([
    ['data', { data: Buffer.from('other') }],
    ['partition key', { partitionKey: 'other' }],
    ['arrival', { arrivedAtMs: 1 }],
  ])('says so when two objects differ at a position in %s', async (_, more) => {
    const objects = [objectOf(recordsFrom(0, 10)), objectOf([{ ...record(5), ...more }])];
    const conflicts: TapeConflict[] = [];

    const played = await play(objects, (conflict) => conflicts.push(conflict));

    const position = padSequence(sequence(5));
    const [given, other] = objects.map(({ key }) => key);
    expect(conflicts).toEqual([{ kind: 'differs', shardId: SHARD, position, given, other }]);
    expect(played).toEqual(recordsFrom(0, 10));
    await expect(play(objects)).rejects.toThrow(`the tape: at ${position}, ${other} holds another record`);
  });

  test.each([
    ['the earlier', [0, 1, 2, 4, 5], [2, 3, 4]],
    ['the later', [0, 1, 2, 3, 4], [1, 2, 4, 5]],
  ])('says so when %s of two objects lacks a position that it spans', async (_, first, second) => {
    const objects = [objectOf(first.map(record)), objectOf(second.map(record))];
    const conflicts: TapeConflict[] = [];

    const played = await play(objects, (conflict) => conflicts.push(conflict));

    expect(conflicts).toMatchObject([{ kind: 'missing', position: padSequence(sequence(3)) }]);
    expect(played).toEqual(recordsFrom(0, 6));
    await expect(play(objects)).rejects.toThrow('does not hold the record');
  });

  test.each<[string, readonly TapeObject[], string]>([
    ['out of order', [objectOf(recordsFrom(5, 2)), objectOf(recordsFrom(0, 2))], 'begins before the one before it'],
    [
      'of two shards',
      [objectOf(recordsFrom(0, 2)), objectOf(recordsFrom(5, 2), { shardId: 'shardId-000000000004' })],
      'the tape of stream/1700000000000/shardId-000000000003: received',
    ],
    [
      'of two streams of one name',
      [objectOf(recordsFrom(0, 2)), objectOf(recordsFrom(5, 2), { createdAtMs: 1_700_000_000_001 })],
      'the tape of stream/1700000000000/shardId-000000000003: received',
    ],
    ['of another kind', [{ ...objectOf(recordsFrom(0, 2)), key: 'tape/other' }], 'is no key of a tape object'],
    ['of other positions than their names', [objectOf(recordsFrom(0, 2), { last: sequence(2) })], 'its name says'],
    [
      'that are damaged, by name',
      [{ ...objectOf(recordsFrom(0, 2)), read: async () => Buffer.from('{}') }],
      `${objectOf(recordsFrom(0, 2)).key}: a tape object: received no whole gzip`,
    ],
    [
      'that overlap too often',
      Array.from({ length: 65 }, (_, i) => objectOf(recordsFrom(0, i + 1))),
      'more than 64 objects overlap',
    ],
  ])('refuses objects %s', async (_, objects, reason) => {
    await expect(play(objects)).rejects.toThrow(reason);
  });
});
