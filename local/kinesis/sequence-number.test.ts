import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sequenceNumbers } from './sequence-number.ts';

const NOW_MS = Date.UTC(2026, 10, 23);
const numbers = sequenceNumbers({ shardIndex: 3, madeAtMs: NOW_MS });
const position = fc.integer({ min: 0, max: 2 ** 50 });

describe('a sequence number', () => {
  it('has 56 digits and begins with 49, as on AWS', () => {
    expect(numbers.at(0, NOW_MS)).toMatch(/^49\d{54}$/);
  });

  it('rises with the position, whatever the clock says', () => {
    fc.assert(
      fc.property(position, fc.nat(1e9), fc.nat(1e9), (at, laterMs, earlierMs) => {
        const before = numbers.at(at, NOW_MS + laterMs);
        expect(numbers.at(at + 1, NOW_MS - earlierMs) > before).toBe(true);
        expect(before > numbers.starting).toBe(true);
      }),
    );
  });

  it('is not the one before plus one', () => {
    expect(BigInt(numbers.at(1, NOW_MS)) - BigInt(numbers.at(0, NOW_MS))).toBeGreaterThan(1n);
  });

  it('leads back to its position, and to the one behind it', () => {
    fc.assert(
      fc.property(position, (at) => {
        const sequenceNumber = numbers.at(at, NOW_MS + (at % 1e9));
        expect(numbers.positionOf(sequenceNumber)).toBe(at);
        expect(numbers.positionAfter(sequenceNumber)).toBe(at + 1);
      }),
    );
  });

  it('is of its shard only', () => {
    const other = sequenceNumbers({ shardIndex: 4, madeAtMs: NOW_MS });

    expect(numbers.positionOf(other.at(7, NOW_MS))).toBeUndefined();
    expect(numbers.positionOf('12')).toBeUndefined();
  });

  it('of an earlier stream of the same name lies before all, of a later one behind all', () => {
    const earlier = sequenceNumbers({ shardIndex: 3, madeAtMs: NOW_MS - 1_000 });
    const later = sequenceNumbers({ shardIndex: 3, madeAtMs: NOW_MS + 1_000 });

    expect(numbers.positionAfter(earlier.at(1_000, NOW_MS))).toBe(0);
    expect(numbers.positionAfter('0')).toBe(0);
    expect(numbers.positionAfter(later.at(0, NOW_MS))).toBe(Number.MAX_SAFE_INTEGER);
    expect(numbers.positionAfter('9'.repeat(60))).toBe(Number.MAX_SAFE_INTEGER);
  });
});
