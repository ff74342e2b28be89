/** Scans of single JSON values in bytes of valid UTF-8: the position behind the value, or -1 for any other form. */
import { daysOfMonth } from './timestamp.ts';

const NO = -1;
const QUOTE = 34;
const BACKSLASH = 92;
const MINUS = 45;
const POINT = 46;
const COLON = 58;
const SPACE = 32;
const ZERO = 48;
/** Digits that every double holds exactly. */
const SAFE_DIGITS_MAX = 15;
const DATE_BYTES = 10;
const FRACTION_DIGITS_MAX = 6;

const INTEGER_BOUNDS = {
  tinyint: 2 ** 7,
  smallint: 2 ** 15,
  int: 2 ** 31,
  bigint: 10 ** SAFE_DIGITS_MAX,
} as const;

/** A string without escapes. */
export function scanString(bytes: Buffer, from: number): number {
  if (bytes[from] !== QUOTE) return NO;
  for (let at = from + 1; ; at++) {
    const code = bytes[at] ?? 0;
    if (code === QUOTE) return at + 1;
    if (code < SPACE || code === BACKSLASH) return NO;
  }
}

export function scanBoolean(bytes: Buffer, at: number): number {
  if (bytes[at] === 116) return bytes[at + 1] === 114 && bytes[at + 2] === 117 && bytes[at + 3] === 101 ? at + 4 : NO;
  const isFalse =
    bytes[at] === 102 &&
    bytes[at + 1] === 97 &&
    bytes[at + 2] === 108 &&
    bytes[at + 3] === 115 &&
    bytes[at + 4] === 101;
  return isFalse ? at + 5 : NO;
}

export function scanInteger(kind: keyof typeof INTEGER_BOUNDS): (bytes: Buffer, from: number) => number {
  const bound = INTEGER_BOUNDS[kind];
  return (bytes, from) => {
    const negative = bytes[from] === MINUS;
    const start = negative ? from + 1 : from;
    const end = scanDigits(bytes, start);
    if (end < 0) return NO;
    let value = 0;
    for (let at = start; at < end; at++) value = value * 10 + digit(bytes, at);
    return value < bound || (negative && value === bound) ? end : NO;
  };
}

/** A number without exponent, small enough for single precision too. */
export function scanFloat(bytes: Buffer, from: number): number {
  const end = scanDigits(bytes, bytes[from] === MINUS ? from + 1 : from);
  if (end < 0 || bytes[end] !== POINT) return end;
  let at = end + 1;
  while (isDigit(bytes, at)) at++;
  return at > end + 1 ? at : NO;
}

/** `"yyyy-MM-dd"` */
export function scanDate(bytes: Buffer, from: number): number {
  if (bytes[from] !== QUOTE || !isDate(bytes, from + 1)) return NO;
  return bytes[from + 1 + DATE_BYTES] === QUOTE ? from + DATE_BYTES + 2 : NO;
}

/** `"yyyy-MM-dd HH:mm:ss"` with up to 6 fraction digits */
export function scanTimestamp(bytes: Buffer, from: number): number {
  if (bytes[from] !== QUOTE || !isDate(bytes, from + 1)) return NO;
  const time = from + 1 + DATE_BYTES;
  if (bytes[time] !== SPACE || bytes[time + 3] !== COLON || bytes[time + 6] !== COLON) return NO;
  const isTime =
    below(twoDigits(bytes, time + 1), 24) &&
    below(twoDigits(bytes, time + 4), 60) &&
    below(twoDigits(bytes, time + 7), 60);
  if (!isTime) return NO;
  let at = time + 9;
  if (bytes[at] === QUOTE) return at + 1;
  if (bytes[at] !== POINT) return NO;
  const fraction = ++at;
  while (isDigit(bytes, at)) at++;
  const digits = at - fraction;
  return bytes[at] === QUOTE && digits > 0 && digits <= FRACTION_DIGITS_MAX ? at + 1 : NO;
}

/** Digits as JSON allows them: no zero in front of others. */
function scanDigits(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes, at)) at++;
  const digits = at - start;
  if (digits === 0 || digits > SAFE_DIGITS_MAX || (digits > 1 && bytes[start] === ZERO)) return NO;
  return at;
}

function isDate(bytes: Buffer, at: number): boolean {
  if (bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) return false;
  const century = twoDigits(bytes, at);
  const yearOfCentury = twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return false;
  const year = century * 100 + yearOfCentury;
  return year > 0 && (day <= 28 || day <= daysOfMonth(year, month));
}

function below(value: number, bound: number): boolean {
  return value >= 0 && value < bound;
}

/** Negative when one is no digit. */
function twoDigits(bytes: Buffer, at: number): number {
  return isDigit(bytes, at) && isDigit(bytes, at + 1) ? digit(bytes, at) * 10 + digit(bytes, at + 1) : NO;
}

function digit(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) - ZERO;
}

function isDigit(bytes: Buffer, at: number): boolean {
  const code = bytes[at] ?? 0;
  return code >= ZERO && code <= ZERO + 9;
}
