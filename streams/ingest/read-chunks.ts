/** From an object's bytes to chunks: the formats, decompression and cutting, composed. docs/files.md describes them. */
import { parseSchema, type RecordType } from '../../schemas/avro-type.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import type { Chunk, ChunkEnvelope, ChunkLimits } from './chunk.ts';
import { ChunkCutter } from './chunk-cutter.ts';
import { compressChunk } from './compress-chunk.ts';
import {
  compressionOf,
  type FileFormat,
  type FormatHints,
  formatOfContent,
  formatOfName,
  HEAD_BYTES,
} from './file-format.ts';
import { decompress, type Peeked, peek, readBlocks } from './plain-bytes.ts';
import { readAvro } from './read-avro.ts';
import { createCsvReader } from './read-csv.ts';
import { createJsonReader } from './read-json.ts';
import { createNdjsonReader } from './read-ndjson.ts';
import { readParquet } from './read-parquet.ts';
import type { RecordReader } from './record-reader.ts';
import { BadObject, type SourceObject } from './source-object.ts';

/** What the events have in common, and how they are cut. The dataset is the compiled one. */
export type ReadChunksOptions = Omit<ChunkEnvelope, 'dataset'> &
  ChunkLimits & {
    readonly dataset: Dataset;
    /** Number of the first chunk that is given. Those before it are counted and not built. Default 0. */
    readonly fromChunk?: number | undefined;
    /** Instead of what the name says; the content has to agree. */
    readonly format?: FileFormat | undefined;
  };

/** Chunks that are compressed while others are given: as many as make one wait for no thread, and few in memory. */
const CHUNKS_IN_FLIGHT = 4;
/** First bytes of an object that its compression is told by. */
const MAGIC_BYTES = 16;

/**
 * Chunks in order, numbered from `fromChunk`. The same bytes and limits give the same chunks, whatever pieces the bytes
 * come in. Memory is bounded whatever the object's size: it is read as fast as chunks are taken.
 *
 * A bad record is an event, which the processor quarantines with its place and the reason.
 *
 * @throws BadObject when the rest of the object cannot be read, after the chunks of what came before; the last of these
 *   may be a partial one
 * @throws what `object.read` throws, as it is, after chunks that are complete
 * @throws RangeError for limits that are none
 */
export async function* readChunks(
  object: SourceObject,
  options: ReadChunksOptions,
): AsyncGenerator<Chunk, void, undefined> {
  const { source } = options;
  const flights: Promise<Chunk>[] = [];
  let failure: { readonly error: unknown } | undefined;
  let cutter: ChunkCutter | undefined;
  try {
    const reading = await openReading(object, options);
    cutter = reading.cutter;
    for await (const _ of reading.steps) {
      for (const cut of cutter.take()) {
        flights.push(compressChunk(cut, source));
        if (flights.length <= CHUNKS_IN_FLIGHT) continue;
        const [first] = flights.splice(0, 1);
        if (first) yield await first;
      }
    }
  } catch (error) {
    failure = { error };
  }
  if (failure === undefined || failure.error instanceof BadObject) cutter?.finish();
  for (const cut of cutter?.take() ?? []) flights.push(compressChunk(cut, source));
  for (const flight of flights) yield await flight;
  if (failure) throw failure.error;
}

/** Records are cut with each step; what is cut is taken between them. */
interface Reading {
  readonly cutter: ChunkCutter;
  readonly steps: AsyncIterable<void>;
}

/** What the places of a format are counted in. */
const PLACES: Readonly<Record<FileFormat, string>> = {
  ndjson: 'line',
  json: 'record',
  csv: 'row',
  avro: 'record',
  parquet: 'row',
};

/** What is known of the records that are read. */
export interface ReadContext extends FormatHints {
  readonly cutter: ChunkCutter;
}

async function openReading(object: SourceObject, options: ReadChunksOptions): Promise<Reading> {
  const { dataset } = options;
  const named = formatOfName(object.key);
  const raw = await peek(readBlocks(object), MAGIC_BYTES);
  let opened = raw;
  try {
    const compression = compressionOf(raw.head, named);
    const plain = await peek(decompress(raw.pieces, compression), HEAD_BYTES);
    opened = plain;
    const mark = byteOrderMarkBytes(plain.head);
    const hints: FormatHints = { files: dataset.definition.files, input: inputOf(dataset) };
    const format = formatOfContent(plain.head.subarray(mark), options.format ?? named.format, hints);
    const cutter = new ChunkCutter({ ...options, dataset: dataset.name, places: PLACES[format] });
    if (format !== 'parquet') return { cutter, steps: readStreamed(format, plain, mark, { cutter, ...hints }) };
    if (compression !== 'none') {
      throw new BadObject(
        `format: received Parquet in ${compression}, allowed: Parquet, which compresses its columns itself`,
      );
    }
    await plain.close();
    return { cutter, steps: readParquet(object, { cutter, ...hints }) };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function inputOf({ name, definition }: Dataset): RecordType {
  const type = parseSchema(definition.schema, `${name}/schema.avsc`);
  if (type.kind !== 'record') throw new TypeError(`${name}/schema.avsc: received ${type.kind}, allowed: a record`);
  return type;
}

function readStreamed(
  format: Exclude<FileFormat, 'parquet'>,
  { pieces }: Peeked,
  skippedBytes: number,
  context: ReadContext,
): AsyncIterable<void> {
  switch (format) {
    case 'ndjson':
      return readPieces(pieces, skippedBytes, createNdjsonReader(context.cutter));
    case 'json':
      return readPieces(
        pieces,
        skippedBytes,
        createJsonReader(context.cutter, context.files?.recordPath?.split('.') ?? []),
      );
    case 'csv':
      return readPieces(pieces, skippedBytes, createCsvReader(context));
    case 'avro':
      return readAvro(pieces, context);
  }
}

async function* readPieces(
  pieces: AsyncIterable<Buffer>,
  skippedBytes: number,
  reader: RecordReader,
): AsyncGenerator<void> {
  let toSkip = skippedBytes;
  for await (const piece of pieces) {
    const skipped = Math.min(toSkip, piece.length);
    toSkip -= skipped;
    reader.write(skipped === 0 ? piece : piece.subarray(skipped));
    yield;
  }
  reader.end();
  yield;
}

function byteOrderMarkBytes(head: Buffer): number {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
}
