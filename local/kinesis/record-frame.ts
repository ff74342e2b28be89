/**
 * A record on disk, little endian:
 *
 * CRC-32 of what follows (4) | bytes of data (4) | bytes of key (2) | magic (2) | arrival, epoch ms, double (8) | key | data
 */
import { crc32 } from 'node:zlib';

export interface FrameEntry {
  readonly partitionKey: string;
  /** UTF-8 bytes of the key. */
  readonly keyBytes: number;
  readonly data: string;
  /** What `data` decodes to. */
  readonly dataBytes: number;
}

/** Frames one behind the other, as they are appended. */
export interface Frames {
  readonly buffer: Buffer;
  /** Where each frame ends in the buffer. */
  readonly ends: readonly number[];
  readonly dataBytes: number;
  readonly arrivedAtMs: number;
}

export interface DecodedFrame {
  readonly partitionKey: string;
  /** A view of the buffer that was read. */
  readonly data: Buffer;
  readonly arrivedAtMs: number;
}

export const FRAME_HEADER_BYTES = 20;
const MAGIC = 0x4b52;

/** The data of an entry is not base64. */
export class InvalidBase64 extends Error {
  readonly index: number;
  constructor(index: number) {
    super(`Data of entry ${index} is not base64.`);
    this.index = index;
  }
}

/** @throws InvalidBase64 with the index of the entry */
export function encodeFrames(entries: readonly FrameEntry[], arrivedAtMs: number): Frames {
  const total = entries.reduce((sum, entry) => sum + FRAME_HEADER_BYTES + entry.keyBytes + entry.dataBytes, 0);
  const buffer = Buffer.allocUnsafe(total);
  const ends: number[] = [];
  let at = 0;
  let dataBytes = 0;
  for (const [index, entry] of entries.entries()) {
    const keyAt = at + FRAME_HEADER_BYTES;
    const dataAt = keyAt + entry.keyBytes;
    const end = dataAt + entry.dataBytes;
    buffer.writeUInt32LE(entry.dataBytes, at + 4);
    buffer.writeUInt16LE(entry.keyBytes, at + 8);
    buffer.writeUInt16LE(MAGIC, at + 10);
    buffer.writeDoubleLE(arrivedAtMs, at + 12);
    buffer.write(entry.partitionKey, keyAt, entry.keyBytes, 'utf8');
    if (buffer.write(entry.data, dataAt, 'base64') !== entry.dataBytes) throw new InvalidBase64(index);
    buffer.writeUInt32LE(crc32(buffer.subarray(at + 4, end)), at);
    dataBytes += entry.dataBytes;
    ends.push(end);
    at = end;
  }
  return { buffer, ends, dataBytes, arrivedAtMs };
}

/** @param at where a whole frame begins */
export function decodeFrame(buffer: Buffer, at: number): DecodedFrame {
  const keyAt = at + FRAME_HEADER_BYTES;
  const dataAt = keyAt + buffer.readUInt16LE(at + 8);
  return {
    partitionKey: buffer.toString('utf8', keyAt, dataAt),
    data: buffer.subarray(dataAt, dataAt + buffer.readUInt32LE(at + 4)),
    arrivedAtMs: buffer.readDoubleLE(at + 12),
  };
}

/** Arrival of a frame of which at least the header is there; undefined otherwise. */
export function peekArrival(header: Buffer): number | undefined {
  return header.length < FRAME_HEADER_BYTES ? undefined : header.readDoubleLE(12);
}

export interface FrameExtent {
  readonly end: number;
  readonly dataBytes: number;
  readonly arrivedAtMs: number;
}

/** The frame that begins at `at`, or undefined when it is cut short or damaged. */
export function checkFrame(buffer: Buffer, at: number): FrameExtent | undefined {
  if (at + FRAME_HEADER_BYTES > buffer.length || buffer.readUInt16LE(at + 10) !== MAGIC) return undefined;
  const dataBytes = buffer.readUInt32LE(at + 4);
  const end = at + FRAME_HEADER_BYTES + buffer.readUInt16LE(at + 8) + dataBytes;
  if (end > buffer.length || crc32(buffer.subarray(at + 4, end)) !== buffer.readUInt32LE(at)) return undefined;
  return { end, dataBytes, arrivedAtMs: buffer.readDoubleLE(at + 12) };
}
