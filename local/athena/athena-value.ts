/**
 * Types and values as Athena prints them in results: timestamps `2026-01-01 00:00:00.000`, arrays `[a, b]`, doubles as
 * Java does.
 */
import {
  DuckDBBlobValue,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';

import { QueryFailure } from './query-failure.ts';

export interface ColumnType {
  readonly type: string;
  readonly precision: number;
  readonly scale: number;
  readonly caseSensitive: boolean;
}

const VARCHAR_PRECISION = 2_147_483_647;

/** Names and precisions as ColumnInfo gives them. */
const TYPES: Readonly<Partial<Record<DuckDBTypeId, readonly [type: string, precision: number, scale?: number]>>> = {
  [DuckDBTypeId.BOOLEAN]: ['boolean', 0],
  [DuckDBTypeId.TINYINT]: ['tinyint', 3],
  [DuckDBTypeId.SMALLINT]: ['smallint', 5],
  [DuckDBTypeId.INTEGER]: ['integer', 10],
  [DuckDBTypeId.BIGINT]: ['bigint', 19],
  [DuckDBTypeId.HUGEINT]: ['bigint', 19],
  [DuckDBTypeId.UTINYINT]: ['bigint', 19],
  [DuckDBTypeId.USMALLINT]: ['bigint', 19],
  [DuckDBTypeId.UINTEGER]: ['bigint', 19],
  [DuckDBTypeId.UBIGINT]: ['bigint', 19],
  [DuckDBTypeId.UHUGEINT]: ['bigint', 19],
  [DuckDBTypeId.FLOAT]: ['float', 17],
  [DuckDBTypeId.DOUBLE]: ['double', 17],
  [DuckDBTypeId.DATE]: ['date', 0],
  [DuckDBTypeId.TIME]: ['time', 3],
  [DuckDBTypeId.TIMESTAMP]: ['timestamp', 3],
  [DuckDBTypeId.TIMESTAMP_S]: ['timestamp', 3],
  [DuckDBTypeId.TIMESTAMP_MS]: ['timestamp', 3],
  [DuckDBTypeId.TIMESTAMP_NS]: ['timestamp', 3],
  [DuckDBTypeId.TIMESTAMP_TZ]: ['timestamp with time zone', 3],
  [DuckDBTypeId.BLOB]: ['varbinary', 1_073_741_824],
  [DuckDBTypeId.LIST]: ['array', 0],
  [DuckDBTypeId.MAP]: ['map', 0],
  [DuckDBTypeId.STRUCT]: ['row', 0],
};

export function athenaType(type: DuckDBType): ColumnType {
  if (type instanceof DuckDBDecimalType)
    return { type: 'decimal', precision: type.width, scale: type.scale, caseSensitive: false };
  if (type.alias === 'JSON') return { type: 'json', precision: 0, scale: 0, caseSensitive: true };
  const [name, precision, scale = 0] = TYPES[type.typeId] ?? ['varchar', VARCHAR_PRECISION];
  return { type: name, precision, scale, caseSensitive: name === 'varchar' };
}

export function athenaValue(value: DuckDBValue, type: DuckDBType): string {
  if (value === null) return 'null';
  if (typeof value === 'number')
    return type.typeId === DuckDBTypeId.DOUBLE || type.typeId === DuckDBTypeId.FLOAT
      ? javaDouble(value, type.typeId === DuckDBTypeId.FLOAT)
      : String(value);
  if (value instanceof DuckDBListValue && type instanceof DuckDBListType)
    return `[${value.items.map((item) => athenaValue(item, type.valueType)).join(', ')}]`;
  if (value instanceof DuckDBMapValue && type instanceof DuckDBMapType) {
    const entries = value.entries.map(
      (entry) => `${athenaValue(entry.key, type.keyType)}=${athenaValue(entry.value, type.valueType)}`,
    );
    return `{${entries.join(', ')}}`;
  }
  if (value instanceof DuckDBStructValue && type instanceof DuckDBStructType) {
    if (new Set(type.entryNames).size < type.entryNames.length)
      throw new QueryFailure('NOT_SUPPORTED', 'a ROW without names in the result; CAST it to ROW(name type, ...).');
    const members = type.entryNames.map((name, index) => {
      const memberType = type.entryTypes[index];
      const text = memberType === undefined ? 'null' : athenaValue(value.entries[name] ?? null, memberType);
      return `${name === '' ? `field${index}` : name}=${text}`;
    });
    return `{${members.join(', ')}}`;
  }
  if (value instanceof DuckDBBlobValue)
    return [...value.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return timestampText(value) ?? String(value);
}

function timestampText(value: DuckDBValue): string | undefined {
  if (value instanceof DuckDBTimestampTZValue) return `${instant(value.micros)} UTC`;
  if (value instanceof DuckDBTimestampValue) return instant(value.micros);
  if (value instanceof DuckDBTimestampMillisecondsValue) return instant(value.millis * 1000n);
  if (value instanceof DuckDBTimestampSecondsValue) return instant(value.seconds * 1_000_000n);
  if (value instanceof DuckDBTimestampNanosecondsValue) return instant(value.nanos / 1000n);
  return undefined;
}

/** Milliseconds, finer digits cut: `2026-01-01 00:00:00.000`. */
function instant(micros: bigint): string {
  const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  return new Date(Number(ms)).toISOString().replace('T', ' ').slice(0, -1);
}

/** Double.toString of Java: at least one fraction digit, an exponent from 1e7 on and below 1e-3. */
export function javaDouble(value: number, single = false): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const digits = single ? shortestSingle(value) : value;
  const size = Math.abs(digits);
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(digits) ? `${digits}.0` : String(digits);
  const [mantissa = '', exponent = '0'] = digits.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}

const SINGLE_DIGITS_MAX = 9;

/** The double with the fewest digits that is this single-precision number. */
function shortestSingle(value: number): number {
  for (let digits = 1; digits < SINGLE_DIGITS_MAX; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(SINGLE_DIGITS_MAX));
}
