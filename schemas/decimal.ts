/**
 * Decimals as text. The canonical form has exactly the declared scale, no leading zeros and no negative zero: `-1.50`.
 * On the wire Avro writes the unscaled integer, big-endian, in two's complement.
 */
import { DECIMAL_PRECISION_MAX, type DecimalType } from './avro-type.ts';

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
/** Characters that are read at all: `DECIMAL_PRECISION_MAX` digits with room for zeros, sign, point and exponent. */
const CHARACTERS_MAX = 4 * DECIMAL_PRECISION_MAX;

/**
 * @returns the canonical form; `undefined` when `value` is no decimal, or needs rounding to fit precision and scale
 */
export function canonicalDecimal(value: unknown, { precision, scale }: DecimalType): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > CHARACTERS_MAX) return undefined;
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  // Zeros to append so that the point stands `scale` digits before the end; negative means digits to drop.
  const shift = Number(exponent) - fraction.length + scale;
  if (digits === '') return decimalText(false, '', scale);
  if (shift >= 0)
    return digits.length + shift > precision ? undefined : decimalText(sign === '-', digits + '0'.repeat(shift), scale);
  if (-shift >= digits.length || !/^0+$/.test(digits.slice(shift))) return undefined;
  const kept = digits.slice(0, shift);
  return kept.length > precision ? undefined : decimalText(sign === '-', kept, scale);
}

function decimalText(negative: boolean, unscaled: string, scale: number): string {
  const digits = unscaled.padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return negative ? `-${text}` : text;
}

/** The canonical form of a wire decimal; `undefined` when it has more digits than declared, or no byte. */
export function decimalFromBytes(bytes: Uint8Array, { precision, scale }: DecimalType): string | undefined {
  if (bytes.length === 0) return undefined;
  let unscaled = 0n;
  for (const byte of bytes) unscaled = (unscaled << 8n) | BigInt(byte);
  unscaled = BigInt.asIntN(8 * bytes.length, unscaled);
  const negative = unscaled < 0n;
  const digits = String(negative ? -unscaled : unscaled);
  return digits.length > precision ? undefined : decimalText(negative, digits, scale);
}

/** The wire form of a canonical decimal: `size` bytes on fixed, else as few as hold it. */
export function decimalToBytes(text: string, { size }: DecimalType): Buffer {
  const unscaled = BigInt(text.replace('.', ''));
  const magnitude = unscaled < 0n ? -unscaled - 1n : unscaled;
  const bytes = size ?? Math.floor(magnitude.toString(2).length / 8) + 1;
  const hex = BigInt.asUintN(8 * bytes, unscaled)
    .toString(16)
    .padStart(2 * bytes, '0');
  return Buffer.from(hex, 'hex');
}
