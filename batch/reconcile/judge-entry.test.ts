import { describe, expect, test } from '@jest/globals';
import { judgeEntry, type TapePlace } from './judge-entry.ts';
import type { ParkedRange } from './parked-ranges.ts';

const at = (index: number): string => String(index).padStart(56, '0');
const place = (index: number): TapePlace => {
  return { position: at(index), fingerprint: 2 ** index, recordId: String(index), arrivedAtMs: 0 };
};
const places = (...indexes: readonly number[]) => indexes.map(place);
const entryOf = (...indexes: readonly number[]) => {
  return { records: indexes.length, fingerprint: indexes.reduce((sum, index) => sum + 2n ** BigInt(index), 0n) };
};
const parked = (from: number, to = from): ParkedRange => {
  const rest = { streamArn: '', shardId: '', records: to - from + 1, status: 'parked', hasPayload: true };
  return { key: `${from}-${to}`, from: at(from), to: at(to), ...rest };
};

describe('an entry of the journal against the tape', () => {
  test.each([
    ['the same', entryOf(1, 2, 3), [], 'same', 0],
    ['fewer on the tape', entryOf(1, 2, 3, 4), [], 'lacking', 1],
    ['more on the tape', entryOf(1, 2), [], 'more', 1],
    ['as many, but others', entryOf(1, 2, 4), [], 'differ', 0],
    ['more on the tape than one parked batch is', entryOf(1), [parked(2)], 'more', 2],
  ] as const)('is judged: %s', (_, entry, ranges, kind, count) => {
    expect(judgeEntry(entry, places(1, 2, 3), ranges)).toMatchObject({ kind, count });
  });

  test('counts what is parked where the fingerprint has it', () => {
    const verdict = judgeEntry(entryOf(1, 2, 3), places(1, 2, 3), [parked(2)]);

    expect(verdict).toMatchObject({ kind: 'same', leftOut: [], countedParked: [{ key: '2-2' }] });
  });

  test('leaves out what is parked where the fingerprint has it not', () => {
    const verdict = judgeEntry(entryOf(1, 3), places(1, 2, 3), [parked(2)]);

    expect(verdict).toMatchObject({ kind: 'same', leftOut: [at(2)], countedParked: [] });
  });

  test('does not take for counted what lies between the records of another parked batch', () => {
    const around = { ...parked(2, 4), records: 2 };

    const verdict = judgeEntry(entryOf(1, 5), places(1, 2, 3, 4, 5), [parked(3), around]);

    expect(verdict).toMatchObject({ kind: 'same', leftOut: [at(2), at(3), at(4)], countedParked: [] });
  });

  test('tells of several parked batches which are counted', () => {
    const verdict = judgeEntry(entryOf(1, 3, 4), places(1, 2, 3, 4, 5), [parked(2), parked(3), parked(5)]);

    expect(verdict).toMatchObject({ kind: 'same', leftOut: [at(2), at(5)], countedParked: [{ key: '3-3' }] });
  });

  test('is ambiguous where parked batches lie within it and no choice of them fits', () => {
    expect(judgeEntry(entryOf(1, 7), places(1, 2), [parked(2)])).toMatchObject({ kind: 'differ', isAmbiguous: true });
  });

  test.each([
    ['none', entryOf(...Array.from({ length: 20 }, (_, index) => index)), 0],
    ['all', entryOf(0), 19],
  ])('tries %s of very many parked batches', (_, entry, leftOut) => {
    const all = places(...Array.from({ length: 20 }, (__, index) => index));
    const many = Array.from({ length: 19 }, (__, index) => parked(index + 1));

    const verdict = judgeEntry(entry, all, many);

    expect([verdict.kind, verdict.leftOut.length]).toEqual(['same', leftOut]);
  });
});
