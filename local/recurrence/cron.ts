/**
 * Cron as EventBridge has it: six fields (minutes, hours, day of month, month, day of week, year), in UTC.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
 */

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of its values, from `min` on. */
  readonly names?: readonly string[];
}

interface Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly date: number;
  /** 1, Sunday, to 7. */
  readonly weekday: number;
  /** Of its month. */
  readonly lastDate: number;
}

type DayTest = (day: Day) => boolean;

const MINUTES: Field = { name: 'minutes', min: 0, max: 59 };
const HOURS: Field = { name: 'hours', min: 0, max: 23 };
const DAY_OF_MONTH: Field = { name: 'day of month', min: 1, max: 31 };
const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTHS };
const WEEKDAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');
const DAY_OF_WEEK: Field = { name: 'day of week', min: 1, max: 7, names: WEEKDAYS };
const YEAR: Field = { name: 'year', min: 1970, max: 2199 };

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const [SUNDAY, SATURDAY] = [1, 7];

/**
 * @param fields what stands in the brackets of `cron(…)`
 * @returns the first time after another, epoch milliseconds; undefined when none is left
 * @throws Error naming the field, what was received and what is allowed
 */
export function parseCron(fields: string): (afterMs: number) => number | undefined {
  const [minute = '', hour = '', date = '', month = '', weekday = '', year = '', ...more] = fields.trim().split(/\s+/);
  if (year === '' || more.length > 0) throw refusal('cron', fields, 'six fields, separated by spaces');
  if ((date === '?') === (weekday === '?')) {
    throw refusal('cron', fields, 'a ? in one of day of month and day of week, and in one only');
  }
  const minutes = parseValues(minute, MINUTES);
  const hours = parseValues(hour, HOURS);
  const months = new Set(parseValues(month, MONTH));
  const years = new Set(parseValues(year, YEAR));
  const onDay = weekday === '?' ? parseDates(date) : parseWeekdays(weekday);

  return (afterMs) => {
    const firstMs = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
    let dayMs = Math.floor(firstMs / DAY_MS) * DAY_MS;
    for (let day = dayOf(dayMs); day.year <= YEAR.max; day = dayOf(dayMs)) {
      if (!years.has(day.year)) {
        dayMs = Date.UTC(day.year + 1, 0);
      } else if (!months.has(day.month)) {
        dayMs = Date.UTC(day.year, day.month);
      } else {
        const timeMs = onDay(day) ? firstTime(hours, minutes, firstMs - dayMs) : undefined;
        if (timeMs !== undefined) return dayMs + timeMs;
        dayMs += DAY_MS;
      }
    }
    return undefined;
  };
}

/** @param fromMs of the day; below 0 on later days */
function firstTime(hours: readonly number[], minutes: readonly number[], fromMs: number): number | undefined {
  for (const hour of hours) {
    const hourMs = hour * HOUR_MS;
    if (hourMs + HOUR_MS <= fromMs) continue;
    const minute = minutes.find((value) => hourMs + value * MINUTE_MS >= fromMs);
    if (minute !== undefined) return hourMs + minute * MINUTE_MS;
  }
  return undefined;
}

function dayOf(dayMs: number): Day {
  const date = new Date(dayMs);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    year,
    month: month + 1,
    date: date.getUTCDate(),
    weekday: date.getUTCDay() + 1,
    lastDate: new Date(Date.UTC(year, month + 1, 0)).getUTCDate(),
  };
}

/** Values in order. */
function parseValues(text: string, field: Field): readonly number[] {
  return [...new Set(text.split(',').flatMap((item) => parseItem(item, field)))].sort((a, b) => a - b);
}

/** `*`, a value or a range, each with an increment or without. */
function parseItem(item: string, field: Field): readonly number[] {
  const [, range = '', , step] = /^([^/]+)(\/(\d{1,4}))?$/.exec(item) ?? [];
  const [first = '', last, ...more] = range === '*' ? [String(field.min), String(field.max)] : range.split('-');
  const from = numberOf(first, field);
  const to = last === undefined ? (step === undefined ? from : field.max) : numberOf(last, field);
  const by = Number(step ?? 1);
  if (from === undefined || to === undefined || from > to || by < 1 || more.length > 0) {
    const words = field.names ? ` or ${field.names[0]} to ${field.names.at(-1)}` : '';
    throw refusal(field.name, item, `${field.min} to ${field.max}${words}, lists (,), ranges (-), increments (/), *`);
  }
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

function numberOf(text: string, { min, max, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return min + named;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

/** Values, `L` for the last of the month, and `3W` for the weekday nearest to the third. */
function parseDates(text: string): DayTest {
  return anyOf(
    text.split(',').map((item): DayTest => {
      if (item === 'L') return ({ date, lastDate }) => date === lastDate;
      const [, digits] = /^(\d{1,2})W$/.exec(item) ?? [];
      const near = digits === undefined ? undefined : numberOf(digits, DAY_OF_MONTH);
      if (near !== undefined) return (day) => day.date === nearestWeekday(near, day);
      const dates = new Set(parseItem(item, DAY_OF_MONTH));
      return ({ date }) => dates.has(date);
    }),
  );
}

/** Never in another month. */
function nearestWeekday(date: number, day: Day): number | undefined {
  if (date > day.lastDate) return undefined;
  const weekday = ((((day.weekday - 1 + date - day.date) % 7) + 7) % 7) + 1;
  if (weekday === SATURDAY) return date === 1 ? 3 : date - 1;
  if (weekday === SUNDAY) return date === day.lastDate ? date - 2 : date + 1;
  return date;
}

/** Values, `L` for the last of the week, `6L` for the last Friday of the month, and `6#3` for its third. */
function parseWeekdays(text: string): DayTest {
  // Two would be two expressions: the page above.
  if (text.includes('#') && text.includes(',')) throw refusal(DAY_OF_WEEK.name, text, 'one # and nothing beside it');
  return anyOf(
    text.split(',').map((item): DayTest => {
      if (item === 'L') return ({ weekday }) => weekday === SATURDAY;
      const [, name = '', , nth] = /^(\w+?)(L|#([1-5]))$/.exec(item) ?? [];
      const wanted = numberOf(name, DAY_OF_WEEK);
      if (wanted === undefined) {
        const weekdays = new Set(parseItem(item, DAY_OF_WEEK));
        return ({ weekday }) => weekdays.has(weekday);
      }
      if (nth === undefined) return ({ weekday, date, lastDate }) => weekday === wanted && date > lastDate - 7;
      return ({ weekday, date }) => weekday === wanted && Math.ceil(date / 7) === Number(nth);
    }),
  );
}

function anyOf(tests: readonly DayTest[]): DayTest {
  return (day) => tests.some((test) => test(day));
}

function refusal(what: string, received: string, allowed: string): Error {
  return new Error(`ScheduleExpression: ${what}: received ${JSON.stringify(received)}, allowed: ${allowed}`);
}
