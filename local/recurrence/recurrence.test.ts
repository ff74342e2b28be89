import { describe, expect, it } from '@jest/globals';
import { parseRecurrence } from './recurrence.ts';

const ms = (text: string): number => Date.parse(text);

/** The next times after a moment, as text to the minute. */
function times(expression: string, after: string, count: number): readonly string[] {
  const { next } = parseRecurrence(expression);
  const found: string[] = [];
  for (let at = next(ms(after), ms(after)); at !== undefined && found.length < count; at = next(at, ms(after))) {
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

describe('cron', () => {
  // Expressions and meanings of eventbridge/latest/userguide/eb-cron-expressions.html, "Examples".
  it.each([
    ['0 10 * * ? *', 'at 10:00 every day', ['2026-11-25T10:00', '2026-11-26T10:00']],
    ['15 12 * * ? *', 'at 12:15 every day', ['2026-11-25T12:15', '2026-11-26T12:15']],
    [
      '0 18 ? * MON-FRI *',
      'at 18:00 on weekdays',
      ['2026-11-25T18:00', '2026-11-26T18:00', '2026-11-27T18:00', '2026-11-30T18:00'],
    ],
    ['0 8 1 * ? *', 'at 8:00 on the first of the month', ['2026-12-01T08:00', '2027-01-01T08:00']],
    [
      '0/15 * * * ? *',
      'every 15 minutes',
      ['2026-11-25T00:15', '2026-11-25T00:30', '2026-11-25T00:45', '2026-11-25T01:00'],
    ],
    ['0/10 * ? * MON-FRI *', 'every 10 minutes on weekdays', ['2026-11-25T00:10', '2026-11-25T00:20']],
    ['0/5 8-17 ? * MON-FRI *', 'every 5 minutes of working hours', ['2026-11-25T08:00', '2026-11-25T08:05']],
    [
      '0/30 20-23,0-2 ? * MON-FRI *',
      'every 30 minutes over midnight',
      [
        '2026-11-25T00:30',
        '2026-11-25T01:00',
        '2026-11-25T01:30',
        '2026-11-25T02:00',
        '2026-11-25T02:30',
        '2026-11-25T20:00',
      ],
    ],
    ['15 10 ? * 6L 2022-2023', 'at 10:15 on last Fridays of past years', []],
    [
      '15 10 ? * 6L 2027-2028',
      'at 10:15 on last Fridays',
      ['2027-01-29T10:15', '2027-02-26T10:15', '2027-03-26T10:15'],
    ],
    ['0 9 ? * 2#1 *', 'at 9:00 on first Mondays', ['2026-12-07T09:00', '2027-01-04T09:00']],
    ['1/10 0 ? * 3#2 *', 'from the first minute on', ['2026-12-08T00:01', '2026-12-08T00:11']],
    [
      '0 0 3W * ? *',
      'on the weekday nearest to the third',
      ['2026-12-03T00:00', '2027-01-04T00:00', '2027-02-03T00:00', '2027-03-03T00:00', '2027-04-02T00:00'],
    ],
    [
      '0 0 1W * ? *',
      'never before the first',
      [
        '2026-12-01T00:00',
        '2027-01-01T00:00',
        '2027-02-01T00:00',
        '2027-03-01T00:00',
        '2027-04-01T00:00',
        '2027-05-03T00:00',
      ],
    ],
    [
      '0 0 31W * ? *',
      'never after the last',
      ['2026-12-31T00:00', '2027-01-29T00:00', '2027-03-31T00:00', '2027-05-31T00:00'],
    ],
    ['0 0 L FEB ? *', 'on the last of February', ['2027-02-28T00:00', '2028-02-29T00:00']],
    ['0 0 ? * L *', 'on the last of the week', ['2026-11-28T00:00', '2026-12-05T00:00']],
    ['0 0 1,L 12 ? *', 'on the first and the last', ['2026-12-01T00:00', '2026-12-31T00:00']],
    ['0 0 29 2 ? *', 'in leap years', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['59 23 31 dec ? 2199', 'to the last minute there is', ['2199-12-31T23:59']],
  ])('of %s is %s', (fields, _meaning, expected) => {
    expect(times(`cron(${fields})`, '2026-11-25T00:00:00Z', Math.max(expected.length, 1))).toEqual(expected);
  });

  it('comes after a moment, even one within its minute', () => {
    const { next } = parseRecurrence('cron(30 * * * ? *)');

    expect(next(ms('2026-11-25T07:29:59.999Z'), 0)).toBe(ms('2026-11-25T07:30:00Z'));
    expect(next(ms('2026-11-25T07:30:00.000Z'), 0)).toBe(ms('2026-11-25T08:30:00Z'));
    expect(next(ms('2026-12-31T23:30:00.001Z'), 0)).toBe(ms('2027-01-01T00:30:00Z'));
  });

  it.each([
    ['0 10 * * *', 'cron: received "0 10 * * *", allowed: six fields'],
    ['0 10 * * ? * *', 'six fields'],
    ['0 10 * * * *', 'a ? in one of day of month and day of week'],
    ['0 10 ? * ? *', 'a ? in one of day of month and day of week'],
    ['60 10 * * ? *', 'minutes: received "60", allowed: 0 to 59, lists'],
    ['0/0 10 * * ? *', 'minutes: received "0/0"'],
    ['0 5-4 * * ? *', 'hours: received "5-4"'],
    ['0 0 32 * ? *', 'day of month: received "32", allowed: 1 to 31'],
    ['0 0 1 13 ? *', 'month: received "13", allowed: 1 to 12 or JAN to DEC'],
    ['0 0 1 JANUARY ? *', 'month: received "JANUARY"'],
    ['0 0 ? * 3#6 *', 'day of week: received "3#6"'],
    ['0 0 ? * 3#1,6#3 *', 'day of week: received "3#1,6#3", allowed: one #'],
    ['0 0 ? * 8 *', 'day of week: received "8", allowed: 1 to 7 or SUN to SAT'],
    ['0 0 1 1 ? 1969', 'year: received "1969", allowed: 1970 to 2199'],
    ['0 0 1,,2 1 ? *', 'day of month: received ""'],
  ])('refuses %s', (fields, message) => {
    expect(() => parseRecurrence(`cron(${fields})`)).toThrow(message);
  });
});

describe('rate', () => {
  it.each([
    ['rate(1 minute)', ['2026-11-25T00:01', '2026-11-25T00:02']],
    ['rate(90 minutes)', ['2026-11-25T01:30', '2026-11-25T03:00']],
    ['rate(5 hours)', ['2026-11-25T05:00', '2026-11-25T10:00']],
    ['rate(7 days)', ['2026-12-02T00:00', '2026-12-09T00:00']],
  ])('%s counts from its start', (expression, expected) => {
    expect(times(expression, '2026-11-25T00:00:00Z', 2)).toEqual(expected);
  });

  it.each(['rate(2 minute)', 'rate(1 minutes)', 'rate(0 minutes)', 'rate(30 seconds)', 'at(2026-11-25T00:00:00)', ''])(
    'refuses %j',
    (expression) => {
      expect(() => parseRecurrence(expression)).toThrow(`received ${JSON.stringify(expression)}`);
    },
  );
});
