/** Avro object container files: Apache Avro specification 1.12, "Object Container Files". */
import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompress } from 'hyparquet';
import type { RecordType } from '../../schemas/avro-type.ts';
import { shown } from '../../schemas/describe.ts';
import { AvroCursor, compileAvroDatum, type ReadDatum } from './avro-datum.ts';
import type { ChunkCutter } from './chunk-cutter.ts';
import { cutJson } from './record-reader.ts';
import { BadObject } from './source-object.ts';

/** Bytes of a block, and of what it is decompressed to: writers make blocks of 16 KB to a few MB. */
const BLOCK_BYTES_MAX = 32 * 1024 * 1024;
/** Bytes of one entry of the header. */
const HEADER_BYTES_MAX = 4 * 1024 * 1024;
const HEADER_ENTRIES_MAX = 1_000;
const MAGIC_BYTES = 4;
const SYNC_BYTES = 16;
/** Records between which what is cut is taken. */
const RECORDS_A_STEP = 1_000;

/** Places are records, from 1. @throws BadObject naming the block, after the records before it */
export async function* readAvro(
  pieces: AsyncIterable<Buffer>,
  { cutter, input }: { readonly cutter: ChunkCutter; readonly input: RecordType },
): AsyncGenerator<void, void, undefined> {
  const bytes = new PulledBytes(pieces);
  try {
    yield* readBlocksOf(bytes, cutter, input);
  } finally {
    await bytes.close();
  }
}

async function* readBlocksOf(
  bytes: PulledBytes,
  cutter: ChunkCutter,
  input: RecordType,
): AsyncGenerator<void, void, undefined> {
  const { sync, decompressBlock, readDatum } = await readHeader(bytes, input);
  let records = 0;
  for (let block = 1; !(await bytes.hasEnded()); block += 1) {
    try {
      const count = await bytes.size('records');
      const data = decompressBlock(await bytes.take(await bytes.size('bytes', BLOCK_BYTES_MAX)));
      if (!(await bytes.take(SYNC_BYTES)).equals(sync)) throw new BadObject('the marker at its end is another');
      if (count > data.length) throw new BadObject(`${count} records in ${data.length} bytes`);
      const cursor = new AvroCursor(data);
      for (let index = 0; index < count; index += 1) {
        const start = cursor.at;
        cursor.startRecord();
        const json = readDatum(cursor);
        records += 1;
        if (cursor.fault === undefined) cutJson(cutter, records, json);
        else {
          const record = data.subarray(start, cursor.at);
          cutter.unreadable(records, { received: cursor.fault, expected: 'strings in UTF-8' }, record);
        }
        if (records % RECORDS_A_STEP === 0) yield;
      }
      if (cursor.left > 0) throw new BadObject(`${cursor.left} bytes behind its last record`);
    } catch (error) {
      throw error instanceof BadObject
        ? new BadObject(`Avro: block ${block}, after ${records} records: ${error.message}`)
        : error;
    }
    yield;
  }
}

interface Header {
  readonly sync: Buffer;
  readonly decompressBlock: (block: Buffer) => Buffer;
  readonly readDatum: ReadDatum;
}

async function readHeader(bytes: PulledBytes, input: RecordType): Promise<Header> {
  const entries = new Map<string, Buffer>();
  try {
    await bytes.take(MAGIC_BYTES);
    for (let count = await bytes.long(); count !== 0; count = await bytes.long()) {
      if (count < 0) await bytes.long();
      for (let left = Math.abs(count); left > 0; left -= 1) {
        const key = await bytes.take(await bytes.size('bytes', HEADER_BYTES_MAX));
        entries.set(key.toString(), Buffer.from(await bytes.take(await bytes.size('bytes', HEADER_BYTES_MAX))));
        if (entries.size > HEADER_ENTRIES_MAX) throw new BadObject(`more than ${HEADER_ENTRIES_MAX} entries`);
      }
    }
    const sync = Buffer.from(await bytes.take(SYNC_BYTES));
    const decompressBlock = codecOf(entries.get('avro.codec')?.toString() ?? 'null');
    return { sync, decompressBlock, readDatum: compileSchema(entries.get('avro.schema')?.toString() ?? '', input) };
  } catch (error) {
    throw error instanceof BadObject ? new BadObject(`Avro: header: ${error.message}`) : error;
  }
}

function compileSchema(text: string, input: RecordType): ReadDatum {
  try {
    return compileAvroDatum(JSON.parse(text), input);
  } catch (error) {
    if (error instanceof BadObject) throw error;
    // No JSON, or nested beyond what the stack holds.
    throw new BadObject(`schema: ${Error.isError(error) ? error.name : 'no JSON'}`, { cause: error });
  }
}

const CODECS: Readonly<Record<string, (block: Buffer) => Buffer>> = {
  null: (block) => block,
  deflate: (block) => inflateRawSync(block, { maxOutputLength: BLOCK_BYTES_MAX }),
  zstandard: (block) => zstdDecompressSync(block, { maxOutputLength: BLOCK_BYTES_MAX }),
  snappy: uncompressSnappy,
};

function codecOf(name: string): (block: Buffer) => Buffer {
  const codec = Object.hasOwn(CODECS, name) ? CODECS[name] : undefined;
  if (codec === undefined) {
    throw new BadObject(`codec: received ${shown(name)}, allowed: ${Object.keys(CODECS).join(', ')}`);
  }
  return (block) => {
    try {
      return codec(block);
    } catch (error) {
      throw new BadObject(`${name}: ${Error.isError(error) ? error.message : 'does not decompress'}`, { cause: error });
    }
  };
}

/** Raw snappy, then a CRC-32 of what it holds, which is not compared: the records are checked by their dataset. */
function uncompressSnappy(block: Buffer): Buffer {
  const bytes = snappyLength(block);
  if (bytes > BLOCK_BYTES_MAX) throw new BadObject(`received ${bytes} bytes, allowed: ${BLOCK_BYTES_MAX}`);
  const output = Buffer.alloc(bytes);
  snappyUncompress(block.subarray(0, -4), output);
  return output;
}

/** The length that snappy begins with: a varint of up to five bytes. */
function snappyLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block[index] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  return length;
}

/** Takes as many bytes as are asked for from pieces of any size. */
class PulledBytes {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #taken = 0;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async hasEnded(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done) return true;
      this.#rest = next.value;
    }
    return false;
  }

  async take(count: number): Promise<Buffer> {
    if (this.#rest.length < count) {
      const parts = [this.#rest];
      let length = this.#rest.length;
      while (length < count) {
        const next = await this.#pieces.next();
        if (next.done) throw new BadObject(`the file ends early, at byte ${this.#taken + length}`);
        parts.push(next.value);
        length += next.value.length;
      }
      this.#rest = Buffer.concat(parts);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    this.#taken += count;
    return taken;
  }

  /** Zigzag, up to what a number holds. */
  async long(): Promise<number> {
    let value = 0;
    for (let index = 0; index < 7; index += 1) {
      const byte = (await this.take(1))[0] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new BadObject(`a number of more than 7 bytes, at byte ${this.#taken}`);
  }

  async size(what: string, max = Number.MAX_SAFE_INTEGER): Promise<number> {
    const size = await this.long();
    if (size < 0 || size > max) throw new BadObject(`received ${size} ${what}, allowed: 0 to ${max}`);
    return size;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}
