/**
 * Dates and timestamps as the OpenX JSON SerDe of Firehose reads them, normalised to `yyyy-MM-dd HH:mm:ss.ffffff` UTC.
 * Forms: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html. Numbers below 1e12 are epoch
 * seconds, others milliseconds; what is too far away overflows 64-bit nanoseconds as observed on AWS.
 */

const TEXT =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?|T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z)$/;
const NUMERIC = /^[+-]?\d+(\.\d+)?$/;
const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const SECONDS_BELOW = 1e12;
/** Fraction digits that Parquet TIMESTAMP_MICROS keeps; further ones are cut. */
const FRACTION_DIGITS_MAX = 6;

const ZERO = 48;
const NINE = 57;

/** True for `yyyy-MM-dd HH:mm:ss` with up to 6 fraction digits: no work is left to do. */
export function isPlainTimestamp(text: string): boolean {
  const length = text.length;
  if (length !== 19 && (length < 21 || length > 26)) return false;
  if (!isPlainDatePart(text)) return false;
  if (text.charCodeAt(10) !== 32 || text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return false;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (!(hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60)) return false;
  if (length === 19) return true;
  if (text.charCodeAt(19) !== 46) return false;
  for (let at = 20; at < length; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return true;
}

/** True for `yyyy-MM-dd`. */
export function isPlainDate(text: string): boolean {
  return text.length === 10 && isPlainDatePart(text);
}

/** Undefined when the value is no timestamp. */
export function normaliseTimestamp(value: string | number): string | undefined {
  if (typeof value === 'number') return fromEpoch(value);
  if (isPlainTimestamp(value)) return value;
  if (NUMERIC.test(value)) return fromEpoch(Number(value));
  const parts = TEXT.exec(value);
  if (!parts) return undefined;
  const [, year = '', month = '', day = ''] = parts;
  const [hour = '', minute = '', second = ''] = parts[4] === undefined ? parts.slice(8, 11) : parts.slice(4, 7);
  const fraction = (parts[7] ?? parts[11] ?? '').slice(0, FRACTION_DIGITS_MAX);
  const plain = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')} ${hour}:${minute}:${second}${fraction && `.${fraction}`}`;
  return isPlainTimestamp(plain) ? plain : undefined;
}

/** Undefined when the text is no date. */
export function normaliseDate(text: string): string | undefined {
  if (isPlainDate(text)) return text;
  const [, year = '', month = '', day = ''] = DATE.exec(text) ?? [];
  const plain = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return isPlainDate(plain) ? plain : undefined;
}

function fromEpoch(value: number): string | undefined {
  if (!Number.isFinite(value)) return undefined;
  const seconds = value < SECONDS_BELOW ? Math.trunc(value) : Math.trunc(value / 1000);
  const restMs = value < SECONDS_BELOW ? (value - seconds) * 1000 : value - seconds * 1000;
  const ns = BigInt.asIntN(64, BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(restMs * 1e6)));
  const micros = ns / 1000n - (ns % 1000n < 0n ? 1n : 0n);
  const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const text = new Date(Number(ms)).toISOString();
  const microsOfMs = String(micros - ms * 1000n).padStart(3, '0');
  return `${text.slice(0, 10)} ${text.slice(11, 23)}${microsOfMs}`;
}

function isPlainDatePart(text: string): boolean {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false;
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (!(century >= 0 && yearOfCentury >= 0 && month >= 1 && month <= 12 && day >= 1)) return false;
  const year = century * 100 + yearOfCentury;
  return year > 0 && (day <= 28 || day <= daysOfMonth(year, month));
}

export function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Two digits as a number; negative when one is no digit. */
function twoDigits(text: string, at: number): number {
  const first = text.charCodeAt(at);
  const second = text.charCodeAt(at + 1);
  return isDigit(first) && isDigit(second) ? (first - ZERO) * 10 + second - ZERO : -1;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
