import { describe, expect, it } from '@jest/globals';
import { AwsError } from '../service.ts';
import { filterPattern } from './filter-pattern.ts';

describe('a filter pattern', () => {
  it.each([
    ['', 'anything', true],
    ['ERROR', 'an ERROR here', true],
    ['ERROR', 'an error here', false],
    ['ERROR memory', 'ERROR: out of memory', true],
    ['ERROR memory', 'ERROR: out of disk', false],
    ['"out of memory"', 'ERROR: out of memory', true],
    ['"out of memory"', 'ERROR: out of the memory', false],
    ['"say \\"hi\\""', 'say "hi"', true],
    ['ERROR -memory', 'ERROR: out of memory', false],
    ['ERROR -"out of disk"', 'ERROR: out of memory', true],
    ['?ERROR ?WARN', 'a WARN', true],
    ['?ERROR ?WARN', 'an INFO', false],
    ['?"a b" ?c', 'a b', true],
    ['a-b', 'a-b', true],
  ])('%j of %j: %s', (pattern, message, expected) => {
    expect(filterPattern(pattern)(message)).toBe(expected);
  });

  it.each(['{ $.level = "ERROR" }', '[a, b]', '%\\d+%', '?ERROR memory', 'a"b', 'x'.repeat(1_025)])(
    'refuses %j by name',
    (pattern) => {
      expect(() => filterPattern(pattern)).toThrow(AwsError);
      expect(() => filterPattern(pattern)).toThrow(/^Invalid filter pattern: /);
    },
  );
});
