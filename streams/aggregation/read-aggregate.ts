/**
 * Reads a KPL aggregate without copying: it gives the bounds of the user records inside.
 *
 * Written here because aws-kinesis-agg goes through base64 and objects: 980 ns a record of 60 bytes against 190 with
 * this reader, MD5 included. Tests hold the two against each other. As the KCL does, bytes that carry the magic but no
 * valid checksum are one plain record; so are bytes whose message is malformed. Both are said, never passed over.
 */
import { hash } from 'node:crypto';
import { AGGREGATE_FRAME_BYTES, CHECKSUM_BYTES, hasAggregateMagic, MAGIC_BYTES } from './aggregate-format.ts';

/** The user records of an aggregate, as places in its bytes. */
export interface AggregateRecords {
  /** User records; 0 for an aggregate that holds none. */
  readonly count: number;
  /** Start and end of each user record's data, two numbers a record. */
  readonly dataBounds: readonly number[];
  /** Index of each user record's partition key; within `partitionKeyBounds`. */
  readonly partitionKeyIndexes: readonly number[];
  /** Start and end of each key in the partition key table, two numbers a key. */
  readonly partitionKeyBounds: readonly number[];
}

/** Either the records, or why the bytes are no aggregate. */
export type AggregateReading =
  | { readonly kind: 'aggregate'; readonly records: AggregateRecords }
  | { readonly kind: 'plain'; readonly reason: string };

const WIRE_VARINT = 0;
const WIRE_64_BIT = 1;
const WIRE_LENGTH = 2;
const WIRE_32_BIT = 5;

/** A varint that does not end within bounds, or exceeds 2^53. */
const MALFORMED = -1;

/** Reads the bytes of one Kinesis record. Never throws. */
export function readAggregate(data: Buffer): AggregateReading {
  if (!hasAggregateMagic(data)) return plain('it does not start with the KPL magic');
  if (data.length < AGGREGATE_FRAME_BYTES) {
    return plain(`it starts with the KPL magic but has ${data.length} bytes, less than magic and checksum take`);
  }
  const end = data.length - CHECKSUM_BYTES;
  if (hash('md5', data.subarray(MAGIC_BYTES, end), 'hex') !== data.toString('hex', end)) {
    return plain('it starts with the KPL magic, but its MD5 checksum does not match');
  }
  return readMessage(new Cursor(data, MAGIC_BYTES), end);
}

/** The partition key of the user record at `index`. */
export function partitionKeyAt(data: Buffer, records: AggregateRecords, index: number): string | undefined {
  const key = records.partitionKeyIndexes[index];
  if (key === undefined) return undefined;
  return data.toString('utf8', records.partitionKeyBounds[key * 2], records.partitionKeyBounds[key * 2 + 1]);
}

function readMessage(cursor: Cursor, end: number): AggregateReading {
  const dataBounds: number[] = [];
  const partitionKeyIndexes: number[] = [];
  const partitionKeyBounds: number[] = [];
  while (cursor.at < end) {
    const tag = cursor.varint(end);
    const field = tag >>> 3;
    if (tag === MALFORMED || field === 0) return plain(malformed(cursor.at));
    const isKnown = field <= 3;
    if (!isKnown) {
      if (!cursor.skip(tag & 7, end)) return plain(malformed(cursor.at));
      continue;
    }
    const length = (tag & 7) === WIRE_LENGTH ? cursor.varint(end) : MALFORMED;
    const fieldEnd = cursor.at + length;
    if (length === MALFORMED || fieldEnd > end) return plain(malformed(cursor.at));
    if (field === 3) {
      if (!readRecord(cursor, fieldEnd, dataBounds, partitionKeyIndexes)) return plain(malformed(cursor.at));
    } else if (field === 1) {
      partitionKeyBounds.push(cursor.at, fieldEnd);
    }
    cursor.at = fieldEnd;
  }
  // Protobuf does not order fields: the table may follow the records, so their indexes are checked last.
  const keys = partitionKeyBounds.length / 2;
  for (let i = 0; i < partitionKeyIndexes.length; i++) {
    const index = partitionKeyIndexes[i] ?? MALFORMED;
    if (index >= keys) return plain(`its user record ${i} names partition key ${index} of a table of ${keys}`);
  }
  const count = partitionKeyIndexes.length;
  return { kind: 'aggregate', records: { count, dataBounds, partitionKeyIndexes, partitionKeyBounds } };
}

/** Reads a `Record` up to `end`; false when it is malformed or lacks its key index or its data. */
function readRecord(cursor: Cursor, end: number, dataBounds: number[], partitionKeyIndexes: number[]): boolean {
  let keyIndex = MALFORMED;
  let dataStart = MALFORMED;
  let dataEnd = MALFORMED;
  while (cursor.at < end) {
    const tag = cursor.varint(end);
    if (tag === MALFORMED || tag >>> 3 === 0) return false;
    if (tag === ((1 << 3) | WIRE_VARINT)) {
      keyIndex = cursor.varint(end);
      if (keyIndex === MALFORMED) return false;
    } else if (tag === ((3 << 3) | WIRE_LENGTH)) {
      const length = cursor.varint(end);
      if (length === MALFORMED || cursor.at + length > end) return false;
      dataStart = cursor.at;
      dataEnd = cursor.at + length;
      cursor.at = dataEnd;
    } else if (!cursor.skip(tag & 7, end)) {
      return false;
    }
  }
  if (keyIndex === MALFORMED || dataStart === MALFORMED) return false;
  partitionKeyIndexes.push(keyIndex);
  dataBounds.push(dataStart, dataEnd);
  return true;
}

/** A place in protobuf bytes. */
class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** An unsigned integer, or `MALFORMED`. */
  varint(end: number): number {
    let value = 0;
    let scale = 1;
    while (this.at < end) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : MALFORMED;
      // Ten bytes hold 64 bits; an eleventh belongs to no varint.
      if (scale >= 2 ** 63) return MALFORMED;
      scale *= 128;
    }
    return MALFORMED;
  }

  /** Steps over a value that is not needed; false when it is malformed. */
  skip(wireType: number, end: number): boolean {
    if (wireType === WIRE_VARINT) return this.varint(end) !== MALFORMED;
    if (wireType === WIRE_64_BIT) this.at += 8;
    else if (wireType === WIRE_32_BIT) this.at += 4;
    else if (wireType === WIRE_LENGTH) {
      const length = this.varint(end);
      if (length === MALFORMED) return false;
      this.at += length;
    } else {
      return false;
    }
    return this.at <= end;
  }
}

function plain(reason: string): AggregateReading {
  return { kind: 'plain', reason };
}

function malformed(at: number): string {
  return `its KPL checksum is right, but its protobuf message is malformed near byte ${at}`;
}
