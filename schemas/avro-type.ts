/**
 * Reads an Avro schema into the tree that the validator, the codec, the Glue columns and the generated types are built
 * from. What this pipeline does not keep exactly is refused here, by name: a schema that parses is supported throughout.
 *
 * Supported: records, arrays, maps, enums, fixed, primitives, a union of null with one other type, and the logical types
 * timestamp-millis, timestamp-micros, date, decimal and uuid. Source: Apache Avro specification 1.12.
 */
import type { Schema } from 'avsc';
import { isRecord, shown } from './describe.ts';

export interface AvroField {
  readonly name: string;
  readonly doc: string;
  readonly type: AvroType;
  /** The default as the schema writes it; `undefined` when there is none (JSON has no undefined). */
  readonly default: unknown;
}

export interface RecordType {
  readonly kind: 'record';
  /** Full name, with namespace. */
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly AvroField[];
}

export interface NullableType {
  readonly kind: 'nullable';
  readonly of: AvroType;
  /** True for `["null", T]`: null is branch 0 on the wire and the only possible default. */
  readonly nullFirst: boolean;
}

export interface DecimalType {
  readonly kind: 'decimal';
  readonly precision: number;
  readonly scale: number;
  /** Bytes of the underlying fixed, or `undefined` on bytes. */
  readonly size: number | undefined;
}

export type ScalarKind =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp-millis'
  | 'timestamp-micros'
  | 'date'
  | 'uuid';

export type AvroType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | DecimalType
  | NullableType
  | RecordType;

/** Digits of a decimal that Glue, Hive and Parquet hold: AWS Glue and Athena data types, `decimal(precision, scale)`. */
export const DECIMAL_PRECISION_MAX = 38;

const PRIMITIVES: ReadonlySet<string> = new Set(['boolean', 'int', 'long', 'float', 'double', 'string', 'bytes']);
/** Logical types of a primitive, as `<logical type> on <primitive>`. */
const LOGICAL_PRIMITIVES: ReadonlyMap<string, ScalarKind> = new Map([
  ['timestamp-millis on long', 'timestamp-millis'],
  ['timestamp-micros on long', 'timestamp-micros'],
  ['date on int', 'date'],
  ['uuid on string', 'uuid'],
]);
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

interface Scope {
  readonly named: Map<string, AvroType>;
  /** Names being defined around this place: a reference to one of them is recursion. */
  readonly open: ReadonlySet<string>;
  readonly namespace: string | undefined;
  readonly path: string;
}

/**
 * @param root what error messages call the schema, such as `earthquakes/schema.avsc`
 * @throws TypeError naming the place, what is there and what is allowed
 */
export function parseSchema(schema: Schema, root = 'schema'): AvroType {
  return parseType(schema, { named: new Map(), open: new Set(), namespace: undefined, path: root });
}

function refuse(scope: Scope, wrong: string, received: unknown, allowed: string): never {
  throw new TypeError(`${scope.path}: ${wrong}; received ${shown(received)}, allowed: ${allowed}`);
}

function parseType(schema: unknown, scope: Scope): AvroType {
  if (typeof schema === 'string') return parseReference(schema, scope);
  if (Array.isArray(schema)) return parseUnion(schema, scope);
  if (!isRecord(schema)) return refuse(scope, 'not a schema', schema, 'a type name, a union or a type definition');
  const { type } = schema;
  if (schema.logicalType !== undefined) return parseLogical(schema, scope);
  switch (type) {
    case 'record':
      return parseRecord(schema, scope);
    case 'enum':
      return parseEnum(schema, scope);
    case 'fixed':
      return parseFixed(schema, scope);
    case 'array':
      return { kind: 'array', items: parseType(schema.items, { ...scope, path: `${scope.path}[]` }) };
    case 'map':
      return { kind: 'map', values: parseType(schema.values, { ...scope, path: `${scope.path}{}` }) };
    default:
      return parseType(type, scope);
  }
}

function parseReference(name: string, scope: Scope): AvroType {
  if (isPrimitive(name)) return { kind: name };
  if (name === 'null') refuse(scope, 'null says nothing alone', name, '["null", T] or [T, "null"]');
  const full = fullName(name, undefined, scope.namespace);
  if (scope.open.has(full)) refuse(scope, 'a recursive type has no Parquet form', name, 'types that end');
  return (
    scope.named.get(full) ?? refuse(scope, 'unknown type', name, `${[...PRIMITIVES].join(', ')} or an earlier name`)
  );
}

function isPrimitive(name: string): name is ScalarKind {
  return PRIMITIVES.has(name);
}

function parseUnion(branches: readonly unknown[], scope: Scope): AvroType {
  const allowed = '["null", T], [T, "null"] or [T]: other unions have no one JSON form and no Parquet column';
  const others = branches.filter((branch) => branch !== 'null' && !(isRecord(branch) && branch.type === 'null'));
  const [only] = others;
  if (others.length !== 1 || branches.length > 2) return refuse(scope, 'unsupported union', branches, allowed);
  if (Array.isArray(only)) return refuse(scope, 'union directly in a union', branches, allowed);
  const of = parseType(only, scope);
  // A union of one is that type in JSON, but has its branch index on the wire.
  if (branches.length === 1)
    return refuse(scope, 'union of one type', branches, 'the type itself, or a union with null');
  return { kind: 'nullable', of, nullFirst: branches[0] !== only };
}

function parseLogical(schema: Readonly<Record<string, unknown>>, scope: Scope): AvroType {
  const { logicalType, type } = schema;
  if (logicalType === 'decimal') return parseDecimal(schema, scope);
  const kind = LOGICAL_PRIMITIVES.get(`${logicalType} on ${type}`);
  if (kind) return { kind };
  const allowed = [...LOGICAL_PRIMITIVES.keys(), 'decimal on bytes', 'decimal on fixed'].join(', ');
  return refuse(scope, 'unsupported logical type', `${logicalType} on ${shown(type)}`, allowed);
}

function parseDecimal(schema: Readonly<Record<string, unknown>>, scope: Scope): AvroType {
  const { precision, scale = 0, type } = schema;
  if (!isWhole(precision, 1, DECIMAL_PRECISION_MAX)) {
    return refuse(scope, 'decimal precision', precision, `an integer from 1 to ${DECIMAL_PRECISION_MAX}`);
  }
  if (!isWhole(scale, 0, precision)) return refuse(scope, 'decimal scale', scale, `an integer from 0 to ${precision}`);
  if (type === 'bytes') return { kind: 'decimal', precision, scale, size: undefined };
  if (type !== 'fixed') return refuse(scope, 'decimal on another type', type, 'bytes or fixed');
  const size = sizeOf(schema, scope);
  // Two's complement of n bytes holds every decimal of floor(log10(2^(8n-1) - 1)) digits.
  const digits = String((1n << BigInt(8 * size - 1)) - 1n).length - 1;
  if (precision > digits)
    return refuse(scope, `decimal precision of a fixed of ${size}`, precision, `at most ${digits}`);
  const decimal = { kind: 'decimal', precision, scale, size } as const;
  define(schema, scope, decimal);
  return decimal;
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function sizeOf(schema: Readonly<Record<string, unknown>>, scope: Scope): number {
  const { size } = schema;
  return isWhole(size, 1, 1_048_576) ? size : refuse(scope, 'fixed size', size, 'an integer from 1 to 1048576 bytes');
}

function parseFixed(schema: Readonly<Record<string, unknown>>, scope: Scope): AvroType {
  const fixed = { kind: 'fixed', size: sizeOf(schema, scope) } as const;
  define(schema, scope, fixed);
  return fixed;
}

function parseEnum(schema: Readonly<Record<string, unknown>>, scope: Scope): AvroType {
  const symbols: string[] = [];
  if (!Array.isArray(schema.symbols) || schema.symbols.length === 0) {
    return refuse(scope, 'enum symbols', schema.symbols, 'a list of at least one symbol');
  }
  for (const symbol of schema.symbols) {
    if (typeof symbol !== 'string' || !NAME.test(symbol) || symbols.includes(symbol)) {
      return refuse(scope, 'enum symbol', symbol, `distinct names like ${NAME.source}`);
    }
    symbols.push(symbol);
  }
  const type: AvroType = { kind: 'enum', name: nameOf(schema, scope), symbols };
  define(schema, scope, type);
  return type;
}

function parseRecord(schema: Readonly<Record<string, unknown>>, scope: Scope): AvroType {
  const name = nameOf(schema, scope);
  if (scope.named.has(name) || scope.open.has(name)) refuse(scope, 'name defined twice', name, 'distinct names');
  if (!Array.isArray(schema.fields) || schema.fields.length === 0) {
    return refuse(scope, 'record fields', schema.fields, 'a list of at least one field');
  }
  const open = new Set([...scope.open, name]);
  const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : undefined;
  const fields: AvroField[] = [];
  for (const field of schema.fields) fields.push(parseField(field, { ...scope, open, namespace }, fields));
  const type: AvroType = { kind: 'record', name, doc: docOf(schema), fields };
  define(schema, scope, type);
  return type;
}

function parseField(field: unknown, scope: Scope, earlier: readonly AvroField[]): AvroField {
  if (!isRecord(field)) return refuse(scope, 'not a field', field, 'an object with name and type');
  const { name } = field;
  if (typeof name !== 'string' || !NAME.test(name) || name === '__proto__') {
    return refuse(scope, 'field name', name, `names like ${NAME.source}, without __proto__`);
  }
  if (earlier.some((other) => other.name === name)) refuse(scope, 'field defined twice', name, 'distinct names');
  const at = { ...scope, path: `${scope.path}.${name}` };
  const type = parseType(field.type, at);
  checkDefault(type, field.default, at);
  return { name, doc: docOf(field), type, default: field.default };
}

function checkDefault(type: AvroType, value: unknown, scope: Scope): void {
  if (value === undefined) return;
  const branch = type.kind === 'nullable' && !type.nullFirst ? type.of : type;
  if (branch.kind === 'nullable') {
    if (value !== null) refuse(scope, 'default of ["null", T]', value, 'null: a default is of the first branch');
  } else if (branch.kind === 'bytes' || branch.kind === 'fixed' || branch.kind === 'decimal') {
    refuse(scope, `default of ${branch.kind}`, value, 'none, or null with ["null", T]');
  } else if (value === null) {
    refuse(scope, `default of ${branch.kind}`, value, `a ${branch.kind}`);
  }
}

function define(schema: Readonly<Record<string, unknown>>, scope: Scope, type: AvroType): void {
  const name = nameOf(schema, scope);
  if (scope.named.has(name)) refuse(scope, 'name defined twice', name, 'distinct names');
  scope.named.set(name, type);
}

function nameOf(schema: Readonly<Record<string, unknown>>, scope: Scope): string {
  const { name, namespace } = schema;
  const full = typeof name === 'string' ? fullName(name, namespace, scope.namespace) : '';
  if (full === '' || !full.split('.').every((part) => NAME.test(part)) || isPrimitive(full)) {
    refuse(scope, 'type name', name, `names like ${NAME.source}, with dots between`);
  }
  return full;
}

/** A name with a dot is full as it is; otherwise its own namespace counts, then that of the enclosing definition. */
export function fullName(name: string, own: unknown, enclosing: string | undefined): string {
  if (name.includes('.')) return name;
  const namespace = typeof own === 'string' ? own : enclosing;
  return namespace ? `${namespace}.${name}` : name;
}

function docOf(schema: Readonly<Record<string, unknown>>): string {
  return typeof schema.doc === 'string' ? schema.doc : '';
}
