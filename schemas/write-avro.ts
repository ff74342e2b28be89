/**
 * Canonical values to Avro binary, compiled from the schema once. The writer trusts its value: `compileWriter` puts the
 * validator before it, so that a record that does not conform is refused with its path, and nothing is half written.
 */
import type { AvroType } from './avro-type.ts';
import { dayFromText } from './calendar.ts';
import { decimalToBytes } from './decimal.ts';
import { compileValidator } from './validate.ts';

/** First size of the arena that records are written into, bytes. It grows to the largest record and is kept. */
const ARENA_BYTES = 4_096;
/** Bytes of UTF-8 that one UTF-16 unit can need. */
const UTF8_BYTES_PER_UNIT_MAX = 3;
const VARINT_BYTES_MAX = 10;
/** Up to this many units, copying characters is faster than a call into native code; the length takes one byte. */
const SHORT_UNITS_MAX = 24;

class Arena {
  #bytes = Buffer.allocUnsafe(ARENA_BYTES);
  #at = 0;

  open(): void {
    this.#at = 0;
  }

  /** A copy of what was written. */
  close(): Buffer {
    const written = Buffer.allocUnsafe(this.#at);
    this.#bytes.copy(written, 0, 0, this.#at);
    return written;
  }

  #room(bytes: number): void {
    if (this.#bytes.length - this.#at >= bytes) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  boolean(value: boolean): void {
    this.#room(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
  }

  long(value: number): void {
    this.#room(VARINT_BYTES_MAX);
    if (value >= -64 && value <= 63) {
      this.#bytes[this.#at++] = value < 0 ? -2 * value - 1 : 2 * value;
      return;
    }
    // The magnitude without the sign bit: doubled, it could pass 2^53 and be rounded.
    let rest = value < 0 ? -(value + 1) : value;
    let group = (rest % 64) * 2 + (value < 0 ? 1 : 0);
    rest = Math.floor(rest / 64);
    while (rest > 0) {
      this.#bytes[this.#at++] = group | 0x80;
      group = rest % 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = group;
  }

  float(value: number): void {
    this.#room(4);
    this.#at = this.#bytes.writeFloatLE(value, this.#at);
  }

  double(value: number): void {
    this.#room(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  string(value: string): void {
    const bytesMax = value.length * UTF8_BYTES_PER_UNIT_MAX;
    this.#room(VARINT_BYTES_MAX + bytesMax);
    if (value.length <= SHORT_UNITS_MAX && this.#ascii(value)) return;
    // A guess of one byte a unit: for ASCII it is right, and else the text is written again behind a longer length.
    const start = this.#at;
    this.long(value.length);
    const written = this.#bytes.write(value, this.#at, 'utf8');
    if (written === value.length) {
      this.#at += written;
      return;
    }
    this.#at = start;
    this.long(written);
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
  }

  #ascii(value: string): boolean {
    const start = this.#at + 1;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      this.#bytes[start + index] = unit;
    }
    this.#bytes[this.#at] = 2 * value.length;
    this.#at = start + value.length;
    return true;
  }

  bytes(value: Buffer): void {
    this.#room(value.length);
    this.#at += value.copy(this.#bytes, this.#at);
  }

  sized(value: Buffer): void {
    this.long(value.length);
    this.bytes(value);
  }
}

/**
 * @returns a function that encodes one canonical record, and throws `TypeError` with the path when it does not conform
 */
export function compileWriter(type: AvroType): (record: unknown) => Buffer {
  const validate = compileValidator(
    { parsed: type },
    { stage: 'validate', unknownFields: 'ignore', spellings: 'canonical', mapKeys: 'any' },
  );
  const source = new WriterSource();
  const body = source.write(type, 'value');
  const code = `${source.functions.join('\n')}\nreturn function write(value) {\n${body}\n};`;
  const arena = new Arena();
  // Made of the schema, at start, never of a record; names reach the source through JSON.stringify only.
  const write: (value: unknown) => void = new Function('arena', 'encode', code)(arena, source.encoders);
  return (record) => {
    const failure = validate(record);
    if (failure) throw new TypeError(`record does not conform to its schema: ${failure.message}`);
    arena.open();
    write(record);
    return arena.close();
  };
}

class WriterSource {
  readonly functions: string[] = [];
  /** Conversions that are called by number. */
  readonly encoders: ((value: string) => unknown)[] = [];

  /** Statements that write the value that the variable `name` holds. */
  write(type: AvroType, name: string): string {
    switch (type.kind) {
      case 'boolean':
      case 'float':
      case 'double':
      case 'string':
        return `arena.${type.kind}(${name});`;
      case 'uuid':
        return `arena.string(${name});`;
      case 'int':
      case 'long':
      case 'timestamp-millis':
      case 'timestamp-micros':
        return `arena.long(${name});`;
      case 'bytes':
        return `arena.sized(${name});`;
      case 'fixed':
        return `arena.bytes(${name});`;
      case 'enum':
        return `arena.long(${JSON.stringify(type.symbols)}.indexOf(${name}));`;
      case 'date':
        return `arena.long(${this.#converted(name, dayFromText)});`;
      case 'decimal':
        return `arena.${type.size === undefined ? 'sized' : 'bytes'}(${this.#converted(name, (text) => decimalToBytes(text, type))});`;
      case 'nullable': {
        const [nullBranch, branch] = type.nullFirst ? [0, 1] : [1, 0];
        return `if (${name} === null) arena.long(${nullBranch});\nelse {\narena.long(${branch});\n${this.write(type.of, name)}\n}`;
      }
      default:
        return this.#call(type, name);
    }
  }

  #converted(name: string, encoder: (value: string) => unknown): string {
    return `encode[${this.encoders.push(encoder) - 1}](${name})`;
  }

  #call(type: Extract<AvroType, { kind: 'record' | 'array' | 'map' }>, name: string): string {
    const body = this.#body(type);
    const called = `${type.kind}${this.functions.length}`;
    this.functions.push(`function ${called}(r) {\n${body}\n}`);
    return `${called}(${name});`;
  }

  #body(type: Extract<AvroType, { kind: 'record' | 'array' | 'map' }>): string {
    switch (type.kind) {
      case 'record':
        return type.fields
          .map(
            (field, index) =>
              `const v${index} = r[${JSON.stringify(field.name)}];\n${this.write(field.type, `v${index}`)}`,
          )
          .join('\n');
      case 'array':
        return `if (r.length > 0) {
arena.long(r.length);
for (let i = 0; i < r.length; i += 1) {
const x = r[i];
${this.write(type.items, 'x')}
}
}
arena.long(0);`;
      case 'map':
        return `const keys = Object.keys(r);
if (keys.length > 0) {
arena.long(keys.length);
for (let i = 0; i < keys.length; i += 1) {
arena.string(keys[i]);
const x = r[keys[i]];
${this.write(type.values, 'x')}
}
}
arena.long(0);`;
    }
  }
}
