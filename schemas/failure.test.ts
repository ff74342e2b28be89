import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { FAILURE_CODES, FAILURE_TEXT_CHARACTERS_MAX } from './failure.ts';
import { failureOf, problem, within } from './problem.ts';

const page = readFileSync(path.join(import.meta.dirname, '../docs/failure-codes.md'), 'utf8');

describe('docs/failure-codes.md', () => {
  it('describes every code under its stage, in the order of failure.ts, and no other', () => {
    const documented = page
      .split(/^## /m)
      .slice(1)
      .map((section) => [
        section.split('\n')[0],
        [...section.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, code]) => code),
      ]);

    expect(Object.fromEntries(documented)).toEqual(FAILURE_CODES);
  });

  it('uses each code once, so that a code alone names its stage', () => {
    const codes = Object.values(FAILURE_CODES).flat();

    expect(new Set(codes).size).toBe(codes.length);
  });
});

describe('failureOf', () => {
  it('caps every text, however deep and long the path', () => {
    let found = problem('WRONG_TYPE', '', 'x'.repeat(2000), 'y'.repeat(2000));
    for (let depth = 0; depth < 50; depth += 1) found = within(found, `["${'k'.repeat(100)}"]`);

    const failure = failureOf(found, 'validate');

    const { path: at, expected, received, message } = failure;
    for (const text of [at, expected, received, message])
      expect(text.length).toBeLessThanOrEqual(FAILURE_TEXT_CHARACTERS_MAX);
  });

  it('joins fields with dots and items without', () => {
    const found = within(within(within(problem('WRONG_TYPE', '', 'int', null), 'price'), '[3]'), 'items');

    expect(failureOf(found, 'validate').path).toBe('items[3].price');
    expect(failureOf(found, 'validate').message).toBe('items[3].price: expected int, received null');
  });

  it('never cuts through a surrogate pair', () => {
    const found = problem('WRONG_TYPE', `${'a'.repeat(FAILURE_TEXT_CHARACTERS_MAX - 2)}😀😀`, 'int', null);

    expect(failureOf(found, 'validate').path.isWellFormed()).toBe(true);
  });
});
