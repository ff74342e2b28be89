import { expect, it } from '@jest/globals';
import { parseStatement } from './statement.ts';

it.each(['SELECT 1', 'SELECT 1;', 'SELECT 1 ;\n ; \t'])('takes %j without what ends it', (text) => {
  expect(parseStatement(text)).toEqual({ kind: 'query', sql: 'SELECT 1' });
});

it('refuses nothing but semicolons', () => {
  expect(() => parseStatement(' ;; ')).toThrow('(nothing)');
});

const SPACES = ' '.repeat(200_000);

it.each([
  ['spaces in a query', `SELECT${SPACES}1`],
  ['semicolons in a query', `SELECT ${';'.repeat(200_000)}1`],
  ['spaces in SHOW TABLES', `SHOW TABLES${SPACES}1`],
  ['spaces in a name', `DESCRIBE a${SPACES}.${SPACES.slice(0, 1_000)}!`],
  ['a long name', `SHOW PARTITIONS ${'a'.repeat(200_000)}!`],
  ['an open comment', `${'/* */'.repeat(40_000)}/* SELECT`],
])('reads %s at once', (_claim, text) => {
  const startedAt = performance.now();
  try {
    parseStatement(text);
  } catch {
    // Whether it is a statement is not the question here.
  }

  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
