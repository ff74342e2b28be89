/**
 * Update expressions over one item. Pure: every operand is read from the item as it was, and positions in lists are those
 * of before, whatever else the expression does.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */
import { type AttributeType, type AttributeValue, attribute, elements, type Item, typeOf } from './attribute-value.ts';
import { validationError } from './dynamodb-error.ts';
import { isPath, valueAt } from './evaluate-condition.ts';
import { addNumbers } from './number-attribute.ts';
import type { Path, UpdateOperand, UpdateSection } from './requests.ts';

/** Gives what becomes of the value at a path: undefined removes it. */
type Change = (existing: AttributeValue | undefined) => AttributeValue | undefined;

/** @throws AwsError `ValidationException` for a path or an operand that does not fit the item */
export function applyUpdate(sections: readonly UpdateSection[], item: Item): Item {
  const changes = sections.map((section) => ({ section, change: changeOf(section, item) }));
  // Values past the end of a list are appended in the order of their positions, and what is removed shifts what follows it.
  const [removals, others] = [[...changes].filter(isRemoval), changes.filter((entry) => !isRemoval(entry))];
  others.sort((one, other) => comparePaths(one.section.path, other.section.path));
  removals.sort((one, other) => comparePaths(other.section.path, one.section.path));
  let updated: AttributeValue = { M: item };
  for (const { section, change } of [...others, ...removals]) updated = changeAt(updated, section.path, change);
  return updated.M ?? {};
}

const isRemoval = ({ section }: { readonly section: UpdateSection }): boolean => section.type === 'remove';

function comparePaths(one: Path, other: Path): number {
  for (const [depth, part] of one.entries()) {
    const counterpart = other[depth];
    if (counterpart === undefined) return 1;
    if (part === counterpart) continue;
    if (typeof part === 'number' && typeof counterpart === 'number') return part - counterpart;
    return String(part) < String(counterpart) ? -1 : 1;
  }
  return one.length - other.length;
}

function changeOf(section: UpdateSection, item: Item): Change {
  switch (section.type) {
    case 'set': {
      const value = resolve(section.val, item);
      return () => value;
    }
    case 'remove':
      return () => undefined;
    case 'add':
      return (existing) => add(existing, section.val, section.attrType);
    case 'delete':
      return (existing) => subtract(existing, section.val, section.attrType);
  }
}

function changeAt(container: AttributeValue, path: Path, change: Change): AttributeValue {
  const [head, ...rest] = path;
  const inner = (existing: AttributeValue | undefined): AttributeValue | undefined => {
    if (rest.length === 0) return change(existing);
    if (existing === undefined) throw invalidPath();
    return changeAt(existing, rest, change);
  };
  if (typeof head === 'string' && container.M) {
    const value = inner(attribute(container.M, head));
    const { [head]: _replaced, ...others } = container.M;
    return { M: value === undefined ? others : { ...others, [head]: value } };
  }
  if (typeof head === 'number' && container.L) {
    const value = inner(container.L[head]);
    if (value === undefined) return { L: container.L.filter((_element, position) => position !== head) };
    return { L: head < container.L.length ? container.L.with(head, value) : [...container.L, value] };
  }
  throw invalidPath();
}

function invalidPath() {
  return validationError('The document path provided in the update expression is invalid for update');
}

function wrongType() {
  return validationError('An operand in the update expression has an incorrect data type');
}

function resolve(operand: UpdateOperand, item: Item): AttributeValue {
  if (isPath(operand)) return existing(valueAt(operand, item));
  if (!('type' in operand)) return operand;
  const [first, second] = operand.args;
  if (first === undefined || second === undefined) throw new Error(`An operand of ${operand.type} is missing.`);
  if (operand.type === 'function' && operand.name === 'if_not_exists') {
    const value = isPath(first) ? valueAt(first, item) : undefined;
    return value ?? resolve(second, item);
  }
  const [left, right] = [resolve(first, item), resolve(second, item)];
  if (operand.type === 'function') {
    if (operand.name !== 'list_append') throw new Error(`An update with the function ${operand.name}, not known here.`);
    if (!left.L || !right.L) throw wrongType();
    return { L: [...left.L, ...right.L] };
  }
  if (left.N === undefined || right.N === undefined) throw wrongType();
  return { N: addNumbers(left.N, right.N, operand.type === 'add' ? 1 : -1) };
}

function existing(value: AttributeValue | undefined): AttributeValue {
  if (value) return value;
  throw validationError('The provided expression refers to an attribute that does not exist in the item');
}

function add(value: AttributeValue | undefined, added: AttributeValue, type: AttributeType): AttributeValue {
  if (value && typeOf(value) !== type) throw wrongType();
  if (added.N !== undefined) return { N: addNumbers(value?.N ?? '0', added.N) };
  return { [type]: [...new Set([...((value && elements(value)) ?? []), ...(elements(added) ?? [])])] };
}

function subtract(
  value: AttributeValue | undefined,
  taken: AttributeValue,
  type: AttributeType,
): AttributeValue | undefined {
  if (!value) return undefined;
  if (typeOf(value) !== type) throw wrongType();
  const left = elements(value)?.filter((element) => !elements(taken)?.includes(element)) ?? [];
  return left.length > 0 ? { [type]: left } : undefined;
}
