import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dayFromText, dayText } from './calendar.ts';
import {
  formatTimestamp,
  parseTimestamp,
  parseTimestampMicros,
  TIMESTAMP_MS_MAX,
  TIMESTAMP_MS_MIN,
} from './timestamp.ts';

const times = fc.oneof(
  fc.integer({ min: TIMESTAMP_MS_MIN, max: TIMESTAMP_MS_MAX }),
  fc.integer({ min: -1e11, max: 2e12 }),
);
const isoOf = (ms: number) => new Date(ms).toISOString();

describe('formatTimestamp', () => {
  it('writes what Date writes, with a space and without zone, over years 1 to 9999', () => {
    fc.assert(
      fc.property(times, (ms) => {
        expect(formatTimestamp(ms)).toBe(isoOf(ms).replace('T', ' ').replace('Z', ''));
      }),
      { numRuns: 5_000 },
    );
  });

  it('forgets the day it has cached when the day changes', () => {
    const midnight = Date.UTC(2024, 1, 29);

    expect([midnight - 1, midnight, midnight + 86_400_000].map(formatTimestamp)).toEqual([
      '2024-02-28 23:59:59.999',
      '2024-02-29 00:00:00.000',
      '2024-03-01 00:00:00.000',
    ]);
  });

  it.each([TIMESTAMP_MS_MIN - 1, TIMESTAMP_MS_MAX + 1, Number.NaN, 1.5, Infinity])('refuses %p', (ms) => {
    expect(() => formatTimestamp(ms)).toThrow(/timestamp: received .*, allowed:/);
  });

  it('refuses a fraction within a minute that is cached', () => {
    formatTimestamp(1_700_000_000_000);

    expect(() => formatTimestamp(1_700_000_000_000.5)).toThrow(RangeError);
  });
});

describe('parseTimestamp', () => {
  it('reads back what formatTimestamp and Date write', () => {
    fc.assert(
      fc.property(times, (ms) => {
        expect(parseTimestamp(formatTimestamp(ms))).toBe(ms);
        expect(parseTimestamp(isoOf(ms))).toBe(ms);
        expect(parseTimestampMicros(`${isoOf(ms).slice(0, -1)}987Z`)).toBe(ms * 1000 + 987);
      }),
      { numRuns: 5_000 },
    );
  });

  it('agrees with Date on offsets', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2e12 }),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.boolean(),
        (ms, hours, minutes, east) => {
          const two = (value: number) => String(value).padStart(2, '0');
          const text = `${isoOf(ms).slice(0, -1)}${east ? '+' : '-'}${two(hours)}:${two(minutes)}`;

          expect(parseTimestamp(text)).toBe(Date.parse(text));
          expect(parseTimestamp(`${text.slice(0, -3)}${text.slice(-2)}`)).toBe(Date.parse(text));
        },
      ),
    );
  });

  it.each([
    ['2001/01/01 06:55', Date.UTC(2001, 0, 1, 6, 55)],
    ['2001/01/01 06:55:09', Date.UTC(2001, 0, 1, 6, 55, 9)],
    ['2001/01/01 06:55:09.5', Date.UTC(2001, 0, 1, 6, 55, 9, 500)],
    ['2026-02-28 23:59:59', Date.UTC(2026, 1, 28, 23, 59, 59)],
    ['2026-02-28T23:59Z', Date.UTC(2026, 1, 28, 23, 59)],
    ['2026-02-28T23:59:59.999999999Z', Date.UTC(2026, 1, 28, 23, 59, 59, 999)],
  ])('reads %s', (text, ms) => {
    expect(parseTimestamp(text)).toBe(ms);
  });

  it.each([
    '',
    'yesterday',
    '2026-02-30 00:00:00',
    '2025-02-29T00:00:00Z',
    '1900-02-29 00:00',
    '2026-13-01 00:00',
    '2026-00-01 00:00',
    '2026-01-00 00:00',
    '2026-01-32 00:00',
    '0000-01-01 00:00',
    '2026-01-01',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:60Z',
    '2026-01-01T23:59:60Z',
    '2026-01-01T23:59:5Z',
    '2026-01-01T23:59:50.Z',
    '2026-01-01T23:59:50.1234567890Z',
    '2026-01-01T23:59:50Z ',
    ' 2026-01-01T23:59:50Z',
    '2026/01-01 00:00',
    '2026-01-01T00:00+24:00',
    '2026-01-01T00:00+1',
    '+02026-01-01T00:00Z',
    '2026-01-01t00:00z',
    '2026-1-1 00:00',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:00-00:01',
    '２026-01-01 00:00',
    '1700000000000',
  ])('takes %p for no timestamp', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });
});

describe('dayText and dayFromText', () => {
  it('are each other’s inverse and agree with Date on every day of a 400-year cycle', () => {
    for (let day = -80_000; day <= 66_097; day += 1) {
      const text = dayText(day);
      if (dayFromText(text) !== day || text !== isoOf(day * 86_400_000).slice(0, 10)) {
        throw new Error(`day ${day} is written ${text} and read ${dayFromText(text)}`);
      }
    }
    expect(() => dayText(2_932_897)).toThrow(RangeError);
  });
});
