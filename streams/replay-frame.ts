/**
 * How a record is played again through the stream with the identity of the place where it first stood: redrive of what
 * was parked, and replay of the tape.
 *
 * `A7 52 50 4C` ‖ version `01` ‖ length of the header, 2 bytes, big-endian ‖ header, JSON ‖ the record's data, as it was
 * or, where the header says so, in gzip: nearly every record that was close to the stream's limit fits it again.
 */
import { isUtf8 } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isRecord } from '../schemas/describe.ts';

/** No accepted format begins so (codecs/decode-record.ts): 0xA7 begins no text in UTF-8 and none of the binary ones. */
const MAGIC = Buffer.from('a752504c', 'hex');
const VERSION = 1;
const HEADER_AT = MAGIC.length + 3;
/** Shard, sequence number and partition key at their longest, with room. */
const HEADER_BYTES_MAX = 4_096;
/** Unicode characters of a partition key (kinesis/latest/APIReference/API_PutRecordsRequestEntry.html). */
const PARTITION_KEY_CHARACTERS_MAX = 256;
const GENERATION_MAX = 1_000_000;
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

/**
 * Not even compressed does the frame fit a record of the stream: its record was close to the limit, and is compressed
 * already. It stays where it is (parked, or on the tape) until the stream's `MaxRecordSizeInKiB` is raised by 8, which
 * fits every frame of a record that was taken before; nothing of it may be left out, or its identity would lie.
 */
export class ReplayFrameTooLarge extends Error {
  /** Of the smallest frame and the partition key, as Kinesis counts a record. */
  readonly recordBytes: number;
  readonly recordBytesMax: number;

  constructor(recordBytes: number, recordBytesMax: number) {
    super(`a replay frame: ${recordBytes} bytes with its partition key, allowed: ${recordBytesMax}`);
    this.name = 'ReplayFrameTooLarge';
    this.recordBytes = recordBytes;
    this.recordBytesMax = recordBytesMax;
  }
}

/**
 * @param recordBytesMax bytes that a record of the stream may have, its data and its partition key: past it the data is
 *   compressed. Default: no limit, and no compression
 * @throws ReplayFrameTooLarge when it does not fit compressed either
 * @throws RangeError when it would be no frame: a field out of its bounds, or data that is a frame itself, which
 *   `nextPlay` unwraps
 */
export function encodeReplayFrame(frame: ReplayFrame, recordBytesMax = Number.POSITIVE_INFINITY): Buffer {
  const { data, partitionKey } = frame;
  const frameBytesMax = recordBytesMax - Buffer.byteLength(partitionKey);
  const plain = assemble(frame, data, false);
  const wrong = readReplayFrame(plain);
  if (typeof wrong === 'string') throw new RangeError(`a replay frame to be written: it would be ${wrong}`);
  if (plain.length <= frameBytesMax) return plain;
  const packed = assemble(frame, gzipSync(data, { level: 9 }), true);
  if (packed.length <= frameBytesMax) return packed;
  const frameBytes = Math.min(plain.length, packed.length);
  throw new ReplayFrameTooLarge(frameBytes + Buffer.byteLength(partitionKey), recordBytesMax);
}

function assemble(frame: ReplayFrame, data: Buffer, isGzip: boolean): Buffer {
  const { shardId, sequenceNumber, partitionKey, arrivedAtMs, generation } = frame;
  const header = { shardId, sequenceNumber, partitionKey, arrivedAtMs, generation, ...(isGzip && { gzip: true }) };
  const text = Buffer.from(JSON.stringify(header));
  if (text.length > HEADER_BYTES_MAX)
    throw new RangeError(`a replay frame to be written: header of ${text.length} bytes`);
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

/**
 * The record of a frame, to be played once more; of any other record, to be played for the first time.
 * @param record extra properties, such as those of a record of the tape, are left out
 * @returns what is wrong, in words, for a damaged frame: played again it would fail again, under another identity
 */
export function nextPlay(record: Omit<ReplayFrame, 'generation'>): ReplayFrame | string {
  const { shardId, sequenceNumber, partitionKey, arrivedAtMs, data } = record;
  if (!isReplayFrame(data)) return { shardId, sequenceNumber, partitionKey, arrivedAtMs, generation: 1, data };
  const before = readReplayFrame(data);
  return typeof before === 'string' ? before : { ...before, generation: before.generation + 1 };
}

function readHeader(bytes: Buffer): (Omit<ReplayFrame, 'data'> & { readonly gzip: boolean }) | undefined {
  if (!isUtf8(bytes)) return undefined;
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
    partitionKey !== '' &&
    [...partitionKey].length <= PARTITION_KEY_CHARACTERS_MAX &&
    typeof arrivedAtMs === 'number' &&
    isWithin(arrivedAtMs, 0, ARRIVAL_MS_MAX) &&
    typeof generation === 'number' &&
    isWithin(generation, 1, GENERATION_MAX) &&
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
