/**
 * How a record is played again through the stream with the identity of the place where it first stood: redrive of what
 * was parked, and replay of the tape.
 *
 * `A7 52 50 4C` ‖ version `01` ‖ length of the header, 2 bytes, big-endian ‖ header, JSON ‖ the record's data, as it was
 * or, where the header says so, in gzip: a record that was near 1 MiB fits the stream again.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { isRecord } from '../schemas/describe.ts';

/** No accepted format begins so: 0xA7 begins neither JSON nor any of the binary ones (codecs/decode-record.ts). */
const MAGIC = Buffer.from('a752504c', 'hex');
const VERSION = 1;
const HEADER_AT = MAGIC.length + 3;
/** Shard, sequence number, partition key and replay id at their longest, with room. */
const HEADER_BYTES_MAX = 4_096;
/** The largest record that a stream can be set to take (streams/latest/dev/large-records.html). */
const DATA_BYTES_MAX = 10 * 1024 * 1024;

export interface ReplayFrame {
  /** Where the record stood when it first came. */
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  /** When it first arrived, epoch milliseconds. */
  readonly arrivedAtMs: number;
  /** How often it was played again, 1 at least: a higher one takes over the claims of a lower one. */
  readonly generation: number;
  readonly data: Buffer;
}

export function isReplayFrame(data: Buffer): boolean {
  return data.length >= HEADER_AT && data[0] === MAGIC[0] && MAGIC.equals(data.subarray(0, MAGIC.length));
}

/** @param bytesMax bytes from which on the data is compressed, so that the whole fits a record of the stream */
export function encodeReplayFrame({ data, ...rest }: ReplayFrame, bytesMax = Number.POSITIVE_INFINITY): Buffer {
  const plain = assemble(rest, data, false);
  return plain.length <= bytesMax ? plain : assemble(rest, gzipSync(data), true);
}

function assemble(header: Omit<ReplayFrame, 'data'>, data: Buffer, isGzip: boolean): Buffer {
  const text = Buffer.from(JSON.stringify({ ...header, ...(isGzip && { gzip: true }) }));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([MAGIC, Buffer.of(VERSION), length, text, data]);
}

/** @returns what is wrong, in words, for a frame that is none; never throws */
export function readReplayFrame(frame: Buffer): ReplayFrame | string {
  if (!isReplayFrame(frame)) return 'no replay frame';
  if (frame[MAGIC.length] !== VERSION) return `a replay frame of version ${frame[MAGIC.length]}, allowed: ${VERSION}`;
  const length = frame.readUInt16BE(MAGIC.length + 1);
  if (length > HEADER_BYTES_MAX || HEADER_AT + length > frame.length) return `a header of ${length} bytes`;
  const header = readHeader(frame.subarray(HEADER_AT, HEADER_AT + length));
  if (header === undefined) return 'a header that is not of a replay frame';
  const { gzip, ...place } = header;
  const data = frame.subarray(HEADER_AT + length);
  const plain = gzip ? unpack(data) : data;
  if (plain === undefined) return `data that is no gzip of at most ${DATA_BYTES_MAX} bytes`;
  return isReplayFrame(plain) ? 'a replay frame in a replay frame' : { ...place, data: plain };
}

/** The record of a frame, to be played once more; of any other record, to be played for the first time. */
export function nextPlay(record: Omit<ReplayFrame, 'generation'>): ReplayFrame {
  const before = isReplayFrame(record.data) ? readReplayFrame(record.data) : undefined;
  if (typeof before === 'object') return { ...before, generation: before.generation + 1 };
  return { ...record, generation: 1 };
}

function readHeader(bytes: Buffer): (Omit<ReplayFrame, 'data'> & { readonly gzip: boolean }) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { shardId, sequenceNumber, partitionKey, arrivedAtMs, generation, gzip = false } = value;
  const isWhole =
    typeof shardId === 'string' &&
    /^[\w.-]{1,128}$/.test(shardId) &&
    typeof sequenceNumber === 'string' &&
    /^\d{1,129}$/.test(sequenceNumber) &&
    typeof partitionKey === 'string' &&
    typeof arrivedAtMs === 'number' &&
    isWithin(arrivedAtMs, 0, ARRIVAL_MS_MAX) &&
    typeof generation === 'number' &&
    isWithin(generation, 1, 1_000_000) &&
    typeof gzip === 'boolean';
  return isWhole ? { shardId, sequenceNumber, partitionKey, arrivedAtMs, generation, gzip } : undefined;
}

/** The last millisecond of the year 9999. */
const ARRIVAL_MS_MAX = 253_402_300_799_999;

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

function unpack(data: Buffer): Buffer | undefined {
  try {
    return gunzipSync(data, { maxOutputLength: DATA_BYTES_MAX });
  } catch {
    return undefined;
  }
}
