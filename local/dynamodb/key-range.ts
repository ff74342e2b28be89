/** The part of a table or index that a query's key condition names. */
import type { AttributeValue } from './attribute-value.ts';
import { validationError } from './dynamodb-error.ts';
import { keyBytes } from './item-key.ts';
import type { ReadSource } from './read-source.ts';
import type { KeyCondition } from './requests.ts';

export interface KeyRange {
  readonly hash: Buffer;
  /** Conditions of SQL on `hash` and `range`. */
  readonly where: readonly string[];
  readonly values: readonly Buffer[];
}

const COMPARISONS: Readonly<Record<string, string>> = { EQ: '=', LT: '<', LE: '<=', GT: '>', GE: '>=' };

/** @throws AwsError `ValidationException` for conditions that are not on the key */
export function keyRange(conditions: Readonly<Record<string, KeyCondition>>, source: ReadSource): KeyRange {
  const [hashName, rangeName] = source.schema.map(({ AttributeName }) => AttributeName);
  const hashCondition = conditions[hashName ?? ''];
  if (!hashCondition) throw validationError(`Query condition missed key schema element: ${hashName}`);
  if (hashCondition.ComparisonOperator !== 'EQ') throw validationError('Query key condition not supported');
  const others = Object.keys(conditions).filter((name) => name !== hashName);
  if (others.some((name) => name !== rangeName))
    throw validationError(
      rangeName === undefined
        ? 'Query key condition not supported'
        : `Query condition missed key schema element: ${rangeName}`,
    );
  const [hash = Buffer.alloc(0)] = operands(hashName, hashCondition, source);
  const rangeCondition = others.length > 0 ? conditions[rangeName ?? ''] : undefined;
  if (!rangeCondition) return { hash, where: ['hash = ?'], values: [hash] };
  const range = rangeOf(rangeCondition.ComparisonOperator, operands(rangeName, rangeCondition, source));
  return { hash, where: ['hash = ?', ...range.where], values: [hash, ...range.values] };
}

function operands(name: string | undefined, condition: KeyCondition, { table }: ReadSource): readonly Buffer[] {
  const type = table.AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
  return condition.AttributeValueList.map((value: AttributeValue) => {
    if (type === undefined || value[type] === undefined)
      throw validationError(
        'One or more parameter values were invalid: Condition parameter type does not match schema type',
      );
    return keyBytes(value);
  });
}

function rangeOf(operator: string, values: readonly Buffer[]): Pick<KeyRange, 'where' | 'values'> {
  const comparison = COMPARISONS[operator];
  if (comparison !== undefined) return { where: [`range ${comparison} ?`], values };
  if (operator === 'BETWEEN') return { where: ['range >= ?', 'range <= ?'], values };
  if (operator !== 'BEGINS_WITH')
    throw validationError('Attempted conditional constraint is not an indexable operation');
  const [start = Buffer.alloc(0)] = values;
  const end = successor(start);
  return end
    ? { where: ['range >= ?', 'range < ?'], values: [start, end] }
    : { where: ['range >= ?'], values: [start] };
}

/** The first bytes after all that begin with these; undefined when there are none. */
function successor(start: Buffer): Buffer | undefined {
  const last = start.findLastIndex((byte) => byte < 0xff);
  const byte = start[last];
  return byte === undefined ? undefined : Buffer.from([...start.subarray(0, last), byte + 1]);
}
