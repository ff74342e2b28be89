import { expect, it } from '@jest/globals';
import { matchesPattern } from './match-pattern.ts';

it.each([
  ['earthquakes', '*', true],
  ['earthquakes', 'earthquakes', true],
  ['earthquakes', 'Earth*', true],
  ['earthquakes', '*quake*', true],
  ['earthquakes', '*QUAKES', true],
  ['earthquakes', 'quake*', false],
  ['earthquakes', '*quake', false],
  ['earthquakes', 'e*q*s', true],
  ['earthquakes', 'e*z*s', false],
  ['earthquakes', 'tides|earth*', true],
  ['earthquakes', 'tides|rain', false],
  ['aba', 'ab*ba', false],
  ['a.b', 'a.b', true],
  ['axb', 'a.b', false],
  ['', '*', true],
])('%s against %s is %s', (name, pattern, matches) => {
  expect(matchesPattern(name, pattern)).toBe(matches);
});

it('answers at once for a pattern that is all stars', () => {
  const startedAt = performance.now();

  expect(matchesPattern('a'.repeat(255), `${'*a'.repeat(100)}*b`)).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(500);
});
