/**
 * One file of a shard's log: a header, then frames, only ever appended to. Its index (where each frame begins, when each
 * record arrived) is in memory, and for a file of an earlier run is made when it is first asked for.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, write, writeSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { checkFrame, FRAME_HEADER_BYTES, type Frames, peekArrival } from './record-frame.ts';

/** Where the shard stood when the file was begun. */
export interface SegmentStart {
  /** Position in the shard of the file's first record: how many records came before. */
  readonly position: number;
  /** Data bytes of all records before. */
  readonly dataBytes: number;
  /** Arrival of the record before, 0 when there is none. */
  readonly arrivedAtMs: number;
}

const MAGIC = Buffer.from('KDSLOG01');
const HEADER_BYTES = 36;
const INDEX_CAPACITY = 64;
/** What is smaller is written at once; what is larger would hold up everything else for milliseconds. */
const SYNCHRONOUS_BYTES_MAX = 32 * 1024;

const writeAsync = promisify(write);

export class Segment {
  readonly file: string;
  readonly start: SegmentStart;
  #descriptor: number;
  /** Bytes of the file that are whole frames. */
  #fileBytes = HEADER_BYTES;
  #offsets = new Float64Array(INDEX_CAPACITY);
  #arrivals = new Float64Array(INDEX_CAPACITY);
  #count = 0;
  #dataBytes = 0;
  #isIndexed: boolean;

  private constructor(file: string, descriptor: number, start: SegmentStart, isIndexed: boolean) {
    this.file = file;
    this.#descriptor = descriptor;
    this.start = start;
    this.#isIndexed = isIndexed;
  }

  static create(folder: string, start: SegmentStart): Segment {
    const file = path.join(folder, `${String(start.position).padStart(16, '0')}.log`);
    const descriptor = openSync(file, 'w+');
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeDoubleLE(start.position, 8);
    header.writeDoubleLE(start.dataBytes, 16);
    header.writeDoubleLE(start.arrivedAtMs, 24);
    header.writeUInt32LE(crc32(header.subarray(0, 32)), 32);
    writeWhole(descriptor, header, 0);
    return new Segment(file, descriptor, start, true);
  }

  /** Undefined when the file has no whole header, as when a process was killed while it began the file. */
  static open(file: string): Segment | undefined {
    const descriptor = openSync(file, 'r+');
    const header = readUpTo(descriptor, 0, HEADER_BYTES);
    const isWhole =
      header.length === HEADER_BYTES &&
      header.subarray(0, MAGIC.length).equals(MAGIC) &&
      crc32(header.subarray(0, 32)) === header.readUInt32LE(32);
    if (!isWhole) {
      closeSync(descriptor);
      return undefined;
    }
    const start = {
      position: header.readDoubleLE(8),
      dataBytes: header.readDoubleLE(16),
      arrivedAtMs: header.readDoubleLE(24),
    };
    return new Segment(file, descriptor, start, false);
  }

  get count(): number {
    this.#index();
    return this.#count;
  }

  get fileBytes(): number {
    this.#index();
    return this.#fileBytes;
  }

  /** Where the shard stands behind the file's last record. */
  get end(): SegmentStart {
    this.#index();
    return {
      position: this.start.position + this.#count,
      dataBytes: this.start.dataBytes + this.#dataBytes,
      arrivedAtMs: this.#count > 0 ? this.arrivedAtMs(this.#count - 1) : this.start.arrivedAtMs,
    };
  }

  /** When the first record of the file arrived; undefined when it has none. Needs no index. */
  get firstArrivalMs(): number | undefined {
    if (this.#isIndexed) return this.#count > 0 ? this.#arrivals[0] : undefined;
    return peekArrival(readUpTo(this.#descriptor, HEADER_BYTES, FRAME_HEADER_BYTES));
  }

  /** When the n-th record of the file arrived. */
  arrivedAtMs(index: number): number {
    this.#index();
    return this.#arrivals[index] ?? 0;
  }

  /** Where the n-th frame of the file begins; for n = count, where the next will. */
  offset(index: number): number {
    this.#index();
    return index < this.#count ? (this.#offsets[index] ?? 0) : this.#fileBytes;
  }

  /**
   * One call at a time. Resolves to where the frames begin, once they are with the operating system: a killed process
   * keeps them. @throws Error and has written nothing
   */
  async append(frames: Frames): Promise<number> {
    this.#index();
    const at = this.#fileBytes;
    try {
      if (frames.buffer.length < SYNCHRONOUS_BYTES_MAX) writeWhole(this.#descriptor, frames.buffer, at);
      else await writeInBackground(this.#descriptor, frames.buffer, at);
    } catch (error) {
      ftruncateSync(this.#descriptor, at);
      throw error;
    }
    let begin = at;
    for (const end of frames.ends) {
      this.#note(begin, frames.arrivedAtMs);
      begin = at + end;
    }
    this.#fileBytes = begin;
    this.#dataBytes += frames.dataBytes;
    return at;
  }

  /** Bytes of the file from one offset to another. */
  read(from: number, to: number): Buffer {
    const bytes = readUpTo(this.#descriptor, from, to - from);
    if (bytes.length !== to - from) throw new Error(`${this.file} ends before byte ${to}.`);
    return bytes;
  }

  /** Drops what a killed process left unfinished behind the last whole frame. @returns bytes dropped */
  repair(): number {
    this.#index();
    const torn = fstatSync(this.#descriptor).size - this.#fileBytes;
    if (torn > 0) ftruncateSync(this.#descriptor, this.#fileBytes);
    return torn;
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  remove(): void {
    this.close();
    unlinkSync(this.file);
  }

  #index(): void {
    if (this.#isIndexed) return;
    this.#isIndexed = true;
    const content = readUpTo(this.#descriptor, 0, fstatSync(this.#descriptor).size);
    for (let frame = checkFrame(content, this.#fileBytes); frame; frame = checkFrame(content, frame.end)) {
      this.#note(this.#fileBytes, frame.arrivedAtMs);
      this.#fileBytes = frame.end;
      this.#dataBytes += frame.dataBytes;
    }
  }

  #note(offset: number, arrivedAtMs: number): void {
    if (this.#count === this.#offsets.length) {
      this.#offsets = grown(this.#offsets);
      this.#arrivals = grown(this.#arrivals);
    }
    this.#offsets[this.#count] = offset;
    this.#arrivals[this.#count] = arrivedAtMs;
    this.#count++;
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  return larger;
}

function writeWhole(descriptor: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, at + written);
  }
}

async function writeInBackground(descriptor: number, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await writeAsync(descriptor, bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}

function readUpTo(descriptor: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const more = readSync(descriptor, bytes, read, length - read, at + read);
    if (more === 0) break;
    read += more;
  }
  return bytes.subarray(0, read);
}
