import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findElementBounds, findJsonSyntaxError } from './scan-json.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the first syntax error', () => {
  test.each([
    ['', 0, 'a value'],
    ['   ', 3, 'a value'],
    ['{"a":1,}', 7, 'a key in double quotes'],
    ["{'a':1}", 1, 'a key in double quotes'],
    ['{"a" 1}', 5, "':'"],
    ['[1,2', 4, "',' or ']'"],
    ['[1,]', 3, 'a value'],
    ['{"a":1', 6, "',' or '}'"],
    ['nul', 3, 'null'],
    ['1 2', 2, 'the end of the text'],
    ['01', 1, 'the end of the text'],
    ['-', 1, 'a digit'],
    ['1.e5', 2, 'a digit'],
    ['"abc', 4, 'the closing quote of a string'],
    ['"\\x"', 2, 'one of "\\/bfnrtu after a backslash'],
    ['"\\u12g4"', 5, 'four hex digits after \\u'],
    ['"a\nb"', 2, 'a string without raw control characters'],
  ])('of %j is at byte %i, where %s is expected', (text, offset, expected) => {
    expect(findJsonSyntaxError(Buffer.from(text))).toEqual({ offset, expected });
  });

  test('is counted in bytes', () => {
    expect(findJsonSyntaxError(Buffer.from('{"ключ":}'))?.offset).toBe(12);
  });

  test('exists exactly when JSON.parse refuses the text', () => {
    const nearJson = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', ']', '{', '[', ':', '0', '-', '.', 'e', '\\', ' '))
      .map(([text, place, insert]) => {
        const at = place % (text.length + 1);
        return text.slice(0, at) + insert + text.slice(at + (place % 2));
      });
    const soup = fc.string({ unit: fc.constantFrom(...'{}[],:"\\u0019-+.eE truefalsn\t\n'), maxLength: 12 });

    fc.assert(
      fc.property(fc.oneof(nearJson, soup, fc.json()), (text) => {
        expect(findJsonSyntaxError(Buffer.from(text)) === undefined).toBe(isJson(text));
      }),
      { numRuns: 20_000 },
    );
  });

  test('is found at any depth', () => {
    expect(findJsonSyntaxError(Buffer.from(`${'['.repeat(1_000_000)}x`))?.offset).toBe(1_000_000);
  });
});

describe('the elements of an array', () => {
  test('lie where their own text is', () => {
    const elements = fc.array(fc.tuple(fc.json(), fc.stringMatching(/^[ \t\r\n]{0,2}$/)), { maxLength: 20 });

    fc.assert(
      fc.property(elements, (parts) => {
        const text = Buffer.from(`[${parts.map(([json, space]) => space + json.trim() + space).join(',')}]`);

        const bounds = findElementBounds(text);

        const found = parts.map((_, i) => text.toString('utf8', bounds[i * 2], bounds[i * 2 + 1]));
        expect(found).toEqual(parts.map(([json]) => json.trim()));
        expect(bounds).toHaveLength(parts.length * 2);
      }),
    );
  });
});
