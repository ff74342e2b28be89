import { describe, expect, it } from '@jest/globals';
import { compilePartitionExpression } from './partition-expression.ts';

const KEYS = [
  { name: 'dt', type: 'string' },
  { name: 'hour', type: 'int' },
];
const PARTITIONS = [
  ['2026-01-01', '9'],
  ['2026-01-01', '10'],
  ['2026-01-02', '9'],
  ["it's and", '0'],
];
const matching = (expression: string): number[] => {
  const matches = compilePartitionExpression(expression, KEYS);
  return PARTITIONS.flatMap((values, index) => (matches(values) ? [index] : []));
};

describe('compilePartitionExpression', () => {
  it.each([
    ['', [0, 1, 2, 3]],
    ["dt = '2026-01-01'", [0, 1]],
    ["dt='2026-01-01' AND hour=10", [1]],
    ["(dt >= '2026-01-01') and (hour < 10)", [0, 2, 3]],
    ['hour > 9', [1]],
    ["hour >= '9'", [0, 1, 2]],
    ["DT <> '2026-01-01' AND dt != '2026-01-02'", [3]],
    ["dt = 'it''s and'", [3]],
    [`"dt" <= '2026-01-01' AND \`hour\` = 9`, [0]],
  ])('matches %s', (expression, expected) => {
    expect(matching(expression)).toEqual(expected);
  });

  it.each([
    ["dt = '2026-01-01' OR hour = 1", /supports comparisons .* received/],
    ["dt IN ('a')", /supports comparisons/],
    ["dt BETWEEN 'a' AND 'b'", /supports comparisons/],
    ["dt LIKE '2026%'", /supports comparisons/],
    ["dt = '2026", /supports comparisons/],
    ['dt', /supports comparisons/],
    ["month = '1'", /month is not a partition key; partition keys: dt, hour/],
  ])('refuses %s and says what it supports', (expression, reason) => {
    expect(() => matching(expression)).toThrow(reason);
  });
});
