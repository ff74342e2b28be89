import { describe, expect, test } from '@jest/globals';
import { readHour, readHours } from './read-hour.ts';

describe('an hour of a command line', () => {
  test('is its start', () => {
    expect(readHour('--from', '2026-11-25T07')).toBe(Date.UTC(2026, 10, 25, 7));
    expect(readHour('--from', undefined)).toBeUndefined();
  });

  test.each(['foo', '2026-11-25', '2026-13-25T00', '2026-11-25T25', '2026-11-25T07:00'])('is no %s', (value) => {
    expect(() => readHour('--from', value)).toThrow(
      `--from: received ${value}, allowed: an hour such as 2026-11-25T07, UTC`,
    );
  });

  test('ends no span that begins later', () => {
    expect(() => readHours('2026-11-25T07', '2026-11-25T06')).toThrow(
      '--to: received 2026-11-25T06, allowed: an hour from 2026-11-25T07 on',
    );
    expect(readHours('2026-11-25T07', '2026-11-25T07').toMs).toBe(Date.UTC(2026, 10, 25, 7));
  });
});
