/** Days of the proleptic Gregorian calendar, counted from 1970-01-01, as text: years 1 to 9999. */

/** 0001-01-01 and 9999-12-31. */
export const DAY_MIN = -719_162;
export const DAY_MAX = 2_932_896;

/** Days of the 400-year cycle after which the calendar repeats. */
const CYCLE_DAYS = 146_097;
/** Days from 0000-03-01 to 1970-01-01. Years are counted from March, so that a leap day ends its year. */
const EPOCH_DAYS = 719_468;
const MONTH_DAYS: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

// The last day formatted: a memo of a pure function.
let memoDay = Number.NaN;
let memoText = '';

/**
 * `yyyy-MM-dd` of a day counted from 1970-01-01.
 *
 * @throws RangeError outside `DAY_MIN` to `DAY_MAX`
 */
export function dayText(day: number): string {
  if (day === memoDay) return memoText;
  if (!Number.isInteger(day) || day < DAY_MIN || day > DAY_MAX) {
    throw new RangeError(`day: received ${day}, allowed: ${DAY_MIN} to ${DAY_MAX} days since 1970-01-01`);
  }
  const sinceMarch = day + EPOCH_DAYS;
  const cycle = Math.floor(sinceMarch / CYCLE_DAYS);
  const dayOfCycle = sinceMarch - cycle * CYCLE_DAYS;
  const leaps = Math.floor(dayOfCycle / 1460) - Math.floor(dayOfCycle / 36_524) + Math.floor(dayOfCycle / 146_096);
  const yearOfCycle = Math.floor((dayOfCycle - leaps) / 365);
  const leapsBefore = Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100);
  const dayOfYear = dayOfCycle - 365 * yearOfCycle - leapsBefore;
  // Months from March run 31, 30, 31, 30, 31 over and over: 153 days in five of them.
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfCycle + 400 * cycle + (month <= 2 ? 1 : 0);
  memoText = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`;
  memoDay = day;
  return memoText;
}

/**
 * The day, counted from 1970-01-01, of `yyyy-MM-dd` or `yyyy/MM/dd` at the start of `text`; what follows is not read.
 *
 * @returns `undefined` when there is no such text or no such day
 */
export function dayFromText(text: string): number | undefined {
  const separator = text.charCodeAt(4);
  if ((separator !== 0x2d && separator !== 0x2f) || text.charCodeAt(7) !== separator) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return undefined;
  const yearFromMarch = month <= 2 ? year - 1 : year;
  const cycle = Math.floor(yearFromMarch / 400);
  const yearOfCycle = yearFromMarch - cycle * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfCycle = yearOfCycle * 365 + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100) + dayOfYear;
  return cycle * CYCLE_DAYS + dayOfCycle - EPOCH_DAYS;
}

/** `count` digits at `at` as a number; -1 where one is not a digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function daysOfMonth(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (MONTH_DAYS[month - 1] ?? 0);
}
