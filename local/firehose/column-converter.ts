/**
 * One column's values under the OpenX JSON SerDe: what Firehose makes of a JSON value for a Hive type.
 * Source: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html and observations of AWS;
 * README.md has the table. The result is JSON that DuckDB casts to the column's type without loss.
 */
import type { HiveField, HiveType } from '../glue/hive-type.ts';
import { normaliseDecimal } from './decimal.ts';
import { ExactNumber, lowerCaseJson } from './exact-json.ts';
import { isPlainDate, isPlainTimestamp, normaliseDate, normaliseTimestamp } from './timestamp.ts';

/** Why a document does not convert. A value, not an exception: a bad document costs no stack trace. */
export class Misfit {
  readonly expected: string;
  readonly received: string;
  readonly path: string;
  constructor(expected: string, received: string, path = '') {
    this.expected = expected;
    this.received = received;
    this.path = path;
  }
  at(step: string): Misfit {
    return new Misfit(this.expected, this.received, `${step}${this.path}`);
  }
}

/** The digits of a number matter and JSON.parse may have lost some: parse again with `parseExactJson`. */
export const NEEDS_EXACT = Symbol('needs exact numbers');

export interface ColumnConverter {
  /** True when the value, as JSON.parse gave it, can be written as it stands in the document's text. Null always can. */
  readonly conforms: (value: unknown) => boolean;
  /** The normalised value, a Misfit, or NEEDS_EXACT (never when `exact`). */
  readonly convert: (value: unknown, exact: boolean) => unknown;
}

const RECEIVED_CHARS_MAX = 80;
const INTEGER_TEXT = /^[+-]?\d+$/;
const NUMBER_TEXT = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const NOT_FINITE = new Set(['NaN', 'Infinity', '-Infinity']);

const BOUNDS = {
  tinyint: [-(2n ** 7n), 2n ** 7n - 1n],
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/** @throws Error for a type that this SerDe does not write */
export function columnConverter(type: HiveType): ColumnConverter {
  switch (type.kind) {
    case 'boolean':
      return booleans;
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return integers(type.kind);
    case 'float':
    case 'double':
      return floats(type.kind);
    case 'decimal':
      return decimals(type.precision, type.scale);
    case 'string':
    case 'varchar':
    case 'char':
      return strings;
    case 'date':
      return dates;
    case 'timestamp':
      return timestamps;
    case 'array':
      return arrays(columnConverter(type.element));
    case 'map':
      return maps(type.key, columnConverter(type.value));
    case 'struct':
      return structs(type.fields);
    case 'binary':
      throw new Error('binary columns are not converted by the local Firehose; use string with base64.');
  }
}

function misfit(expected: string, value: unknown): Misfit {
  const text = value instanceof ExactNumber ? value.source : (JSON.stringify(value) ?? String(value));
  return new Misfit(expected, text.length > RECEIVED_CHARS_MAX ? `${text.slice(0, RECEIVED_CHARS_MAX)}…` : text);
}

/** Null stays null; exact numbers are unwrapped for types that do not need them. */
function column(
  conforms: (value: unknown) => boolean,
  convert: (value: unknown, exact: boolean) => unknown,
): ColumnConverter {
  return {
    conforms: (value) => value === null || conforms(value),
    convert: (value, exact) => (value === null || value === undefined ? null : convert(value, exact)),
  };
}

const booleans = column(
  (value) => typeof value === 'boolean',
  (value) => {
    if (typeof value === 'boolean') return value;
    const word = typeof value === 'string' ? value.toLowerCase() : '';
    return word === 'true' || word === 'false' ? word === 'true' : misfit('boolean', value);
  },
);

function integers(kind: keyof typeof BOUNDS): ColumnConverter {
  const [least, most] = BOUNDS[kind];
  const low = Math.max(Number(least), Number.MIN_SAFE_INTEGER);
  const high = Math.min(Number(most), Number.MAX_SAFE_INTEGER);
  const conforms = (value: unknown): boolean =>
    Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
  return column(conforms, (value, exact) => {
    if (conforms(value)) return value;
    if (typeof value === 'number' && !exact && Number.isInteger(value)) return NEEDS_EXACT;
    const plain = integerText(value);
    if (plain === undefined) return misfit(kind, value);
    const integer = BigInt(plain);
    return integer >= least && integer <= most ? String(integer) : misfit(kind, value);
  });
}

/** Digits of an integer, whether it comes as number or as text; undefined for anything else. */
function integerText(value: unknown): string | undefined {
  if (typeof value === 'string') return INTEGER_TEXT.test(value) ? value.replace('+', '') : undefined;
  const source = value instanceof ExactNumber ? value.source : typeof value === 'number' ? String(value) : '';
  return normaliseDecimal(source, INTEGER_DIGITS_MAX, 0);
}

/** More than any bigint has. */
const INTEGER_DIGITS_MAX = 20;

function floats(kind: 'float' | 'double'): ColumnConverter {
  const fits = (value: number): boolean => Number.isFinite(kind === 'float' ? Math.fround(value) : value);
  return column(
    (value) => typeof value === 'number' && fits(value),
    (raw) => {
      const value = raw instanceof ExactNumber ? raw.value : raw;
      if (typeof value === 'number') return fits(value) ? value : misfit(kind, raw);
      if (typeof value !== 'string') return misfit(kind, raw);
      if (NOT_FINITE.has(value)) return value;
      const number = NUMBER_TEXT.test(value) ? Number(value) : Number.NaN;
      return fits(number) ? number : misfit(kind, raw);
    },
  );
}

function decimals(precision: number, scale: number): ColumnConverter {
  const normalise = (text: string): string | undefined => normaliseDecimal(text, precision, scale);
  return column(
    (value) => typeof value === 'string' && normalise(value) === value,
    (value, exact) => {
      if (typeof value === 'number' && !exact) return NEEDS_EXACT;
      const text = value instanceof ExactNumber ? value.source : value;
      const plain = typeof text === 'string' || typeof text === 'number' ? normalise(String(text)) : undefined;
      return plain ?? misfit(`decimal(${precision},${scale})`, value);
    },
  );
}

const strings = column(
  (value) => typeof value === 'string',
  (value, exact) => {
    if (typeof value === 'string') return value.toWellFormed();
    if (typeof value === 'boolean') return String(value);
    return exact ? lowerCaseJson(value).toWellFormed() : NEEDS_EXACT;
  },
);

const dates = column(
  (value) => typeof value === 'string' && isPlainDate(value),
  (value) => (typeof value === 'string' ? normaliseDate(value) : undefined) ?? misfit('date', value),
);

const timestamps = column(
  (value) => typeof value === 'string' && isPlainTimestamp(value),
  (raw) => {
    const value = raw instanceof ExactNumber ? raw.value : raw;
    const plain = typeof value === 'string' || typeof value === 'number' ? normaliseTimestamp(value) : undefined;
    return plain ?? misfit('timestamp', raw);
  },
);

function arrays(element: ColumnConverter): ColumnConverter {
  return column(
    (value) => Array.isArray(value) && value.every(element.conforms),
    (value, exact) => {
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      const converted: unknown[] = [];
      for (const [index, item] of list.entries()) {
        const next = element.convert(item, exact);
        if (next === NEEDS_EXACT) return next;
        if (next instanceof Misfit) return next.at(`[${index}]`);
        converted.push(next);
      }
      return converted;
    },
  );
}

function maps(key: HiveType, member: ColumnConverter): ColumnConverter {
  if (key.kind !== 'string' && key.kind !== 'varchar')
    throw new Error(`map keys are strings in JSON; received map<${key.kind},...>.`);
  return column(
    // DuckDB keeps both of two equal keys, which only a parsed object rules out.
    () => false,
    (value, exact) => {
      if (!isObject(value)) return misfit('map', value);
      const converted: Record<string, unknown> = Object.create(null);
      for (const [name, item] of Object.entries(value)) {
        const next = member.convert(item, exact);
        if (next === NEEDS_EXACT) return next;
        if (next instanceof Misfit) return next.at(`.${name}`);
        converted[name.toLowerCase().toWellFormed()] = next;
      }
      return converted;
    },
  );
}

function structs(fields: readonly HiveField[]): ColumnConverter {
  const converters = new Map(fields.map((field) => [field.name, columnConverter(field.type)]));
  const names = [...converters.keys()];
  return column(
    (value) =>
      isObject(value) && Object.entries(value).every(([name, item]) => converters.get(name)?.conforms(item) ?? false),
    (value, exact) => {
      if (!Array.isArray(value) && !isObject(value)) return misfit('struct', value);
      const members: ReadonlyMap<string, unknown> = Array.isArray(value)
        ? new Map(names.map((name, index) => [name, value[index]]))
        : byLowerCaseName(value);
      const converted: Record<string, unknown> = Object.create(null);
      for (const [name, converter] of converters) {
        const next = converter.convert(members.get(name), exact);
        if (next === NEEDS_EXACT) return next;
        if (next instanceof Misfit) return next.at(`.${name}`);
        converted[name] = next;
      }
      return converted;
    },
  );
}

/** Members by lower-case name; of names that become equal the last one counts. */
export function byLowerCaseName(value: object): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>();
  for (const [name, member] of Object.entries(value)) members.set(name.toLowerCase(), member);
  return members;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
