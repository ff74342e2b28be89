/**
 * Event patterns of rules. Pure: a pattern is compiled once, and what is not supported in it is refused by name then.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */

/** True when the event matches. */
export type EventMatcher = (event: object) => boolean;

type ObjectTest = (value: Readonly<Record<string, unknown>>) => boolean;
/** Gets the values of a field: none when it is absent, the items of a list, or the one value. */
type FieldTest = (values: readonly unknown[]) => boolean;
type ValueTest = (value: unknown) => boolean;

const OPERATORS = ['prefix', 'suffix', 'anything-but', 'exists', 'numeric', 'equals-ignore-case'];

const COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '=': (left, right) => left === right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

/** @throws Error naming the field, what it has and what is allowed there */
export function compileEventPattern(pattern: unknown): EventMatcher {
  const test = compileObject(pattern, '');
  return (event) => isObject(event) && test(event);
}

function compileObject(pattern: unknown, path: string): ObjectTest {
  if (!isObject(pattern) || Object.keys(pattern).length === 0) {
    throw refusal(path, pattern, 'an object with at least one field');
  }
  const tests = Object.entries(pattern).map(([name, member]): ObjectTest => {
    const here = path === '' ? name : `${path}.${name}`;
    if (name === '$or') return compileOr(member, path);
    if (Array.isArray(member)) {
      const test = compileField(member, here);
      return (value) => test(valuesOf(value[name]));
    }
    const test = compileObject(member, here);
    return (value) => objectsOf(value[name]).some(test);
  });
  return (value) => tests.every((test) => test(value));
}

function compileOr(alternatives: unknown, path: string): ObjectTest {
  const here = path === '' ? '$or' : `${path}.$or`;
  if (!Array.isArray(alternatives) || alternatives.length < 2) {
    throw refusal(here, alternatives, 'a list of at least two patterns');
  }
  const tests = alternatives.map((alternative) => compileObject(alternative, path));
  return (value) => tests.some((test) => test(value));
}

function compileField(alternatives: readonly unknown[], path: string): FieldTest {
  if (alternatives.length === 0) throw refusal(path, alternatives, 'a list with at least one value');
  const tests = alternatives.map((alternative): FieldTest => {
    if (isScalar(alternative)) return (values) => values.includes(alternative);
    const [operator, operand] = operatorOf(alternative, path);
    if (operator === 'exists') {
      if (typeof operand !== 'boolean') throw refusal(`${path}.exists`, operand, 'true or false');
      return (values) => values.length > 0 === operand;
    }
    const test = compileOperator(operator, operand, path);
    return (values) => values.some(test);
  });
  return (values) => tests.some((test) => test(values));
}

function compileOperator(operator: string, operand: unknown, path: string): ValueTest {
  const here = `${path}.${operator}`;
  switch (operator) {
    case 'prefix':
    case 'suffix':
      return compileAffix(operator, operand, here);
    case 'equals-ignore-case':
      return equalsIgnoreCase(text(operand, here));
    case 'numeric':
      return compileNumeric(operand, here);
    case 'anything-but':
      return compileAnythingBut(operand, here);
    default: {
      const allowed = `a value, or an object with one of ${OPERATORS.join(', ')}`;
      throw refusal(path, { [operator]: operand }, allowed);
    }
  }
}

function compileAffix(operator: 'prefix' | 'suffix', operand: unknown, path: string): ValueTest {
  const matches = (value: string, affix: string): boolean =>
    operator === 'prefix' ? value.startsWith(affix) : value.endsWith(affix);
  if (!isObject(operand)) {
    const affix = text(operand, path);
    return (value) => typeof value === 'string' && matches(value, affix);
  }
  const [inner, given] = operatorOf(operand, path);
  if (inner !== 'equals-ignore-case') throw refusal(path, operand, 'text, or an object with equals-ignore-case');
  const affix = text(given, `${path}.equals-ignore-case`).toLowerCase();
  return (value) => typeof value === 'string' && matches(value.toLowerCase(), affix);
}

/** @param operand `[">", 0]` or `[">", 0, "<=", 5]` */
function compileNumeric(operand: unknown, path: string): ValueTest {
  const allowed = 'a comparison (=, <, <=, >, >=) and a number, once or twice';
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) throw refusal(path, operand, allowed);
  const tests: ((value: number) => boolean)[] = [];
  for (let at = 0; at < operand.length; at += 2) {
    const compare = COMPARISONS[String(operand[at])];
    const bound: unknown = operand[at + 1];
    if (!compare || typeof bound !== 'number') throw refusal(path, operand, allowed);
    tests.push((value) => compare(value, bound));
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

/** What it excludes: a value, a list of values, or text by prefix, suffix or regardless of case, alone or in lists. */
function compileAnythingBut(operand: unknown, path: string): ValueTest {
  if (!isObject(operand)) {
    const excluded = new Set<unknown>(Array.isArray(operand) ? operand : [operand]);
    const isAllowed = [...excluded].every((value) => typeof value === 'string' || typeof value === 'number');
    if (!isAllowed || excluded.size === 0) throw refusal(path, operand, 'text, numbers, or a list of them');
    return (value) => !excluded.has(value);
  }
  const [inner, given] = operatorOf(operand, path);
  if (inner !== 'prefix' && inner !== 'suffix' && inner !== 'equals-ignore-case') {
    throw refusal(path, operand, 'values, or an object with one of prefix, suffix, equals-ignore-case');
  }
  const texts = Array.isArray(given) ? given : [given];
  if (texts.length === 0) throw refusal(`${path}.${inner}`, given, 'text, or a list of it');
  const tests = texts.map((one) => compileOperator(inner, text(one, `${path}.${inner}`), path));
  return (value) => !tests.some((test) => test(value));
}

function equalsIgnoreCase(wanted: string): ValueTest {
  const folded = wanted.toLowerCase();
  return (value) => typeof value === 'string' && value.toLowerCase() === folded;
}

function operatorOf(alternative: unknown, path: string): readonly [string, unknown] {
  const [entry, ...others] = isObject(alternative) ? Object.entries(alternative) : [];
  if (entry && others.length === 0) return entry;
  throw refusal(path, alternative, `a value, or an object with one of ${OPERATORS.join(', ')}`);
}

/** Operators see the leaves of an event: a field that holds an object has no value. */
function valuesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(valuesOf);
  return isScalar(value) ? [value] : [];
}

/** A nested pattern has to hold for one item of a list as a whole; of what is absent it sees no fields. */
function objectsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const objects = (Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value]).filter(isObject);
  return objects.length > 0 ? objects : [{}];
}

function text(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw refusal(path, value, 'text');
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(path: string, received: unknown, allowed: string): Error {
  const where = path === '' ? 'EventPattern' : `EventPattern.${path}`;
  return new Error(`${where}: received ${JSON.stringify(received) ?? 'nothing'}, supported here: ${allowed}`);
}
