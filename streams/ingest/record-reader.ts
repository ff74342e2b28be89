/** What the formats have in common: bytes in pieces of any size go in, records come out into a cutter. */
import { isUtf8 } from 'node:buffer';
import { type ChunkCutter, SAMPLE_BYTES_MAX, SOURCE_RECORD_BYTES_MAX } from './chunk-cutter.ts';

/** Reads a format as its bytes come. What it cuts does not depend on where the pieces end. */
export interface RecordReader {
  /**
   * @param piece not changed afterwards, and not kept
   * @throws BadObject when the rest cannot be read; the records before it are cut
   */
  write(piece: Buffer): void;
  /** No more bytes. @throws BadObject when they ended too early */
  end(): void;
}

export interface Place {
  readonly place: number;
  /** All of `from` is, so that the record need not be looked at. */
  readonly isUtf8: boolean;
}

/** A record as it is in a text, `from[start]` to `from[end]`: JSON, or bytes that are none. */
export function cutText(cutter: ChunkCutter, at: Place, from: Buffer, start: number, end: number): void {
  const { place } = at;
  const bytes = end - start;
  if (bytes > SOURCE_RECORD_BYTES_MAX) cutOversized(cutter, place, bytes, from.subarray(start, end));
  else if (cutter.admit(place, bytes)) {
    if ((at.isUtf8 || isUtf8(from.subarray(start, end))) && isJsonText(from.toString('latin1', start, end)))
      cutter.json(from, start, end);
    else cutter.bytes(from, start, end);
  }
}

/** A record whose JSON was made of its values. */
export function cutJson(cutter: ChunkCutter, place: number, json: string): void {
  const bytes = Buffer.from(json);
  if (bytes.length > SOURCE_RECORD_BYTES_MAX) cutOversized(cutter, place, bytes.length, bytes);
  else if (cutter.admit(place, bytes.length)) cutter.json(bytes, 0, bytes.length);
}

/** @param sample its first bytes */
export function cutOversized(cutter: ChunkCutter, place: number, bytes: number, sample: Buffer): void {
  const received = `a record of ${bytes} bytes`;
  cutter.unreadable(place, { received, expected: `at most ${SOURCE_RECORD_BYTES_MAX} bytes` }, sample);
}

/**
 * Whether bytes that are UTF-8 are JSON, as one character a byte: what JSON is made of is ASCII, and inside its strings
 * any other is allowed. Decoding them twice is saved.
 */
export function isJsonText(latin1: string): boolean {
  try {
    JSON.parse(latin1);
    return true;
  } catch {
    return false;
  }
}

/** The beginning of a record whose end is in a later piece. Of one that grows too large only a sample is kept. */
export class PendingBytes {
  length = 0;
  #parts: Buffer[] = [];

  get isOversized(): boolean {
    return this.length > SOURCE_RECORD_BYTES_MAX;
  }

  /** Copies: a small rest does not keep a large piece. */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const wasOversized = this.isOversized;
    this.length += bytes.length;
    if (wasOversized) return;
    this.#parts.push(Buffer.from(bytes));
    if (this.isOversized) this.#parts = [Buffer.from(Buffer.concat(this.#parts).subarray(0, SAMPLE_BYTES_MAX))];
  }

  /** All of it, or a sample where it is oversized; it is empty afterwards. */
  take(): Buffer {
    const [first, ...more] = this.#parts;
    this.#parts = [];
    this.length = 0;
    return first !== undefined && more.length === 0 ? first : Buffer.concat(first ? [first, ...more] : []);
  }
}
