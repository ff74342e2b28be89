/**
 * Arithmetic on numbers of up to 38 significant digits, exact. Numbers are decimal texts without an exponent.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
 */
import { AwsError } from '../service.ts';

const DIGITS_MAX = 38;
/** Exponents of the first digit that a number may have. */
const EXPONENT_MAX = 125;
const EXPONENT_MIN = -130;

interface Decimal {
  readonly units: bigint;
  /** Digits after the point. */
  readonly scale: number;
}

function parse(text: string): Decimal {
  const [whole = '0', fraction = ''] = text.split('.');
  return { units: BigInt(whole + fraction), scale: fraction.length };
}

/** Both numbers in units of the finer one. */
function align(one: string, other: string): { readonly left: bigint; readonly right: bigint; readonly scale: number } {
  const [a, b] = [parse(one), parse(other)];
  const scale = Math.max(a.scale, b.scale);
  return {
    left: a.units * 10n ** BigInt(scale - a.scale),
    right: b.units * 10n ** BigInt(scale - b.scale),
    scale,
  };
}

export function compareNumbers(one: string, other: string): number {
  const { left, right } = align(one, other);
  return left < right ? -1 : Number(left > right);
}

/** @throws AwsError `ValidationException` for a result of more than 38 digits, or out of range */
export function addNumbers(one: string, other: string, sign: 1 | -1 = 1): string {
  const { left, right, scale } = align(one, other);
  return checked(format(left + BigInt(sign) * right, scale));
}

function format(units: bigint, scale: number): string {
  const sign = units < 0n ? '-' : '';
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${sign}${whole}${fraction && `.${fraction}`}`;
}

function checked(text: string): string {
  const exponent = firstExponent(text);
  if (exponent > EXPONENT_MAX)
    throw outOfRange('Number overflow. Attempting to store a number with magnitude larger than supported range');
  if (exponent < EXPONENT_MIN)
    throw outOfRange('Number underflow. Attempting to store a number with magnitude smaller than supported range');
  if (significantDigits(text) > DIGITS_MAX)
    throw outOfRange('Attempting to store more than 38 significant digits in a Number');
  return text;
}

function outOfRange(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

/** Exponent of the first significant digit; 0 for zero. */
function firstExponent(text: string): number {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  if (whole !== '0') return whole.length - 1;
  const zeros = fraction.search(/[1-9]/);
  return zeros < 0 ? 0 : -1 - zeros;
}

function significantDigits(text: string): number {
  return text.replace(/[-.]/g, '').replace(/^0+|0+$/g, '').length;
}

/** A byte for two significant digits and one beside; one more for a negative number. */
export function numberBytes(text: string): number {
  return 1 + Math.ceil(significantDigits(text) / 2) + (text.startsWith('-') ? 1 : 0);
}
