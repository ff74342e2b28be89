import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { copyJson } from './copy-json.ts';

describe('a copy of a record', () => {
  test('is what JSON would make of it, and shares nothing that can be changed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const before = structuredClone(value);

        const copy = copyJson(value);

        expect(copy).toEqual(value);
        destroy(copy);
        expect(value).toEqual(before);
      }),
    );
  });

  test('follows toJSON, and keeps bytes as they are', () => {
    const bytes = Buffer.from('abc');

    const copy = copyJson({ at: new Date(0), bytes, list: [{ view: new Uint8Array([1]) }] });

    expect(copy).toEqual({ at: '1970-01-01T00:00:00.000Z', bytes, list: [{ view: Buffer.from([1]) }] });
  });

  test('keeps a property named __proto__ a property', () => {
    const value: unknown = JSON.parse('{"__proto__":{"admin":true},"a":1}');

    const copy = copyJson(value);

    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true},"a":1}');
    expect((copy as { admin?: unknown }).admin).toBeUndefined();
  });

  test('is refused for an object that holds itself', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = [cycle];

    expect(() => copyJson(cycle)).toThrow('nested deeper than 200 levels');
  });
});

/** Changes all that can be changed. */
function destroy(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const holder = value as Record<string, unknown>;
  for (const name of Object.keys(holder)) {
    destroy(holder[name]);
    delete holder[name];
  }
}
