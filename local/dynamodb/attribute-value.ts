/**
 * Attribute values as they travel: an object with one member, its name the type.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
 */
import { compareNumbers, numberBytes } from './number-attribute.ts';

export interface AttributeValue {
  readonly S?: string;
  /** Decimal digits, without exponent. */
  readonly N?: string;
  /** Base64. */
  readonly B?: string;
  readonly BOOL?: boolean;
  readonly NULL?: boolean;
  readonly SS?: readonly string[];
  readonly NS?: readonly string[];
  readonly BS?: readonly string[];
  readonly L?: readonly AttributeValue[];
  readonly M?: Item;
}

export type AttributeType = keyof AttributeValue;

export type Item = Readonly<Record<string, AttributeValue>>;

/** An item's bytes at most (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html). */
export const ITEM_BYTES_MAX = 400 * 1024;

/** Lists and maps within each other at most, same page. */
export const NESTING_LEVELS_MAX = 32;

const TYPES: readonly AttributeType[] = ['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M'];
/** What a list or map costs beside its content. */
const DOCUMENT_BYTES = 3;

export function typeOf(value: AttributeValue): AttributeType {
  const type = TYPES.find((name) => value[name] !== undefined);
  if (!type) throw new Error(`An attribute value without a type: ${JSON.stringify(value)}`);
  return type;
}

/** The attribute of that name; names that every object inherits, such as `constructor`, are names like others. */
export function attribute(item: Item, name: string): AttributeValue | undefined {
  return Object.hasOwn(item, name) ? item[name] : undefined;
}

/** Sets are equal whatever their order; lists are not. */
export function sameValue(one: AttributeValue, other: AttributeValue): boolean {
  const type = typeOf(one);
  if (type !== typeOf(other)) return false;
  if (type === 'L') return sameList(one.L ?? [], other.L ?? []);
  if (type === 'M') return sameItem(one.M ?? {}, other.M ?? {});
  const [left, right] = [elements(one), elements(other)];
  if (!left || !right) return one[type] === other[type];
  return left.length === right.length && left.every((element) => right.includes(element));
}

function sameList(one: readonly AttributeValue[], other: readonly AttributeValue[]): boolean {
  return (
    one.length === other.length &&
    one.every((value, position) => {
      const counterpart = other[position];
      return counterpart !== undefined && sameValue(value, counterpart);
    })
  );
}

function sameItem(one: Item, other: Item): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => {
      const [left, right] = [attribute(one, name), attribute(other, name)];
      return left !== undefined && right !== undefined && sameValue(left, right);
    })
  );
}

/** The elements of a set; undefined for what is none. */
export function elements(value: AttributeValue): readonly string[] | undefined {
  return value.SS ?? value.NS ?? value.BS;
}

/** Negative, 0 or positive; undefined for values that have no order between them. */
export function compareValues(one: AttributeValue, other: AttributeValue): number | undefined {
  if (one.N !== undefined && other.N !== undefined) return compareNumbers(one.N, other.N);
  if (one.S !== undefined && other.S !== undefined) return Buffer.compare(Buffer.from(one.S), Buffer.from(other.S));
  if (one.B !== undefined && other.B !== undefined) return Buffer.compare(bytesOf(one.B), bytesOf(other.B));
  return undefined;
}

export const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64');

/** Whether lists and maps lie within each other at most so many levels deep. */
export function nestsWithin(value: AttributeValue, levelsMax: number): boolean {
  const parts = value.L ?? (value.M && Object.values(value.M));
  return parts === undefined || (levelsMax > 0 && parts.every((part) => nestsWithin(part, levelsMax - 1)));
}

/** Bytes as DynamoDB counts them (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html). */
export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueBytes(value);
  return bytes;
}

function valueBytes(value: AttributeValue): number {
  const sum = <Part>(parts: readonly Part[], size: (part: Part) => number): number =>
    parts.reduce((total, part) => total + size(part), 0);
  switch (typeOf(value)) {
    case 'S':
      return Buffer.byteLength(value.S ?? '');
    case 'N':
      return numberBytes(value.N ?? '0');
    case 'B':
      return Buffer.byteLength(value.B ?? '', 'base64');
    case 'SS':
      return sum(value.SS ?? [], (text) => Buffer.byteLength(text));
    case 'NS':
      return sum(value.NS ?? [], numberBytes);
    case 'BS':
      return sum(value.BS ?? [], (text) => Buffer.byteLength(text, 'base64'));
    case 'L':
      return DOCUMENT_BYTES + sum(value.L ?? [], (element) => 1 + valueBytes(element));
    case 'M':
      return DOCUMENT_BYTES + Object.keys(value.M ?? {}).length + itemBytes(value.M ?? {});
    default:
      return 1;
  }
}
