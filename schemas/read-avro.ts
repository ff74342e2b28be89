/**
 * Avro binary to canonical values, compiled from the schema once. What it returns conforms to the schema: ranges, UTF-8,
 * symbols, logical types and the exact length are checked while reading, so no validator need follow.
 *
 * It is our own because avsc (kept in the tests as the independent reader) reads past the end before it notices, takes
 * any varint as an int, replaces invalid UTF-8, drops the map key `__proto__`, turns five bytes into millions of nulls,
 * writes longs below -2^52 as other numbers, and costs the cold start 20 ms.
 * Wire format: Apache Avro specification 1.12, "Binary encoding".
 */
import { isUtf8 } from 'node:buffer';
import type { AvroType } from './avro-type.ts';
import { DAY_MAX, DAY_MIN, dayText } from './calendar.ts';
import { decimalFromBytes } from './decimal.ts';
import { shown } from './describe.ts';
import { TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './timestamp.ts';
import { ITEMS_MAX } from './validate.ts';

/** Bytes that are not one datum of the schema. */
export class AvroError extends Error {
  override readonly name = 'AvroError';
}

/** Up to this many bytes, joining characters is faster than a call into native code (measured: 8 to 9 bytes). */
const SHORT_BYTES_MAX = 8;
const FLOAT_BYTES = 4;
const DOUBLE_BYTES = 8;
/** Bytes of the longest varint: ten groups of seven bits hold 64. */
const VARINT_BYTES_MAX = 10;
const UUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

/** Where reading stands. One cursor serves every call of a compiled reader: reading is synchronous and calls nothing back. */
class Cursor {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #itemsLeft = 0;

  open(body: Uint8Array): void {
    this.#bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#at = 0;
    this.#itemsLeft = ITEMS_MAX;
  }

  close(): void {
    if (this.#at !== this.#bytes.length) {
      throw new AvroError(`received ${this.#bytes.length - this.#at} bytes after the datum, allowed: none`);
    }
  }

  #take(count: number): number {
    const from = this.#at;
    if (count < 0 || count > this.#bytes.length - from) {
      throw new AvroError(`needs ${count} bytes at ${from}, received ${this.#bytes.length - from}`);
    }
    this.#at = from + count;
    return from;
  }

  boolean(): boolean {
    const byte = this.#bytes[this.#take(1)];
    if (byte !== 0 && byte !== 1) throw new AvroError(`boolean: received byte ${byte}, allowed: 0 or 1`);
    return byte === 1;
  }

  long(): number {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 0x80) {
      this.#at += 1;
      return (byte >>> 1) ^ -(byte & 1);
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    const from = this.#at;
    let low = 0;
    // Magnitude without the sign bit: the first group gives six bits, each further one seven.
    let magnitude = 0;
    let factor = 1;
    for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
      const byte = this.#bytes[from + index];
      if (byte === undefined) throw new AvroError(`needs more bytes of a number at ${from}, received ${index}`);
      if (index === 0) low = byte;
      magnitude += index === 0 ? (byte & 0x7f) >>> 1 : (byte & 0x7f) * factor;
      factor = index === 0 ? 64 : factor * 128;
      if (byte < 0x80) {
        this.#at = from + index + 1;
        const value = (low & 1) === 1 ? -magnitude - 1 : magnitude;
        if (!Number.isSafeInteger(value)) throw new AvroError(`long: received about ${value}, allowed: up to 2^53 - 1`);
        return value;
      }
    }
    throw new AvroError(`number at ${from}: received more than ${VARINT_BYTES_MAX} bytes`);
  }

  int(): number {
    const value = this.long();
    if ((value | 0) !== value) throw new AvroError(`int: received ${value}, allowed: -2147483648 to 2147483647`);
    return value;
  }

  float(): number {
    return finite(this.#bytes.readFloatLE(this.#take(FLOAT_BYTES)), 'float');
  }

  double(): number {
    return finite(this.#bytes.readDoubleLE(this.#take(DOUBLE_BYTES)), 'double');
  }

  string(): string {
    const length = this.long();
    const from = this.#take(length);
    if (length <= SHORT_BYTES_MAX) {
      const ascii = this.#ascii(from, from + length);
      if (ascii !== undefined) return ascii;
    }
    const text = this.#bytes.toString('utf8', from, from + length);
    // Invalid bytes become U+FFFD; one that was meant is rare enough to look twice.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(from, from + length))) {
      throw new AvroError(`string at ${from}: received bytes that are not UTF-8`);
    }
    return text;
  }

  #ascii(from: number, to: number): string | undefined {
    let text = '';
    for (let at = from; at < to; at += 1) {
      const byte = this.#bytes[at];
      if (byte === undefined || byte >= 0x80) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** A copy: the body's memory belongs to its caller. */
  bytes(length: number): Buffer {
    const from = this.#take(length);
    return Buffer.from(this.#bytes.subarray(from, from + length));
  }

  /** Items in the next block; 0 ends the array or map. */
  block(): number {
    let count = this.long();
    if (count < 0) {
      count = -count;
      // The block's size in bytes: only readers that skip need it.
      if (this.long() < 0) throw new AvroError('block size: received a negative number of bytes');
    }
    if (count > this.#itemsLeft) {
      throw new AvroError(`items: received more than ${ITEMS_MAX} in one record, allowed: ${ITEMS_MAX}`);
    }
    this.#itemsLeft -= count;
    return count;
  }

  index(count: number, what: string): number {
    const index = this.long();
    if (index < 0 || index >= count)
      throw new AvroError(`${what}: received index ${index}, allowed: 0 to ${count - 1}`);
    return index;
  }

  within(value: number, min: number, max: number, what: string): number {
    if (value < min || value > max) throw new AvroError(`${what}: received ${value}, allowed: ${min} to ${max}`);
    return value;
  }
}

function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new AvroError(`${what}: received ${value}, allowed: finite numbers`);
  return value;
}

/**
 * @returns a function that decodes exactly one datum, with at most `ITEMS_MAX` array items and map entries in all
 *   (five bytes can claim millions of empty items), and throws `AvroError` on anything else
 */
export function compileReader(type: AvroType): (body: Uint8Array) => unknown {
  const source = new ReaderSource();
  const root = source.read(type);
  const code = `${source.functions.join('\n')}\nreturn function read() { return ${root}; };`;
  const cursor = new Cursor();
  // Made of the schema, at start, never of a record; names reach the source through JSON.stringify only.
  const read: () => unknown = new Function('cursor', 'decode', code)(cursor, source.decoders);
  return (body) => {
    cursor.open(body);
    const value = read();
    cursor.close();
    return value;
  };
}

class ReaderSource {
  readonly functions: string[] = [];
  /** Conversions that are called by number. */
  readonly decoders: ((value: never) => unknown)[] = [];

  /** Source text of an expression that reads one value of `type`. */
  read(type: AvroType): string {
    switch (type.kind) {
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'string':
        return `cursor.${type.kind}()`;
      case 'bytes':
        return 'cursor.bytes(cursor.long())';
      case 'fixed':
        return `cursor.bytes(${type.size})`;
      case 'timestamp-millis':
        return `cursor.within(cursor.long(), ${TIMESTAMP_MS_MIN}, ${TIMESTAMP_MS_MAX}, "timestamp-millis")`;
      case 'timestamp-micros':
        return 'cursor.long()';
      case 'nullable':
        return `(cursor.index(2, "union") === ${type.nullFirst ? 0 : 1} ? null : ${this.read(type.of)})`;
      case 'enum':
        return `${JSON.stringify(type.symbols)}[cursor.index(${type.symbols.length}, "enum")]`;
      case 'date':
        return this.#converted(`cursor.within(cursor.int(), ${DAY_MIN}, ${DAY_MAX}, "date")`, dayText);
      case 'uuid':
        return this.#converted('cursor.string()', uuidText);
      case 'decimal': {
        const length = type.size ?? 'cursor.long()';
        return this.#converted(`cursor.bytes(${length})`, (bytes: Uint8Array) => {
          const text = decimalFromBytes(bytes, type);
          if (text === undefined)
            throw new AvroError(`decimal: allowed: ${type.precision} digits in at least one byte`);
          return text;
        });
      }
      default:
        return this.#call(type);
    }
  }

  #converted<T>(expression: string, decoder: (value: T) => unknown): string {
    return `decode[${this.decoders.push(decoder) - 1}](${expression})`;
  }

  #call(type: Extract<AvroType, { kind: 'record' | 'array' | 'map' }>): string {
    const body = this.#body(type);
    const name = `${type.kind}${this.functions.length}`;
    this.functions.push(`function ${name}() {\n${body}\n}`);
    return `${name}()`;
  }

  #body(type: Extract<AvroType, { kind: 'record' | 'array' | 'map' }>): string {
    switch (type.kind) {
      case 'record':
        return `return {\n${type.fields.map((field) => `${JSON.stringify(field.name)}: ${this.read(field.type)},`).join('\n')}\n};`;
      case 'array':
        return `const items = [];
for (let n = cursor.block(); n > 0; n = cursor.block()) {
while (n-- > 0) items.push(${this.read(type.items)});
}
return items;`;
      case 'map':
        // Assigning to this key would set the prototype instead of an entry.
        return `const entries = {};
for (let n = cursor.block(); n > 0; n = cursor.block()) {
while (n-- > 0) {
const k = cursor.string();
const x = ${this.read(type.values)};
if (k === "__proto__") Object.defineProperty(entries, k, { value: x, writable: true, enumerable: true, configurable: true });
else entries[k] = x;
}
}
return entries;`;
    }
  }
}

function uuidText(text: string): string {
  if (!UUID.test(text)) throw new AvroError(`uuid: received ${shown(text)}, allowed: 8-4-4-4-12 hex digits`);
  return text.toLowerCase();
}
