/**
 * The Expression of GetPartitions, as far as it is kept here: comparisons of partition keys with literals, joined by
 * AND (https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html). Anything else is refused by name.
 */
import type { CatalogColumn } from '../ports.ts';
import { AwsError } from '../service.ts';

type Matches = (values: readonly string[]) => boolean;

const COMPARISON =
  /^\s*\(*\s*["`]?([a-z_][a-z0-9_]*)["`]?\s*(=|!=|<>|<=|>=|<|>)\s*('(?:[^']|'')*'|-?\d+(?:\.\d+)?)\s*\)*\s*$/i;

const COMPARE: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

const NUMERIC_TYPES = /^(tinyint|smallint|int|integer|bigint|float|double|decimal.*)$/i;

/** @throws AwsError `InvalidInputException` for what is not kept */
export function compilePartitionExpression(expression: string, keys: readonly CatalogColumn[]): Matches {
  if (expression.trim() === '') return () => true;
  const parts = splitByAnd(expression).map((part) => compileComparison(part, keys));
  return (values) => parts.every((matches) => matches(values));
}

function compileComparison(part: string, keys: readonly CatalogColumn[]): Matches {
  const [, name = '', operator = '', literal = ''] = COMPARISON.exec(part) ?? [];
  const compare = COMPARE[operator];
  if (!compare) {
    throw new AwsError(
      'InvalidInputException',
      `The local glue supports comparisons (${Object.keys(COMPARE).join(' ')}) joined by AND in an Expression; received ${JSON.stringify(part.trim())}.`,
    );
  }
  const index = keys.findIndex((key) => key.name.toLowerCase() === name.toLowerCase());
  const key = keys[index];
  if (!key) {
    throw new AwsError(
      'InvalidInputException',
      `${name} is not a partition key; partition keys: ${keys.map((one) => one.name).join(', ') || 'none'}.`,
    );
  }
  const wanted = literal.startsWith("'") ? literal.slice(1, -1).replaceAll("''", "'") : literal;
  const order = NUMERIC_TYPES.test(key.type) ? byNumber : byText;
  return (values) => compare(order(values[index] ?? '', wanted));
}

/** Splits at the word AND outside quotes. */
function splitByAnd(expression: string): string[] {
  const parts: string[] = [''];
  for (const piece of expression.split(/('(?:[^']|'')*')/)) {
    const [first = '', ...later] = piece.startsWith("'") ? [piece] : piece.split(/\band\b/i);
    parts[parts.length - 1] += first;
    parts.push(...later);
  }
  return parts;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b);
}
