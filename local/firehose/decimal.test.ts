import { expect, it } from '@jest/globals';
import { normaliseDecimal } from './decimal.ts';

it.each([
  ['-1.23e1', '-12.3'],
  ['0012.3000', '12.3'],
  ['-0.00', '0'],
  ['5e-2', '0.05'],
  ['1.234', undefined],
  ['123456789', undefined],
  ['.', undefined],
])('%s is %s in a decimal(10,2)', (text, plain) => {
  expect(normaliseDecimal(text, 10, 2)).toBe(plain);
});

it('reads a number of as many digits as a record has at once', () => {
  const startedAt = performance.now();

  expect(normaliseDecimal(`0.${'0'.repeat(1_000_000)}1`, 10, 2)).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
