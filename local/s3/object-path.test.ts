import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { escapedPath, foldedPath, naturalPath } from './object-path.ts';

const pathOf = (key: string): string => naturalPath(key, 'linux') ?? escapedPath(key);

/** Keys that are likely to be trouble: dots, slashes, zeros, letters beyond ASCII. */
const troublesome = fc
  .array(fc.constantFrom('..', '.', '/', '//', '\0', '.keys', 'a', 'A', 'ä', '😀', '\\', ' ', '%2e%2e', '\n'), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => parts.join(''));
const anyKey = fc.oneof(
  troublesome,
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.string({ minLength: 1, unit: 'binary' }),
);

describe('naturalPath', () => {
  it.each([
    'a',
    'incoming/earthquakes/x.json',
    'dt=2026-11-23/hour=07/part-0.parquet',
    'a b',
    'ä',
    '...',
    '..a',
    'a.',
    '-x',
  ])('is the key itself for %j', (key) => {
    expect(naturalPath(key, 'linux')).toBe(key);
  });

  it.each([
    '..',
    '../x',
    '../../etc/passwd',
    'a/../../x',
    'a/./b',
    '/etc/passwd',
    '//x',
    'a//b',
    'a/',
    '/',
    'a\0b',
    '.keys/x',
    '.KEYS/x',
    'x'.repeat(256),
    'ä'.repeat(128),
  ])('is none for %j', (key) => {
    expect(naturalPath(key, 'linux')).toBeUndefined();
  });

  it.each(['CON', 'nul.txt', 'a/com1', 'a:b', 'a\\..\\b', 'a?', 'a*', 'end.', 'end ', 'a\nb'])(
    'is none on Windows for %j',
    (key) => {
      expect(naturalPath(key, 'win32')).toBeUndefined();
      expect(naturalPath(key, 'linux')).toBe(key);
    },
  );

  it('never leads out of the folder, whatever the key', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const resolved = path.resolve('/buckets/subject', pathOf(key));

        expect(resolved.startsWith('/buckets/subject/')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('gives two keys two places', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        const same = path.resolve('/b', pathOf(one)) === path.resolve('/b', pathOf(other));

        expect(same).toBe(one === other);
      }),
      { numRuns: 500 },
    );
  });
});

describe('foldedPath', () => {
  it('is equal where the file system takes names for equal', () => {
    expect(foldedPath('A/\u00e4', 'darwin')).toBe(foldedPath('a/a\u0308', 'darwin'));
    expect(foldedPath('A', 'win32')).toBe(foldedPath('a', 'win32'));
    expect(foldedPath('A', 'linux')).not.toBe(foldedPath('a', 'linux'));
  });
});
