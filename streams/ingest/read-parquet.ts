/** Parquet, row group by row group: the bytes of one, and its columns, are what is in memory. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  type RowGroup,
  snappyUncompress,
} from 'hyparquet';
import type { RecordType } from '../../schemas/avro-type.ts';
import type { ChunkCutter } from './chunk-cutter.ts';
import { jsonOf, targetOfField } from './json-value.ts';
import { decimalsOf, PARQUET_PARSERS } from './parquet-values.ts';
import { cutJson } from './record-reader.ts';
import { BadObject, type SourceObject } from './source-object.ts';

/** Bytes of a row group, compressed, and of its columns when they are not: what writers make by default is less. */
const ROW_GROUP_BYTES_MAX = 128 * 1024 * 1024;
/** Values of a row group, over all columns. */
const ROW_GROUP_VALUES_MAX = 16_000_000;
/** Bytes of the metadata at the end of the file. */
const METADATA_BYTES_MAX = 32 * 1024 * 1024;
const FOOTER_BYTES = 8;
/** Rows between which what is cut is taken. */
const ROWS_A_STEP = 1_000;

const decompressor =
  (decompress: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array) =>
  (input: Uint8Array, bytes: number): Uint8Array =>
    decompress(input, { maxOutputLength: Math.max(1, checkPage(bytes)) });

const COMPRESSORS: Compressors = {
  SNAPPY: (input, bytes) => {
    const output = new Uint8Array(checkPage(bytes));
    snappyUncompress(input, output);
    return output;
  },
  GZIP: decompressor(gunzipSync),
  BROTLI: decompressor(brotliDecompressSync),
  ZSTD: decompressor(zstdDecompressSync),
};

function checkPage(bytes: number): number {
  if (bytes >= 0 && bytes <= ROW_GROUP_BYTES_MAX) return bytes;
  throw new BadObject(`a page of ${bytes} bytes, allowed: ${ROW_GROUP_BYTES_MAX}`);
}

export interface ParquetOptions {
  readonly cutter: ChunkCutter;
  readonly input: RecordType;
}

/** Places are rows, from 1. @throws BadObject naming the row group, after the rows before it */
export async function* readParquet(
  object: SourceObject,
  { cutter, input }: ParquetOptions,
): AsyncGenerator<void, void, undefined> {
  const ranges = new Ranges(object);
  const metadata = await ranges.reading('Parquet: metadata', () => readMetadata(ranges));
  const decimals = decimalsOf(metadata);
  let row = 0;
  for (const [index, group] of metadata.row_groups.entries()) {
    const place = `Parquet: row group ${index + 1} of ${metadata.row_groups.length}, after ${row} rows`;
    const rows = Number(group.num_rows);
    const columns = await ranges.reading(place, async () => {
      checkRowGroup(group);
      await ranges.load(group);
      return readColumns(ranges, metadata, row, rows);
    });
    ranges.unload();
    const writers = [...columns].map(([name, parts], at) => ({
      prefix: `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`,
      target: targetOfField(input, name),
      settle: decimals.get(name),
      parts,
      part: 0,
    }));
    for (const end = row + rows; row < end; ) {
      let json = '';
      for (const writer of writers) {
        let part = writer.parts[writer.part];
        if (part && row >= part.rowEnd) {
          writer.part += 1;
          part = writer.parts[writer.part];
        }
        const value: unknown = part?.columnData[row - part.rowStart];
        json += writer.prefix + jsonOf(writer.settle ? writer.settle(value) : value, writer.target);
      }
      row += 1;
      cutJson(cutter, row, json === '' ? '{}' : `${json}}`);
      if (row % ROWS_A_STEP === 0) yield;
    }
    yield;
  }
}

interface ColumnPart {
  readonly columnData: ArrayLike<unknown>;
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** Columns of a row group by name, in the order of the schema, each in parts that follow one another. */
async function readColumns(
  file: AsyncBuffer,
  metadata: FileMetaData,
  rowStart: number,
  rows: number,
): Promise<ReadonlyMap<string, readonly ColumnPart[]>> {
  const columns = new Map<string, ColumnPart[]>();
  for (const name of rootNames(metadata)) columns.set(name, []);
  if (rows === 0) return columns;
  await parquetRead({
    file,
    metadata,
    rowStart,
    rowEnd: rowStart + rows,
    compressors: COMPRESSORS,
    parsers: PARQUET_PARSERS,
    utf8: false,
    geoparquet: false,
    onChunk: (part) => columns.get(part.columnName)?.push(part),
  });
  for (const [name, parts] of columns) {
    const found = parts.reduce((sum, part) => sum + part.columnData.length, 0);
    if (found < rows) throw new BadObject(`column ${JSON.stringify(name)} has ${found} values of ${rows}`);
  }
  return columns;
}

function rootNames({ schema }: FileMetaData): readonly string[] {
  const names: string[] = [];
  let index = 1;
  const skip = (): void => {
    const element = schema[index];
    index += 1;
    for (let left = element?.num_children ?? 0; left > 0; left -= 1) skip();
  };
  while (index < schema.length) {
    names.push(schema[index]?.name ?? '');
    skip();
  }
  return names;
}

async function readMetadata(ranges: Ranges): Promise<FileMetaData> {
  const { byteLength } = ranges;
  if (byteLength < 2 * FOOTER_BYTES) throw new BadObject(`received ${byteLength} bytes, which are no Parquet file`);
  const footer = Buffer.from(await ranges.slice(byteLength - FOOTER_BYTES, byteLength));
  if (footer.toString('latin1', 4) !== 'PAR1') {
    throw new BadObject(`the last bytes are ${footer.toString('hex', 4)}, allowed: 50415231, PAR1`);
  }
  const bytes = footer.readUInt32LE(0);
  if (bytes > METADATA_BYTES_MAX || bytes + FOOTER_BYTES > byteLength) {
    throw new BadObject(
      `received ${bytes} bytes of it, allowed: ${Math.min(METADATA_BYTES_MAX, byteLength - FOOTER_BYTES)}`,
    );
  }
  return parquetMetadataAsync(ranges, { parsers: PARQUET_PARSERS, geoparquet: false });
}

function checkRowGroup({ columns, num_rows }: RowGroup): void {
  let bytes = 0;
  let values = 0;
  for (const { meta_data } of columns) {
    if (meta_data === undefined) throw new BadObject('a column is encrypted, or in another file');
    const { codec, path_in_schema } = meta_data;
    if (codec !== 'UNCOMPRESSED' && COMPRESSORS[codec] === undefined) {
      const allowed = `UNCOMPRESSED, ${Object.keys(COMPRESSORS).join(', ')}`;
      throw new BadObject(`column ${path_in_schema.join('.')}: codec: received ${codec}, allowed: ${allowed}`);
    }
    bytes += Number(meta_data.total_uncompressed_size);
    values += Math.max(Number(meta_data.num_values), Number(num_rows));
  }
  if (bytes > ROW_GROUP_BYTES_MAX || values > ROW_GROUP_VALUES_MAX) {
    const allowed = `${ROW_GROUP_BYTES_MAX} bytes, ${ROW_GROUP_VALUES_MAX} values; write smaller row groups`;
    throw new BadObject(`received ${bytes} bytes and ${values} values, allowed: ${allowed}`);
  }
}

/** Ranges of the object's bytes, as hyparquet asks for them. Those of the row group under way are read in one. */
class Ranges implements AsyncBuffer {
  readonly byteLength: number;
  readonly #object: SourceObject;
  #loaded: { readonly from: number; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
  #failure: unknown;

  constructor(object: SourceObject) {
    this.#object = object;
    this.byteLength = object.sizeBytes;
  }

  /** What goes wrong in `read` is the object's fault, unless the object could not be read. */
  async reading<Value>(place: string, read: () => Promise<Value>): Promise<Value> {
    try {
      return await read();
    } catch (error) {
      if (this.#failure !== undefined) throw this.#failure;
      throw new BadObject(`${place}: ${Error.isError(error) ? error.message : String(error)}`, { cause: error });
    }
  }

  async slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const loaded = this.#loaded;
    if (loaded && start >= loaded.from && end <= loaded.from + loaded.bytes.length) {
      return loaded.bytes.slice(start - loaded.from, end - loaded.from).buffer;
    }
    return (await this.#read(start, end)).buffer;
  }

  async load({ columns }: RowGroup): Promise<void> {
    const bounds = columns.flatMap(({ meta_data: column }) => {
      if (column === undefined) return [];
      const start = Math.min(
        Number(column.dictionary_page_offset || column.data_page_offset),
        Number(column.data_page_offset),
      );
      return [start, start + Number(column.total_compressed_size)];
    });
    const from = Math.min(...bounds);
    const to = Math.max(...bounds);
    if (bounds.length > 0 && to - from <= ROW_GROUP_BYTES_MAX) {
      this.#loaded = { from, bytes: await this.#read(from, to) };
    }
  }

  unload(): void {
    this.#loaded = undefined;
  }

  async #read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!(from >= 0 && to >= from && to <= this.byteLength)) {
      throw new BadObject(`names bytes ${from} to ${to}, and the object has ${this.byteLength}`);
    }
    const bytes = new Uint8Array(to - from);
    let filled = 0;
    try {
      for await (const piece of this.#object.read(from, to)) {
        if (filled + piece.length > bytes.length) throw new Error(`more than ${bytes.length} bytes were read`);
        bytes.set(piece, filled);
        filled += piece.length;
      }
      if (filled < bytes.length) throw new Error(`${this.#object.key}: received ${filled} bytes of ${bytes.length}`);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    return bytes;
  }
}
