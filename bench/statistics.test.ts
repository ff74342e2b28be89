import { describe, expect, it } from '@jest/globals';
import { medianOf, quartilesOf } from './statistics.ts';

describe('order statistics', () => {
  it('take the middle, or what lies halfway between the two in the middle', () => {
    expect(medianOf([9, 1, 5])).toBe(5);
    expect(medianOf([4, 1, 3, 2])).toBe(2.5);
    expect(medianOf([7])).toBe(7);
  });

  it('give the quartiles, and leave the sample as it was', () => {
    const sample = [5, 4, 3, 2, 1];

    expect(quartilesOf(sample)).toEqual([2, 4]);
    expect(sample).toEqual([5, 4, 3, 2, 1]);
  });

  it('refuse an empty sample', () => {
    expect(() => medianOf([])).toThrow(RangeError);
  });
});
