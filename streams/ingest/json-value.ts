/**
 * Values of typed formats (Avro, Parquet) and of CSV as the JSON that validation takes them in. What JSON has no form for
 * takes the one that the dataset's field has; where the field is of another kind, it is quarantined by validation, never
 * changed on the way.
 */
import { isUtf8 } from 'node:buffer';
import type { AvroType } from '../../schemas/avro-type.ts';

/** A moment, microseconds since the epoch. */
export class Instant {
  readonly micros: bigint;
  constructor(micros: bigint) {
    this.micros = micros;
  }
}

/** A calendar day, days since 1970-01-01. */
export class Day {
  readonly days: number;
  constructor(days: number) {
    this.days = days;
  }
}

/** `unscaled` / 10^`scale`. */
export class Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }
}

/** The dataset's type at a place; undefined where it has none. */
export type Target = AvroType | undefined;

export function withoutNull(target: Target): Target {
  return target?.kind === 'nullable' ? target.of : target;
}

export function targetOfField(target: Target, name: string): Target {
  const type = withoutNull(target);
  if (type?.kind === 'map') return type.values;
  return type?.kind === 'record' ? type.fields.find((field) => field.name === name)?.type : undefined;
}

export function targetOfItems(target: Target): Target {
  const type = withoutNull(target);
  return type?.kind === 'array' ? type.items : undefined;
}

/** @returns JSON text of a value that a reader gave: of JSON's own kinds, bigint, bytes, or one of the classes above */
export function jsonOf(value: unknown, target: Target): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return numberJson(value);
    case 'bigint':
      // What a number cannot hold stays beyond the safe integers, where validation refuses it as rounded.
      return numberJson(Number(value));
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : objectJson(value, target);
    default:
      return 'null';
  }
}

function objectJson(value: object, target: Target): string {
  if (value instanceof Uint8Array) return bytesJson(value, withoutNull(target));
  if (value instanceof Instant) return instantJson(value.micros, withoutNull(target));
  if (value instanceof Day) return dayJson(value.days, withoutNull(target));
  if (value instanceof Decimal) return decimalJson(value, withoutNull(target));
  if (Array.isArray(value)) {
    const items = targetOfItems(target);
    return `[${value.map((item) => jsonOf(item, items)).join(',')}]`;
  }
  const entries = Object.entries(value).map(
    ([name, entry]) => `${JSON.stringify(name)}:${jsonOf(entry, targetOfField(target, name))}`,
  );
  return `{${entries.join(',')}}`;
}

/** JSON has no NaN and no infinity: as text they are quarantined, where null might pass. */
export function numberJson(value: number): string {
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}

/** Bytes are characters U+0000 to U+00FF where the field is bytes, else text. */
function bytesJson(bytes: Uint8Array, target: Target): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isBinary = target?.kind === 'bytes' || target?.kind === 'fixed' || !isUtf8(buffer);
  return JSON.stringify(buffer.toString(isBinary ? 'latin1' : 'utf8'));
}

const MS_MAX = 8_640_000_000_000_000;

function instantJson(exact: bigint, target: Target): string {
  const near = Number(exact);
  if (target?.kind === 'timestamp-micros') return numberJson(near);
  if (target?.kind === 'timestamp-millis' && Number.isSafeInteger(near)) return numberJson(Math.floor(near / 1_000));
  return slowInstantJson(exact, target);
}

function slowInstantJson(micros: bigint, target: Target): string {
  const ms = Number(micros / 1_000n) - (micros % 1_000n < 0n ? 1 : 0);
  const rest = Number(micros - BigInt(ms) * 1_000n);
  if (target?.kind === 'timestamp-millis' || target?.kind === 'long') return numberJson(ms);
  if (Math.abs(ms) > MS_MAX) return numberJson(ms);
  const text = new Date(ms).toISOString();
  return JSON.stringify(rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`);
}

const DAY_MS = 86_400_000;

function dayJson(days: number, target: Target): string {
  if (target?.kind === 'timestamp-millis') return numberJson(days * DAY_MS);
  const isNumber = target?.kind === 'int' || target?.kind === 'long' || Math.abs(days * DAY_MS) > MS_MAX;
  if (isNumber) return numberJson(days);
  return JSON.stringify(new Date(days * DAY_MS).toISOString().replace(/T.*$/, ''));
}

const NUMBERS: ReadonlySet<string> = new Set(['int', 'long', 'float', 'double']);

function decimalJson({ unscaled, scale }: Decimal, target: Target): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = `${sign}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`;
  return target !== undefined && NUMBERS.has(target.kind) ? numberJson(Number(text)) : JSON.stringify(text);
}

const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?\s*$/;
const WHOLE = /^\s*[+-]?\d{1,16}\s*$/;
const TRUE = /^\s*(?:true|1)\s*$/i;
const FALSE = /^\s*(?:false|0)\s*$/i;

/** @returns JSON text of a value of CSV, by the kind of its field: what is of no such form stays text */
export function jsonOfText(text: string, target: Target): string {
  const type = withoutNull(target);
  if (text === '') return type?.kind === 'string' && target?.kind !== 'nullable' ? '""' : 'null';
  switch (type?.kind) {
    case 'int':
    case 'long':
    case 'timestamp-millis':
    case 'timestamp-micros':
      return WHOLE.test(text) && Number.isSafeInteger(Number(text)) ? String(Number(text)) : JSON.stringify(text);
    case 'float':
    case 'double':
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? String(Number(text)) : JSON.stringify(text);
    case 'boolean':
      return TRUE.test(text) ? 'true' : FALSE.test(text) ? 'false' : JSON.stringify(text);
    case 'record':
    case 'array':
    case 'map':
      return isJson(text) ? text : JSON.stringify(text);
    default:
      return JSON.stringify(text);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
