/**
 * How each scalar type is checked: the test that a canonical value passes, as source text for the compiled validator, and
 * what happens to a value that does not pass it: it is another accepted spelling, or a problem.
 *
 * Canonical forms: int, long, float and double are numbers; timestamp-millis and timestamp-micros are numbers since the
 * epoch; date is `yyyy-MM-dd`; decimal is text of exactly the declared scale; uuid is lower-case text; bytes and fixed are
 * Buffers.
 */
import type { AvroType } from './avro-type.ts';
import { dayFromText, dayText } from './calendar.ts';
import { canonicalDecimal } from './decimal.ts';
import { type Problem, problem } from './problem.ts';
import { parseTimestamp, parseTimestampMicros, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './timestamp.ts';

export type ScalarType = Exclude<AvroType, { kind: 'record' | 'array' | 'map' | 'nullable' }>;

/** The outcome for a value that failed the fast test: its canonical form, or what is wrong with it. */
export type Settled = string | number | Buffer | Problem;

export interface ScalarRule {
  /** Source text that is true for canonical values of `name`, without side effects. */
  readonly test: (name: string) => string;
  /** What to make of a value that fails `test`. */
  readonly settle: (value: unknown) => Settled;
  /** Whether `settle` may find another spelling; otherwise it only explains. */
  readonly spellings: boolean;
}

/** Largest finite float: values beyond it would become Infinity on the wire (IEEE 754 binary32). */
const FLOAT_MAX = 3.4028234663852886e38;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TEXT = 'string of well-formed Unicode';

const outOfRange = (expected: string, value: unknown): Problem => problem('OUT_OF_RANGE', '', expected, value);
const wrongType = (expected: string, value: unknown): Problem => problem('WRONG_TYPE', '', expected, value);

/** A rule without other spellings: a number of the right kind is out of range, anything else is of the wrong type. */
function plainRule(test: ScalarRule['test'], expected: string, isKind: (value: unknown) => boolean): ScalarRule {
  const settle = (value: unknown) => (isKind(value) ? outOfRange(expected, value) : wrongType(expected, value));
  return { test, settle, spellings: false };
}

const never = (): boolean => false;
const isNumber = (value: unknown): boolean => typeof value === 'number';
// Whole numbers past 2^53 are integers to JavaScript, though rounded ones; infinities come from JSON such as 1e400.
const isWhole = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value);
const inRange = (name: string, min: number, max: number): string =>
  `Number.isInteger(${name}) && ${name} >= ${min} && ${name} <= ${max}`;

function timestampRule(unit: 'milliseconds' | 'microseconds'): ScalarRule {
  const perMs = unit === 'milliseconds' ? 1 : 1000;
  const min = Math.max(TIMESTAMP_MS_MIN * perMs, Number.MIN_SAFE_INTEGER);
  const max = Math.min(TIMESTAMP_MS_MAX * perMs + (perMs - 1), Number.MAX_SAFE_INTEGER);
  const parse = unit === 'milliseconds' ? parseTimestamp : parseTimestampMicros;
  const expected = `timestamp: epoch ${unit} from ${min} to ${max}, or text such as 2026-01-31T12:00:00.000Z`;
  return {
    test: (name) => inRange(name, min, max),
    spellings: true,
    settle: (value) => {
      if (typeof value === 'number') return isWhole(value) ? outOfRange(expected, value) : wrongType(expected, value);
      if (typeof value !== 'string') return wrongType(expected, value);
      const canonical = parse(value);
      if (canonical === undefined) return problem('INVALID_LOGICAL_VALUE', '', expected, value);
      return Number.isSafeInteger(canonical) ? canonical : outOfRange(expected, value);
    },
  };
}

/** For types whose canonical form cannot be told by a cheap expression: always settled, assigned only when it differs. */
function textRule(expected: string, canonicalOf: (value: unknown) => string | undefined, kinds: string[]): ScalarRule {
  return {
    test: () => 'false',
    spellings: true,
    settle: (value) => {
      if (!kinds.includes(typeof value)) return wrongType(expected, value);
      const canonical = canonicalOf(value);
      return canonical === undefined ? problem('INVALID_LOGICAL_VALUE', '', expected, value) : canonical;
    },
  };
}

function canonicalDate(value: unknown): string | undefined {
  const day = typeof value === 'string' && value.length === 10 && value[4] === '-' ? dayFromText(value) : undefined;
  return day === undefined ? undefined : dayText(day);
}

function canonicalUuid(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return UUID.test(text) ? text : undefined;
}

/** Bytes in JSON are text of the characters U+0000 to U+00FF, one a byte: Avro's JSON encoding. */
function bytesRule(size: number | undefined): ScalarRule {
  const expected = `${size ?? 'any number of'} bytes, in JSON as characters U+0000 to U+00FF`;
  const fits = (length: number) => size === undefined || length === size;
  return {
    test: (name) => `Buffer.isBuffer(${name})${size === undefined ? '' : ` && ${name}.length === ${size}`}`,
    spellings: true,
    settle: (value) => {
      if (Buffer.isBuffer(value)) return outOfRange(expected, value);
      if (typeof value !== 'string') return wrongType(expected, value);
      for (let at = 0; at < value.length; at += 1) {
        if (value.charCodeAt(at) > 0xff) return problem('INVALID_LOGICAL_VALUE', '', expected, value);
      }
      return fits(value.length) ? Buffer.from(value, 'latin1') : outOfRange(expected, value);
    },
  };
}

function enumRule(symbols: readonly string[]): ScalarRule {
  const expected = `one of ${symbols.map((symbol) => JSON.stringify(symbol)).join(', ')}`;
  return {
    test: (name) => symbols.map((symbol) => `${name} === ${JSON.stringify(symbol)}`).join(' || '),
    spellings: false,
    settle: (value) =>
      typeof value === 'string' ? problem('INVALID_SYMBOL', '', expected, value) : wrongType(expected, value),
  };
}

/** The rule of a scalar type. */
export function scalarRule(type: ScalarType): ScalarRule {
  switch (type.kind) {
    case 'boolean':
      return plainRule((name) => `typeof ${name} === "boolean"`, 'boolean', never);
    case 'int':
      // By type first: to convert an object calls its toString, which a client may have made a number.
      return plainRule(
        (name) => `typeof ${name} === "number" && (${name} | 0) === ${name}`,
        'int from -2147483648 to 2147483647',
        isWhole,
      );
    case 'long':
      return plainRule(
        (name) => `Number.isSafeInteger(${name})`,
        'long from -9007199254740991 to 9007199254740991 (beyond that a JSON number is rounded)',
        (value) => isWhole(value) || value === Infinity || value === -Infinity,
      );
    case 'float':
      return plainRule(
        (name) => `typeof ${name} === "number" && ${name} >= -${FLOAT_MAX} && ${name} <= ${FLOAT_MAX}`,
        'finite float',
        isNumber,
      );
    case 'double':
      return plainRule((name) => `Number.isFinite(${name})`, 'finite double', isNumber);
    case 'string':
      // A lone surrogate has no UTF-8 form: it would reach Parquet as another character, or fail conversion.
      return plainRule((name) => `typeof ${name} === "string" && ${name}.isWellFormed()`, TEXT, never);
    case 'timestamp-millis':
      return timestampRule('milliseconds');
    case 'timestamp-micros':
      return timestampRule('microseconds');
    case 'date':
      return textRule('date yyyy-MM-dd of the years 1 to 9999', canonicalDate, ['string']);
    case 'uuid':
      return textRule('uuid of 8-4-4-4-12 hex digits', canonicalUuid, ['string']);
    case 'decimal': {
      const expected = `decimal(${type.precision}, ${type.scale}), without rounding`;
      return textRule(expected, (value) => canonicalDecimal(value, type), ['string', 'number']);
    }
    case 'bytes':
      return bytesRule(undefined);
    case 'fixed':
      return bytesRule(type.size);
    case 'enum':
      return enumRule(type.symbols);
  }
}
