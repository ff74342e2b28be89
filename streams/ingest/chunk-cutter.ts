/**
 * Cuts records into chunks and writes their events.
 *
 * A chunk ends at `recordsMax` events, or where the next event might not fit. What an event is charged depends on the
 * length of its record only, never on whether the record is good: so chunks that were put before can be counted past
 * without a look at what is in them. It is charged as base64, the longer of its two forms. What is charged fits a Kinesis
 * record of 1 MiB as it is, so that no record is too large for being incompressible; one that is charged more is a chunk
 * of its own, and is told to be too large if it stays so when it is compressed.
 */
import { DECOMPRESSED_BYTES_MAX, EVENTS_PER_RECORD_MAX } from '../codecs/decode-context.ts';
import { RECORD_BYTES_MAX } from '../producer/limits.ts';
import type { ChunkEnvelope, ChunkLimits } from './chunk.ts';

/** Bytes of a record that is read at all: an event of more could not be decompressed. The envelope has the rest. */
export const SOURCE_RECORD_BYTES_MAX = DECOMPRESSED_BYTES_MAX - 64 * 1024;

/** Bytes of a record that cannot be an event which are kept with the reason. */
export const SAMPLE_BYTES_MAX = 1024;

/** Of a Kinesis record: left to its partition key, and to what gzip adds to bytes that it cannot compress. */
const RESERVED_BYTES = 2 * 1024;
/** Bytes of the events of a chunk, unless it is one event alone. */
const PLAIN_BYTES_MAX = RECORD_BYTES_MAX - RESERVED_BYTES;
/** Of a chunk and the bracket that closes it. */
const SPACE_BYTES = PLAIN_BYTES_MAX + 1;
/** Bytes of source, type, run and trace as JSON. */
const ENVELOPE_BYTES_MAX = 16 * 1024;
/** Bytes around a record beside what precedes its place, and the place's digits, at most. */
const AROUND_BYTES = 32 + 16;

const BEFORE_JSON = Buffer.from('","data":');
const BEFORE_BASE64 = Buffer.from('","data_base64":"');
const NO_SPACE = Buffer.alloc(0);
const QUOTE = 0x22;
const ZERO = 0x30;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;

/** A chunk before it is compressed. */
export interface CutChunk {
  readonly number: number;
  readonly records: number;
  readonly recordsUpTo: number;
  /** CloudEvents batch. */
  readonly plain: Buffer;
  /** What is put instead where `plain` is too large for a Kinesis record even when compressed. */
  readonly instead?: Buffer | undefined;
}

/** Why a record cannot be an event. Texts are for a person, and never hold more of the record than a word. */
export interface Unreadable {
  readonly received: string;
  readonly expected: string;
}

export type CutterOptions = ChunkEnvelope &
  ChunkLimits & {
    /** What a place is counted in: `line`, `record` or `row`. */
    readonly places: string;
    /** Chunks before it are counted only. Default 0. */
    readonly fromChunk?: number | undefined;
  };

export class ChunkCutter {
  readonly #options: CutterOptions;
  readonly #fromChunk: number;
  #cut: CutChunk[] = [];
  #number = 0;
  #records = 0;
  #recordsUpTo = 0;
  #charged = 0;
  #isAlone = false;
  #head = Buffer.alloc(0);
  #place = 0;
  #space = NO_SPACE;
  #length = 0;
  #instead: Buffer | undefined;

  /** @throws RangeError for limits that are none */
  constructor(options: CutterOptions) {
    this.#options = options;
    this.#fromChunk = options.fromChunk ?? 0;
    checkWhole('recordsMax', options.recordsMax, 1, EVENTS_PER_RECORD_MAX);
    checkWhole('fromChunk', this.#fromChunk, 0, Number.MAX_SAFE_INTEGER);
    this.#open();
    if (this.#head.length > ENVELOPE_BYTES_MAX) {
      throw new RangeError(
        `source, type and run: received ${this.#head.length} bytes of JSON, allowed: ${ENVELOPE_BYTES_MAX}`,
      );
    }
  }

  /** Chunks that are complete, each once. */
  take(): readonly CutChunk[] {
    const cut = this.#cut;
    if (cut.length > 0) this.#cut = [];
    return cut;
  }

  /** Ends the last chunk, if there is anything in it. */
  finish(): void {
    if (this.#records > 0) this.#close();
  }

  /**
   * Counts the next record.
   * @param bytes its length
   * @returns whether its chunk is built: then exactly one of the methods below follows
   */
  admit(place: number, bytes: number): boolean {
    return this.#admit(place, AROUND_BYTES + Math.ceil(bytes / 3) * 4);
  }

  /** The record is JSON: its text, in UTF-8. */
  json(from: Buffer, start: number, end: number): void {
    const bytes = end - start;
    this.#begin(bytes);
    if (this.#isAlone) {
      this.#instead = this.#unreadableBatch(tooLarge(bytes), from.subarray(start, end));
    }
    this.#write(BEFORE_JSON);
    this.#length += from.copy(this.#space, this.#length, start, end);
    this.#end();
  }

  /** The record is no JSON, and goes as its bytes: the processor says what is wrong with them. */
  bytes(from: Buffer, start: number, end: number): void {
    if (this.#isAlone) {
      this.#begin(2 * ENVELOPE_BYTES_MAX);
      this.#writeUnreadable(
        { received: `${end - start} bytes that are none`, expected: 'JSON text in UTF-8' },
        from.subarray(start, end),
      );
      return;
    }
    this.#begin(0);
    this.#write(BEFORE_BASE64);
    this.#length += this.#space.write(from.toString('base64', start, end), this.#length, 'latin1');
    this.#space[this.#length] = QUOTE;
    this.#length += 1;
    this.#end();
  }

  /** A record that cannot be an event, with the first of its bytes. It is counted here, without `admit`. */
  unreadable(place: number, reason: Unreadable, bytes: Buffer): void {
    const tail = unreadableTail(reason, bytes);
    if (!this.#admit(place, AROUND_BYTES + tail.length)) return;
    this.#begin(0);
    this.#write(tail);
    this.#end();
  }

  #admit(place: number, charge: number): boolean {
    const bytes = charge + this.#head.length;
    const isAlone = bytes > PLAIN_BYTES_MAX;
    const isFull = this.#records === this.#options.recordsMax || this.#charged + bytes > PLAIN_BYTES_MAX;
    if (this.#records > 0 && (isFull || this.#isAlone || isAlone)) this.#close();
    this.#isAlone = isAlone;
    this.#place = place;
    this.#records += 1;
    this.#recordsUpTo += 1;
    this.#charged += bytes;
    return this.#number >= this.#fromChunk;
  }

  /** All of an event up to the digits of its place. */
  #begin(bytes: number): void {
    if (this.#isAlone) this.#space = Buffer.allocUnsafeSlow(this.#head.length + AROUND_BYTES + bytes + 1);
    else if (this.#space === NO_SPACE) this.#space = Buffer.allocUnsafeSlow(SPACE_BYTES);
    // The head begins with the comma, which the first event of a chunk has a bracket for.
    const at = this.#length;
    this.#write(this.#head);
    if (at === 0) this.#space[0] = OPEN_BRACKET;
    this.#writeDigits(this.#place);
  }

  #end(): void {
    this.#space[this.#length] = CLOSE_BRACE;
    this.#length += 1;
  }

  #write(bytes: Buffer): void {
    this.#space.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #writeDigits(value: number): void {
    const end = this.#length + digitsOf(value);
    this.#length = end;
    let rest = value;
    for (let at = end - 1; rest > 9; at -= 1) {
      const tenth = Math.floor(rest / 10);
      this.#space[at] = ZERO + rest - tenth * 10;
      rest = tenth;
      if (rest <= 9) this.#space[at - 1] = ZERO + rest;
    }
    if (value <= 9) this.#space[end - 1] = ZERO + value;
  }

  #writeUnreadable(reason: Unreadable, bytes: Buffer): void {
    this.#write(unreadableTail(reason, bytes));
    this.#end();
  }

  #unreadableBatch(reason: Unreadable, bytes: Buffer): Buffer {
    const head = Buffer.concat([this.#head, Buffer.from(String(this.#place))]);
    head[0] = OPEN_BRACKET;
    return Buffer.concat([head, unreadableTail(reason, bytes), Buffer.from('}]')]);
  }

  #close(): void {
    if (this.#number >= this.#fromChunk) {
      this.#space[this.#length] = CLOSE_BRACKET;
      this.#cut.push({
        number: this.#number,
        records: this.#records,
        recordsUpTo: this.#recordsUpTo,
        // Given away with its space: a copy of all that goes onto the stream costs more than the pages it would spare.
        plain: this.#space.subarray(0, this.#length + 1),
        instead: this.#instead,
      });
      this.#space = NO_SPACE;
    }
    this.#number += 1;
    this.#open();
  }

  #open(): void {
    const { source, dataset, runId, traceparent, places } = this.#options;
    const attributes = {
      specversion: '1.0',
      source,
      type: dataset,
      runid: runId,
      traceparent,
      chunkid: String(this.#number),
      id: `${places}:`,
    };
    // Up to the place, which is the one thing that differs between the events of a chunk: it comes last, for gzip.
    this.#head = Buffer.from(`,${JSON.stringify(attributes).slice(0, -'"}'.length)}`);
    this.#records = 0;
    this.#charged = 0;
    this.#length = 0;
    this.#isAlone = false;
    this.#instead = undefined;
  }
}

function tooLarge(bytes: number): Unreadable {
  return {
    received: `a record of ${bytes} bytes`,
    expected: `one that a Kinesis record of ${RECORD_BYTES_MAX} bytes holds, compressed`,
  };
}

/** What follows the place. @see decode-cloud-event.ts for how it is read */
function unreadableTail({ received, expected }: Unreadable, bytes: Buffer): Buffer {
  const sample = bytes.subarray(0, SAMPLE_BYTES_MAX).toString('base64');
  const attributes = JSON.stringify({ unreadable: received.toWellFormed(), expected, data_base64: sample });
  return Buffer.from(`",${attributes.slice(1, -1)}`);
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; value >= power; power *= 10) digits += 1;
  return digits;
}

function checkWhole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: received ${value}, allowed: a whole number from ${min} to ${max}`);
  }
}
