import { afterEach, describe, expect, test } from '@jest/globals';
import { backoffMs } from './backoff.ts';
import { required, requiredShare } from './environment.ts';

const NAME = 'DATA_PIPELINE_TEST_VALUE';
afterEach(() => {
  delete process.env[NAME];
});

describe('a variable of the environment', () => {
  test.each([undefined, ''])('that is %j fails the start by its name', (value) => {
    if (value !== undefined) process.env[NAME] = value;

    expect(() => required(NAME)).toThrow(`environment ${NAME}: received nothing, allowed: a text`);
  });

  test.each(['0', '0.85', '1'])('may be the share %s', (value) => {
    process.env[NAME] = value;

    expect(requiredShare(NAME)).toBe(Number(value));
  });

  test.each(['-0.1', '1.1', 'NaN', 'much'])('is no share when it is %s', (value) => {
    process.env[NAME] = value;

    expect(() => requiredShare(NAME)).toThrow(`environment ${NAME}: received ${value}, allowed: 0 to 1`);
  });
});

describe('backoff', () => {
  test('draws from a ceiling that doubles and is bounded, at any attempt', () => {
    const ceilings = [0, 1, 2, 3, 4, 50, 2_000].map((attempt) =>
      backoffMs({ baseMs: 50, ceilingMs: 500, random: () => 1 }, attempt),
    );

    expect(ceilings).toEqual([50, 100, 200, 400, 500, 500, 500]);
    expect(backoffMs({ baseMs: 50, ceilingMs: 500, random: () => 0.5 }, 1)).toBe(50);
  });
});
