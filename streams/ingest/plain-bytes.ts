/** The bytes of an object, decompressed, in pieces. */
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { describeBytes } from '../codecs/payload.ts';
import { BadObject, type SourceObject } from './source-object.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Bytes that are decompressed at a time. */
const BLOCK_BYTES = 256 * 1024;
/** Bytes of a piece that decompression gives. */
const PIECE_BYTES = 128 * 1024;
/** Decompressed bytes that wait: a bomb gets no further. */
const WAITING_BYTES_MAX = 512 * 1024;

/**
 * The object's bytes in blocks of one size, whatever pieces they come in: what decompression gives before it finds a fault
 * depends on how its input was cut.
 * @throws Error when the object's bytes are not as many as it says: it was not read whole
 */
export async function* readBlocks(object: SourceObject): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let filled = 0;
  let total = 0;
  for await (const piece of object.read(0)) {
    total += piece.length;
    for (let from = 0; from < piece.length; ) {
      const count = Math.min(piece.length - from, BLOCK_BYTES - filled);
      block.set(piece.subarray(from, from + count), filled);
      filled += count;
      from += count;
      if (filled < BLOCK_BYTES) continue;
      yield block;
      block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      filled = 0;
    }
  }
  if (total !== object.sizeBytes) {
    throw new Error(`${object.key}: received ${total} bytes, and it has ${object.sizeBytes}`);
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** @throws BadObject when they do not decompress, after all that did */
export async function* decompress(
  blocks: AsyncIterable<Buffer>,
  compression: Compression,
): AsyncGenerator<Buffer, void, undefined> {
  if (compression === 'none') {
    yield* blocks;
    return;
  }
  let inflater = createInflater(compression);
  try {
    for await (const block of blocks) {
      for (let from = 0; from < block.length; ) {
        const rest = block.subarray(from);
        yield* inflater.write(rest);
        if (!inflater.hasEnded) break;
        // What follows a gzip is padding: its further members have been read with it.
        if (compression === 'gzip') return;
        from += inflater.taken(rest.length);
        if (from === block.length) return;
        if (!isZstdFrame(block.subarray(from))) {
          const received = describeBytes(block, from, block.length);
          throw new BadObject(`zstd: received ${received} after a frame, allowed: another frame`);
        }
        inflater = createInflater(compression);
      }
    }
    yield* inflater.end();
  } finally {
    inflater.close();
  }
}

interface Inflater {
  /** Decompresses a block, and gives all that it gives. */
  write(block: Buffer): AsyncGenerator<Buffer, void, undefined>;
  end(): AsyncGenerator<Buffer, void, undefined>;
  /** The format says that there is no more. */
  readonly hasEnded: boolean;
  /** Of the block that was written last, as far as it belonged to it. */
  taken(blockBytes: number): number;
  close(): void;
}

function createInflater(compression: 'gzip' | 'zstd'): Inflater {
  const options = { chunkSize: PIECE_BYTES, highWaterMark: WAITING_BYTES_MAX };
  const engine = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  let failure: Error | undefined;
  let hasEnded = false;
  let written = 0;
  let wake = (): void => {};
  engine.on('readable', () => wake());
  engine.on('end', () => {
    hasEnded = true;
    wake();
  });
  engine.on('error', (error) => {
    failure = error;
    wake();
  });

  /** What was decompressed before an error is given first: destroyed, the stream still has it. */
  async function* drain(isDone: () => boolean): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const piece: unknown = engine.read();
      if (Buffer.isBuffer(piece)) yield piece;
      else if (failure !== undefined) throw badStream(compression, failure, engine);
      else if (hasEnded || isDone()) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  return {
    async *write(block) {
      let isTaken = false;
      written += block.length;
      engine.write(block, () => {
        isTaken = true;
        wake();
      });
      yield* drain(() => isTaken);
    },
    async *end() {
      if (hasEnded) return;
      engine.end();
      yield* drain(() => false);
    },
    get hasEnded() {
      // What it did not take lies behind the end: its event comes later.
      return hasEnded || engine.bytesWritten < written;
    },
    taken: (blockBytes) => blockBytes - (written - engine.bytesWritten),
    close: () => {
      engine.destroy();
    },
  };
}

function badStream(
  compression: string,
  failure: Error,
  { bytesWritten }: { readonly bytesWritten: number },
): BadObject {
  return new BadObject(`${compression}: ${failure.message}, about byte ${bytesWritten} of the object`, {
    cause: failure,
  });
}

/** A frame of data (`28 B5 2F FD`) or one to skip (`5n 2A 4D 18`): RFC 8878, section 3.1. */
export function isZstdFrame(bytes: Buffer): boolean {
  if (bytes.length < 4) return false;
  const magic = bytes.readUInt32LE(0);
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

/** A stream whose first bytes were looked at before it is read. */
export interface Peeked {
  /** `bytesMax` bytes, or fewer where there are no more that can be read. */
  readonly head: Buffer;
  /** From the first byte on, to be read once. What went wrong while looking is thrown in its place. */
  readonly pieces: AsyncIterable<Buffer>;
  /** For a stream that is not read. */
  close(): Promise<void>;
}

/**
 * @param bytesMax fixed, so that what is seen does not depend on the pieces
 * @throws what the stream throws before its first byte
 */
export async function peek(stream: AsyncIterable<Buffer>, bytesMax: number): Promise<Peeked> {
  const iterator = stream[Symbol.asyncIterator]();
  const seen: Buffer[] = [];
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  while (bytes < bytesMax) {
    try {
      const next = await iterator.next();
      if (next.done) break;
      seen.push(next.value);
      bytes += next.value.length;
    } catch (error) {
      if (bytes === 0) throw error;
      failure = { error };
      break;
    }
  }
  const head = Buffer.concat(seen).subarray(0, bytesMax);
  const close = async (): Promise<void> => {
    await iterator.return?.();
  };
  const replayed: AsyncIterator<Buffer> = {
    async next() {
      const value = seen.shift();
      if (value !== undefined) return { done: false, value };
      if (failure) throw failure.error;
      return iterator.next();
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
  return { head, pieces: { [Symbol.asyncIterator]: () => replayed }, close };
}
