import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyBytes } from './item-key.ts';
import { addNumbers, compareNumbers, numberBytes } from './number-attribute.ts';

/** Decimals of up to 18 digits, whose sums have fewer than 38. */
const decimal = fc
  .record({ units: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), scale: fc.nat(12) })
  .map(({ units, scale }) => ({ units: units * 10n ** BigInt(12 - scale), text: textOf(units, scale) }));

function textOf(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const whole = digits.slice(0, digits.length - scale);
  return `${units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

it('adds, subtracts and compares as integers of the finest unit do', () => {
  fc.assert(
    fc.property(decimal, decimal, (one, other) => {
      expect(addNumbers(one.text, other.text)).toBe(textOf(one.units + other.units, 12));
      expect(addNumbers(one.text, other.text, -1)).toBe(textOf(one.units - other.units, 12));
      expect(Math.sign(compareNumbers(one.text, other.text))).toBe(
        Number(one.units > other.units) - Number(one.units < other.units),
      );
    }),
  );
});

it('keys sort as their numbers do', () => {
  fc.assert(
    fc.property(decimal, decimal, (one, other) => {
      const order = Buffer.compare(keyBytes({ N: one.text }), keyBytes({ N: other.text }));
      expect(order).toBe(Math.sign(compareNumbers(one.text, other.text)));
    }),
  );
});

it.each([
  ['9'.repeat(38), '1', `1${'0'.repeat(38)}`],
  ['0.1', '-0.1', '0'],
  [`1${'0'.repeat(125)}`, `-1${'0'.repeat(125)}`, '0'],
])('%s and %s make %s', (one, other, sum) => {
  expect(addNumbers(one, other)).toBe(sum);
});

it('refuses a sum out of range', () => {
  const greatest = `${'9'.repeat(38)}${'0'.repeat(88)}`;

  expect(() => addNumbers(greatest, greatest)).toThrow('Number overflow');
  expect(() => addNumbers('1', `0.${'0'.repeat(37)}1`)).toThrow('more than 38 significant digits');
});

it.each([
  ['0', 1],
  ['7', 2],
  ['-7', 3],
  ['12300', 3],
  ['0.00123', 3],
])('%s has %i bytes', (text, bytes) => {
  expect(numberBytes(text)).toBe(bytes);
});
