/** Which format an object has: its name says so, and its content has to agree. Where the name says nothing, its content does. */
import type { RecordType } from '../../schemas/avro-type.ts';
import type { FileOptions } from '../../schemas/dataset.ts';
import { isRecord } from '../../schemas/describe.ts';
import { describeBytes } from '../codecs/payload.ts';
import { type Compression, isZstdFrame } from './plain-bytes.ts';
import { BadObject } from './source-object.ts';

/** `json` is a document, or NDJSON where the content is. */
export type FileFormat = 'ndjson' | 'json' | 'csv' | 'avro' | 'parquet';

/** First bytes of a decompressed object that its format is told by. */
export const HEAD_BYTES = 64 * 1024;

const FORMAT_BY_EXTENSION: ReadonlyMap<string, FileFormat> = new Map([
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
  ['json', 'json'],
  ['geojson', 'json'],
  ['csv', 'csv'],
  ['avro', 'avro'],
  ['parquet', 'parquet'],
]);
const COMPRESSION_BY_EXTENSION: ReadonlyMap<string, Compression> = new Map([
  ['gz', 'gzip'],
  ['zst', 'zstd'],
]);

/** What a dataset says of its files, where name and content leave it open. */
export interface FormatHints {
  readonly files: FileOptions | undefined;
  readonly input: RecordType;
}

/** What a name says; undefined where it says nothing. */
export interface NamedFormat {
  readonly format: FileFormat | undefined;
  readonly compression: Compression | undefined;
}

/** @param key case does not matter: `incoming/flights/2001.NDJSON.gz` */
export function formatOfName(key: string): NamedFormat {
  const parts = key
    .slice(key.lastIndexOf('/') + 1)
    .toLowerCase()
    .split('.');
  const compression = COMPRESSION_BY_EXTENSION.get(parts.at(-1) ?? '');
  if (compression !== undefined) parts.pop();
  const format = parts.length > 1 ? FORMAT_BY_EXTENSION.get(parts.at(-1) ?? '') : undefined;
  // A format's name without a compression's says that there is none.
  return { format, compression: compression ?? (format === undefined ? undefined : 'none') };
}

/**
 * @param head the first bytes of the object
 * @throws BadObject when the name says another
 */
export function compressionOf(head: Buffer, named: NamedFormat): Compression {
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const found = isGzip ? 'gzip' : isZstdFrame(head) ? 'zstd' : 'none';
  if (named.compression !== undefined && named.compression !== found) {
    const says = named.compression === 'none' ? 'no compression' : named.compression;
    const received = found === 'none' ? `bytes that are none (${describeBytes(head, 0, head.length)})` : found;
    throw new BadObject(`compression: the name says ${says}, received ${received}`);
  }
  return found;
}

/**
 * @param head the first bytes of the decompressed object, without byte order mark; `HEAD_BYTES` unless it has fewer
 * @param said by whoever asks for it, or by the name
 * @throws BadObject when the content is of another format, or of none
 */
export function formatOfContent(head: Buffer, said: FileFormat | undefined, dataset: FormatHints): FileFormat {
  const found = contentOf(head, dataset);
  if (found === 'empty' && said !== 'avro' && said !== 'parquet') return said ?? 'ndjson';
  if (said === undefined) {
    if (found !== 'empty' && found !== 'text' && found !== 'binary') return found;
    if (found === 'text' && isCsv(head, dataset)) return 'csv';
    throw new BadObject(
      `format: the name says none, and the content is ${shownContent(found, head)}, allowed: ${ALLOWED}`,
    );
  }
  if (agrees(said, found, head)) return said === 'json' && found === 'ndjson' ? 'ndjson' : said;
  throw new BadObject(`format: received ${shownContent(found, head)}, allowed: ${said}, as it is said to be`);
}

const ALLOWED = 'NDJSON, JSON, CSV with a column of the dataset, Avro, Parquet';

type Content = FileFormat | 'text' | 'binary' | 'empty';

function agrees(said: FileFormat, found: Content, head: Buffer): boolean {
  switch (said) {
    case 'ndjson':
      // Its first line may be a bad one: an array of records is told by how it begins.
      return found === 'text' || found === 'ndjson' || (found === 'json' && !isArrayOfRecords(head));
    case 'json':
      return found === 'json' || found === 'ndjson';
    case 'csv':
      return found === 'text' || found === 'csv';
    default:
      return found === said;
  }
}

function contentOf(head: Buffer, dataset: FormatHints): Content {
  if (head.toString('latin1', 0, 4) === 'PAR1') return 'parquet';
  if (head.toString('latin1', 0, 4) === 'Obj\x01') return 'avro';
  const utf16 = head.subarray(0, 2).toString('hex');
  if (utf16 === 'fffe' || utf16 === 'feff') return 'binary';
  const text = head.toString('latin1');
  const start = text.search(/[^ \t\r\n]/);
  if (start < 0) return 'empty';
  if (text[start] === '[') return isJsonStart(text, start) ? 'json' : 'text';
  if (text[start] !== '{') return 'text';
  return isNdjson(text, start, head.length === HEAD_BYTES, dataset) ? 'ndjson' : 'json';
}

/** `[` of a JSON array, and not of a line that begins with it. */
function isJsonStart(text: string, start: number): boolean {
  return /^\[\s*(?:[[{"\]\-0-9tfn]|$)/.test(text.slice(start, start + 1024));
}

function isArrayOfRecords(head: Buffer): boolean {
  return /^\s*\[\s*\{/.test(head.toString('latin1'));
}

/**
 * Text that begins with an object: its first line is a record, unless it is no JSON by itself, or it is a document that
 * has its records in it.
 */
function isNdjson(text: string, start: number, isCut: boolean, dataset: FormatHints): boolean {
  const path = dataset.files?.recordPath?.split('.') ?? [];
  const end = text.indexOf('\n', start);
  // The first line is longer than what is seen of it.
  if (end < 0 && isCut) return path.length === 0;
  let value: unknown;
  try {
    value = JSON.parse(text.slice(start, end < 0 ? undefined : end));
  } catch {
    return false;
  }
  if (path.length === 0) return true;
  for (const name of path) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return true;
    value = value[name];
  }
  return !Array.isArray(value);
}

/** Text whose first line names a column of the dataset, or that the dataset declares the columns of. */
function isCsv(head: Buffer, dataset: FormatHints): boolean {
  const { csvColumns, csvDelimiter = ',' } = dataset.files ?? {};
  if (csvColumns !== undefined) return true;
  const [first = ''] = head.toString('utf8').split(/\r?\n/, 1);
  const names = first.split(csvDelimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  return names.some((name) => dataset.input.fields.some((field) => field.name === name));
}

function shownContent(content: Content, head: Buffer): string {
  switch (content) {
    case 'empty':
      return 'nothing';
    case 'binary':
      return `text in UTF-16, allowed in UTF-8 (${describeBytes(head, 0, head.length)})`;
    case 'text':
      return 'text that is no JSON';
    default:
      return content;
  }
}
