/**
 * Conditions and filters over one item. Pure.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
import {
  type AttributeValue,
  attribute,
  bytesOf,
  compareValues,
  elements,
  type Item,
  sameValue,
  typeOf,
} from './attribute-value.ts';
import type { Condition, Operand, Path } from './requests.ts';

type Value = AttributeValue | undefined;

/** @param item an empty one when there is none */
export function evaluateCondition(condition: Condition, item: Item): boolean {
  switch (condition.type) {
    case 'and':
      return condition.args.every((part) => evaluateCondition(part, item));
    case 'or':
      return condition.args.some((part) => evaluateCondition(part, item));
    case 'not':
      return !condition.args.some((part) => evaluateCondition(part, item));
  }
  const [first, ...rest] = condition.args.map((operand) => resolveOperand(operand, item));
  const [second, third] = rest;
  switch (condition.type) {
    case '=':
      return same(first, second);
    case '<>':
      return !same(first, second);
    case 'between':
      return ordered(second, first, (order) => order <= 0) && ordered(first, third, (order) => order <= 0);
    case 'in':
      return rest.some((candidate) => same(first, candidate));
    case '<':
      return ordered(first, second, (order) => order < 0);
    case '<=':
      return ordered(first, second, (order) => order <= 0);
    case '>':
      return ordered(first, second, (order) => order > 0);
    case '>=':
      return ordered(first, second, (order) => order >= 0);
    case 'function':
      return callFunction(condition.name, first, second);
  }
}

/** The value at a path; undefined where there is none. */
export function valueAt(path: Path, item: Item): Value {
  let value: Value = { M: item };
  for (const part of path) {
    if (value === undefined) return undefined;
    value = typeof part === 'number' ? value.L?.[part] : value.M && attribute(value.M, part);
  }
  return value;
}

function resolveOperand(operand: Operand, item: Item): Value {
  if (isPath(operand)) return valueAt(operand, item);
  if (!('type' in operand)) return operand;
  const [measured] = operand.args.map((argument) => resolveOperand(argument, item));
  const size = measured && sizeOf(measured);
  return size === undefined ? undefined : { N: String(size) };
}

export function isPath(operand: unknown): operand is Path {
  return Array.isArray(operand);
}

function sizeOf(value: AttributeValue): number | undefined {
  if (value.B !== undefined) return Buffer.byteLength(value.B, 'base64');
  if (value.M) return Object.keys(value.M).length;
  return (value.S ?? value.L ?? elements(value))?.length;
}

function same(one: Value, other: Value): boolean {
  return one !== undefined && other !== undefined && sameValue(one, other);
}

function ordered(one: Value, other: Value, holds: (order: number) => boolean): boolean {
  const order = one && other && compareValues(one, other);
  return order !== undefined && holds(order);
}

function callFunction(name: string, subject: Value, argument: Value): boolean {
  switch (name) {
    case 'attribute_exists':
      return subject !== undefined;
    case 'attribute_not_exists':
      return subject === undefined;
    case 'attribute_type':
      return subject !== undefined && typeOf(subject) === argument?.S;
    case 'begins_with':
      return subject !== undefined && argument !== undefined && beginsWith(subject, argument);
    case 'contains':
      return subject !== undefined && argument !== undefined && contains(subject, argument);
    default:
      throw new Error(`A condition with the function ${name}, which is not known here.`);
  }
}

function beginsWith(subject: AttributeValue, start: AttributeValue): boolean {
  if (subject.S !== undefined && start.S !== undefined) return subject.S.startsWith(start.S);
  if (subject.B === undefined || start.B === undefined) return false;
  const bytes = bytesOf(start.B);
  return bytesOf(subject.B).subarray(0, bytes.length).equals(bytes);
}

function contains(subject: AttributeValue, part: AttributeValue): boolean {
  if (subject.S !== undefined) return part.S !== undefined && subject.S.includes(part.S);
  if (subject.B !== undefined) return part.B !== undefined && bytesOf(subject.B).includes(bytesOf(part.B));
  if (subject.L) return subject.L.some((element) => sameValue(element, part));
  const [set, element] = subject.SS ? [subject.SS, part.S] : subject.NS ? [subject.NS, part.N] : [subject.BS, part.B];
  return element !== undefined && set?.includes(element) === true;
}
