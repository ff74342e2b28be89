/**
 * Timestamps as text, on digits: `Date` costs several times as much, and accepts 2026-02-30. All times are UTC, of the
 * proleptic Gregorian calendar, from year 1 to 9999.
 */
import { dayFromText, dayText } from './calendar.ts';

/** 0001-01-01 00:00:00.000 and 9999-12-31 23:59:59.999: what four digits of a year can say. Epoch milliseconds. */
export const TIMESTAMP_MS_MIN = -62_135_596_800_000;
export const TIMESTAMP_MS_MAX = 253_402_300_799_999;

const DAY_MS = 86_400_000;
const ZERO = 0x30;

/** Bytes of `yyyy-MM-dd HH:mm:ss.SSS`. */
export const TIMESTAMP_BYTES = 23;
const DATE_BYTES = 10;

// Digits of the days written lately, by their low bits: a memo of a pure function. A record has times of several days
// (when it happened, was changed, arrived), and a batch has those of the records before it.
const DAYS_REMEMBERED = 64;
const rememberedDays = new Float64Array(DAYS_REMEMBERED).fill(Number.NaN);
const rememberedDigits = new Uint8Array(DAYS_REMEMBERED * DATE_BYTES);

const { isInteger } = Number;
const { fromCharCode } = String;

/**
 * Writes `TIMESTAMP_BYTES` ASCII characters at `at`: `yyyy-MM-dd HH:mm:ss.SSS`, the form that Firehose's OpenX reader
 * takes for a timestamp column.
 *
 * @param epochMs whole milliseconds from `TIMESTAMP_MS_MIN` to `TIMESTAMP_MS_MAX`
 * @throws RangeError outside
 */
export function writeTimestamp(epochMs: number, into: Uint8Array, at: number): void {
  if (!isInteger(epochMs) || epochMs < TIMESTAMP_MS_MIN || epochMs > TIMESTAMP_MS_MAX) throw outside(epochMs);
  const day = Math.floor(epochMs / DAY_MS);
  const digitsAt = digitsOfDay(day);
  for (let i = 0; i < DATE_BYTES; i += 1) into[at + i] = rememberedDigits[digitsAt + i] ?? ZERO;
  const ofDay = (epochMs - day * DAY_MS) | 0;
  const second = (ofDay / 1_000) | 0;
  const minute = (second / 60) | 0;
  const hour = (minute / 60) | 0;
  const ms = ofDay - second * 1_000;
  const hundreds = (ms / 100) | 0;
  into[at + 10] = 0x20;
  writeTwoDigits(hour, into, at + 11);
  into[at + 13] = 0x3a;
  writeTwoDigits(minute - hour * 60, into, at + 14);
  into[at + 16] = 0x3a;
  writeTwoDigits(second - minute * 60, into, at + 17);
  into[at + 19] = 0x2e;
  into[at + 20] = ZERO + hundreds;
  writeTwoDigits(ms - hundreds * 100, into, at + 21);
}

function writeTwoDigits(value: number, into: Uint8Array, at: number): void {
  const tens = (value / 10) | 0;
  into[at] = ZERO + tens;
  into[at + 1] = ZERO + value - tens * 10;
}

/** Where the digits of a day stand in `rememberedDigits`. */
function digitsOfDay(day: number): number {
  const slot = day & (DAYS_REMEMBERED - 1);
  const digitsAt = slot * DATE_BYTES;
  if (rememberedDays[slot] !== day) {
    const text = dayText(day);
    for (let i = 0; i < DATE_BYTES; i += 1) rememberedDigits[digitsAt + i] = text.charCodeAt(i);
    rememberedDays[slot] = day;
  }
  return digitsAt;
}

const digits = new Uint8Array(TIMESTAMP_BYTES);

/** The same as text. */
export function formatTimestamp(epochMs: number): string {
  writeTimestamp(epochMs, digits, 0);
  // `apply` and spread are several times slower, and joined pieces would be flattened whenever they are written.
  // biome-ignore format: as it is written
  return fromCharCode(
    ch(0), ch(1), ch(2), ch(3), ch(4), ch(5), ch(6), ch(7), ch(8), ch(9), ch(10), ch(11), ch(12), ch(13), ch(14),
    ch(15), ch(16), ch(17), ch(18), ch(19), ch(20), ch(21), ch(22),
  );
}

function ch(at: number): number {
  return digits[at] ?? 0;
}

function outside(epochMs: number): RangeError {
  return new RangeError(
    `timestamp: received ${epochMs}, allowed: whole milliseconds from ${TIMESTAMP_MS_MIN} to ${TIMESTAMP_MS_MAX}`,
  );
}

/** `2026-11-25T07`: the hour that a moment lies in, UTC. @param epochMs within the range of `formatTimestamp` */
export function formatHour(epochMs: number): string {
  return formatTimestamp(epochMs).slice(0, 13).replace(' ', 'T');
}

/**
 * Epoch milliseconds of `yyyy-MM-dd` or `yyyy/MM/dd`, then `T` or a space, `HH:mm`, `:ss` and up to nine fraction digits
 * if any, then `Z`, an offset such as `+02:00`, or nothing, which is UTC. Digits past the millisecond are cut off.
 *
 * @returns `undefined` for any other text, a day that does not exist, or a time outside the years 1 to 9999
 */
export function parseTimestamp(text: string): number | undefined {
  const parsed = parse(text);
  return parsed === undefined ? undefined : parsed.ms;
}

/** As `parseTimestamp`, in epoch microseconds; digits past the microsecond are cut off. */
export function parseTimestampMicros(text: string): number | undefined {
  const parsed = parse(text);
  return parsed === undefined ? undefined : parsed.ms * 1000 + parsed.microsOfMs;
}

// One result object is reused: parsing is synchronous, and its two readers above take the numbers out at once.
const result = { ms: 0, microsOfMs: 0 };

function parse(text: string): { readonly ms: number; readonly microsOfMs: number } | undefined {
  const day = dayFromText(text);
  const separator = text.charCodeAt(10);
  if (day === undefined || (separator !== 0x20 && separator !== 0x54)) return undefined;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  if (hour > 23 || minute > 59 || text.charCodeAt(13) !== 0x3a) return undefined;
  let at = 16;
  let second = 0;
  let nanos = 0;
  if (text.charCodeAt(at) === 0x3a) {
    second = twoDigits(text, 17);
    if (second > 59) return undefined;
    at = 19;
    if (text.charCodeAt(at) === 0x2e) {
      const end = fractionEnd(text, at + 1);
      if (end === at + 1 || end > at + 10) return undefined;
      nanos = Number(text.slice(at + 1, end).padEnd(9, '0'));
      at = end;
    }
  }
  const offsetMinutes = parseOffset(text, at);
  if (offsetMinutes === undefined) return undefined;
  const ms = day * DAY_MS + (hour * 60 + minute - offsetMinutes) * 60_000 + second * 1000 + Math.floor(nanos / 1e6);
  if (ms < TIMESTAMP_MS_MIN || ms > TIMESTAMP_MS_MAX) return undefined;
  result.ms = ms;
  result.microsOfMs = Math.floor((nanos % 1e6) / 1000);
  return result;
}

/** Two digits at `at`, or NaN-like 100 where they are not digits: above every bound that callers check. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : 100;
}

function fractionEnd(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at += 1;
  return at;
}

/** Minutes east of UTC of what stands at `at`, which must be all that is left. */
function parseOffset(text: string, at: number): number | undefined {
  if (at === text.length) return 0;
  const sign = text.charCodeAt(at);
  if (sign === 0x5a) return at + 1 === text.length ? 0 : undefined;
  if (sign !== 0x2b && sign !== 0x2d) return undefined;
  const colon = text.charCodeAt(at + 3) === 0x3a ? 1 : 0;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 3 + colon);
  if (hours > 23 || minutes > 59 || text.length !== at + 5 + colon) return undefined;
  return (sign === 0x2d ? -1 : 1) * (hours * 60 + minutes);
}
