/**
 * Checks the bytes of a document against the columns without parsing it: at the rates that the pipeline reaches,
 * JSON.parse would be most of the cost. What is not written as JSON.stringify writes it, with the columns in the table's
 * order and every value in its plain form, is left to the parser: a scan never says that a document is bad.
 */
import { type HiveField, type HiveType, parseHiveType } from '../glue/hive-type.ts';
import type { CatalogColumn } from '../ports.ts';
import { columnConverter } from './column-converter.ts';
import { scanBoolean, scanDate, scanFloat, scanInteger, scanString, scanTimestamp } from './scan-value.ts';

/** Position behind the value that begins at `at`; NO when the parser has to look at it. */
type Scan = (bytes: Buffer, at: number) => number;

const NO = -1;
const COMMA = 44;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

export interface RowScanner {
  /** Position behind the document that begins at `from`; negative when the parser has to look at it. */
  scan(bytes: Buffer, from: number): number;
  /** For each column where its value begins in the document scanned last; 0 when it has none. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export function rowScanner(columns: readonly CatalogColumn[]): RowScanner {
  const fields = columns.map(({ name, type }) => ({ name: name.toLowerCase(), type: parseHiveType(type) }));
  const starts = new Int32Array(fields.length);
  const ends = new Int32Array(fields.length);
  const object = scanObject(fields, (index, start, end) => {
    starts[index] = start;
    ends[index] = end;
  });
  return {
    scan(bytes, from) {
      starts.fill(0);
      ends.fill(0);
      return object(bytes, from);
    },
    starts,
    ends,
  };
}

function scanOf(type: HiveType): Scan {
  switch (type.kind) {
    case 'boolean':
      return scanBoolean;
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return scanInteger(type.kind);
    case 'float':
    case 'double':
      return scanFloat;
    case 'string':
    case 'varchar':
    case 'char':
      return scanString;
    case 'date':
      return scanDate;
    case 'timestamp':
      return scanTimestamp;
    case 'decimal':
      return scanPlainText(columnConverter(type).conforms);
    case 'array':
      return scanArray(scanOf(type.element));
    case 'struct':
      return scanObject(type.fields, () => undefined);
    case 'map':
    case 'binary':
      return () => NO;
  }
}

function scanPlainText(isPlain: (text: string) => boolean): Scan {
  return (bytes, at) => {
    const end = scanString(bytes, at);
    return end > 0 && isPlain(bytes.toString('latin1', at + 1, end - 1)) ? end : NO;
  };
}

function scanArray(element: Scan): Scan {
  return (bytes, from) => {
    if (bytes[from] !== BRACKET_OPEN) return NO;
    if (bytes[from + 1] === BRACKET_CLOSE) return from + 2;
    let at = from + 1;
    while (true) {
      const end = isNull(bytes, at) ? at + 4 : element(bytes, at);
      if (end < 0) return NO;
      if (bytes[end] === BRACKET_CLOSE) return end + 1;
      if (bytes[end] !== COMMA) return NO;
      at = end + 1;
    }
  };
}

/** Members must come in the order of the fields; some may be missing. So no name can come twice. */
function scanObject(fields: readonly HiveField[], found: (index: number, start: number, end: number) => void): Scan {
  const names = fields.map((field) => Buffer.from(`${JSON.stringify(field.name)}:`));
  const scans = fields.map((field) => scanOf(field.type));
  return (bytes, from) => {
    if (bytes[from] !== BRACE_OPEN) return NO;
    if (bytes[from + 1] === BRACE_CLOSE) return from + 2;
    let at = from + 1;
    for (let index = 0; index < names.length; index++) {
      const name = names[index];
      const scan = scans[index];
      if (!name || !scan || !matches(bytes, at, name)) continue;
      const start = at + name.length;
      const end = isNull(bytes, start) ? start + 4 : scan(bytes, start);
      if (end < 0) return NO;
      found(index, start, end);
      if (bytes[end] === BRACE_CLOSE) return end + 1;
      if (bytes[end] !== COMMA) return NO;
      at = end + 1;
    }
    return NO;
  };
}

function matches(bytes: Buffer, at: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) if (bytes[at + index] !== name[index]) return false;
  return true;
}

function isNull(bytes: Buffer, at: number): boolean {
  return bytes[at] === 110 && bytes[at + 1] === 117 && bytes[at + 2] === 108 && bytes[at + 3] === 108;
}
