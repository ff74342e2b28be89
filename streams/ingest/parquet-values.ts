/** Values of Parquet that JSON has no form for: moments and days by hyparquet's parsers, decimals by their unscaled value. */
import { isUtf8 } from 'node:buffer';
import { type FileMetaData, type ParquetParsers, parquetSchema, type SchemaTree } from 'hyparquet';
import { isRecord } from '../../schemas/describe.ts';
import { Day, Decimal, Instant } from './json-value.ts';

const NANOS_A_MICRO = 1_000n;

/** Parts of a microsecond are left out. */
export const PARQUET_PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => new Instant(BigInt(millis) * 1_000n),
  timestampFromMicroseconds: (micros) => new Instant(BigInt(micros)),
  timestampFromNanoseconds: (nanos) => new Instant(BigInt(nanos) / NANOS_A_MICRO),
  dateFromDays: (days) => new Day(days),
  // A dictionary's are read once.
  stringFromBytes: (bytes) => (bytes && isUtf8(bytes) ? textOf(bytes) : bytes),
  jsonFromBytes: (bytes) => bytes,
  geometryFromBytes: (bytes) => bytes,
  geographyFromBytes: (bytes) => bytes,
};

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Makes decimals of the unscaled values in a column's value. */
export type Settle = (value: unknown) => unknown;

/**
 * Decimals would be read as binary fractions: their annotation is taken out of `metadata`, so that they come unscaled.
 * @returns what settles the values of the columns that hold some, by name
 */
export function decimalsOf(metadata: FileMetaData): ReadonlyMap<string, Settle> {
  const scales = new Map<unknown, number>();
  for (const element of metadata.schema) {
    if (element.converted_type !== 'DECIMAL' && element.logical_type?.type !== 'DECIMAL') continue;
    const logical = element.logical_type?.type === 'DECIMAL' ? element.logical_type.scale : undefined;
    scales.set(element, element.scale ?? logical ?? 0);
    element.converted_type = undefined;
    element.logical_type = undefined;
  }
  if (scales.size === 0) return new Map();
  return new Map(
    parquetSchema(metadata).children.flatMap((column) => {
      const settle = settleOf(column, scales);
      return settle ? [[column.element.name, settle] as const] : [];
    }),
  );
}

/** As hyparquet puts values together: groups are objects, lists arrays, and maps objects by key. */
function settleOf(node: SchemaTree, scales: ReadonlyMap<unknown, number>): Settle | undefined {
  const scale = scales.get(node.element);
  if (scale !== undefined)
    return (value) => (Array.isArray(value) ? value.map(unscaled(scale)) : unscaled(scale)(value));
  const [only] = node.children;
  const isRepeated = node.children.length === 1 && only?.element.repetition_type === 'REPEATED';
  const inner = isRepeated && only.children.length > 0 ? only.children : node.children;
  const settles = new Map(
    inner.flatMap((child) => {
      const settle = settleOf(child, scales);
      return settle ? [[child.element.name, settle] as const] : [];
    }),
  );
  if (settles.size === 0) return undefined;
  if (isRepeated && inner.length === 1) {
    const [settle] = settles.values();
    return (value) => (Array.isArray(value) && settle ? value.map(settle) : value);
  }
  const ofEntry = isRepeated ? settles.get('value') : undefined;
  return (value) => {
    if (Array.isArray(value)) return value.map((item) => settleEntries(item, (name) => settles.get(name)));
    return settleEntries(value, (name) => (isRepeated ? ofEntry : settles.get(name)));
  };
}

function settleEntries(value: unknown, settleOfName: (name: string) => Settle | undefined): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, settleOfName(name)?.(entry) ?? entry]));
}

function unscaled(scale: number): Settle {
  return (value) => {
    if (typeof value === 'number' || typeof value === 'bigint') return new Decimal(BigInt(value), scale);
    if (!(value instanceof Uint8Array)) return value;
    const hex = Buffer.from(value).toString('hex');
    return new Decimal(hex === '' ? 0n : BigInt.asIntN(8 * value.length, BigInt(`0x${hex}`)), scale);
  };
}
