/**
 * Avro binary to JSON text, by the schema of whoever wrote it: any schema, unlike `schemas/read-avro.ts`, which reads a
 * dataset's own. It is our own because avsc reads past the end of a block before it notices, and turns five bytes into
 * millions of items. Wire format: Apache Avro specification 1.12, "Binary encoding".
 */
import { isUtf8 } from 'node:buffer';
import { isRecord, shown } from '../../schemas/describe.ts';
import { Day, Decimal, Instant, jsonOf, numberJson, type Target, targetOfField, targetOfItems } from './json-value.ts';
import { BadObject } from './source-object.ts';

/** Array items and map entries of one record: validation refuses a tenth of it in one array. */
const ITEMS_MAX = 1_000_000;
/** Records in records. */
const DEPTH_MAX = 64;
const VARINT_BYTES_MAX = 10;
/** Far more than any engine has: larger ones would cost time only. */
const DECIMAL_BYTES_MAX = 128;
const SCALE_MAX = 128;

/** Bytes of a block, and where reading stands in them. */
export class AvroCursor {
  /** What is wrong with the record under way, though its end is known. */
  fault: string | undefined;
  depth = 0;
  readonly #bytes: Buffer;
  #at = 0;
  #itemsLeft = ITEMS_MAX;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  startRecord(): void {
    this.fault = undefined;
    this.depth = 0;
    this.#itemsLeft = ITEMS_MAX;
  }

  take(count: number): Buffer {
    if (count < 0 || count > this.left) throw new BadObject(`a value needs ${count} bytes, and ${this.left} are left`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  long(): bigint | number {
    let value = 0;
    for (let index = 0; index < 4; index += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    return this.#longRest(BigInt(value));
  }

  #longRest(low: bigint): bigint {
    let value = low;
    for (let index = 4; index < VARINT_BYTES_MAX; index += 1) {
      const byte = this.take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new BadObject(`a number of more than ${VARINT_BYTES_MAX} bytes`);
  }

  /** A long that counts something. */
  size(): number {
    return Number(this.long());
  }

  text(): string {
    const bytes = this.take(this.size());
    const text = bytes.toString('utf8');
    if (text.includes('\ufffd') && !isUtf8(bytes)) this.fault = 'a string that is no UTF-8';
    return text;
  }

  /** Items in the next block of an array or map; 0 ends it. */
  items(): number {
    const count = this.size();
    if (count < 0) this.size();
    const items = Math.abs(count);
    this.#itemsLeft -= items;
    if (this.#itemsLeft < 0) throw new BadObject(`a record of more than ${ITEMS_MAX} items`);
    return items;
  }
}

export type ReadDatum = (cursor: AvroCursor) => string;

/**
 * @param schema the writer's, as JSON
 * @param target the dataset's type, for what JSON has no one form of
 * @throws BadObject for what is no schema
 */
export function compileAvroDatum(schema: unknown, target: Target): ReadDatum {
  return new DatumCompiler().compile(schema, target, '');
}

const PRIMITIVES: Readonly<Record<string, ReadDatum>> = {
  null: () => 'null',
  boolean: (cursor) => (cursor.take(1)[0] === 0 ? 'false' : 'true'),
  int: (cursor) => numberJson(Number(cursor.long())),
  long: (cursor) => numberJson(Number(cursor.long())),
  float: (cursor) => numberJson(cursor.take(4).readFloatLE()),
  double: (cursor) => numberJson(cursor.take(8).readDoubleLE()),
  string: (cursor) => JSON.stringify(cursor.text()),
};

class DatumCompiler {
  /** Schemas by full name. */
  readonly #named = new Map<string, { readonly schema: Readonly<Record<string, unknown>>; readonly space: string }>();
  /** Readers of records by name and target: a schema may hold itself. */
  readonly #records = new Map<string, Map<Target, { read: ReadDatum }>>();

  compile(schema: unknown, target: Target, space: string): ReadDatum {
    if (typeof schema === 'string') return this.#compileName(schema, target, space);
    if (Array.isArray(schema)) return this.#compileUnion(schema, target, space);
    if (!isRecord(schema)) throw new BadObject(`Avro schema: received ${shown(schema)}, allowed: a type`);
    const logical = this.#compileLogical(schema, target);
    if (logical) return logical;
    switch (schema.type) {
      case 'record':
      case 'error':
        return this.#compileRecord(schema, target, this.#define(schema, space));
      case 'enum':
        this.#define(schema, space);
        return compileEnum(schema);
      case 'fixed':
        this.#define(schema, space);
        return compileFixed(schema, target);
      case 'array':
        return compileArray(this.compile(schema.items, targetOfItems(target), space));
      case 'map':
        return compileMap(this.compile(schema.values, targetOfField(target, ''), space));
      default:
        return this.compile(schema.type, target, space);
    }
  }

  #compileName(name: string, target: Target, space: string): ReadDatum {
    if (Object.hasOwn(PRIMITIVES, name)) return PRIMITIVES[name] ?? (() => 'null');
    if (name === 'bytes') return (cursor) => jsonOf(cursor.take(cursor.size()), target);
    const named = this.#named.get(fullName(name, space));
    if (named === undefined) throw new BadObject(`Avro schema: received the type ${shown(name)}, which is not defined`);
    if (named.schema.type === 'enum') return compileEnum(named.schema);
    if (named.schema.type === 'fixed')
      return this.#compileLogical(named.schema, target) ?? compileFixed(named.schema, target);
    return this.#compileRecord(named.schema, target, fullName(name, space));
  }

  #compileUnion(branches: readonly unknown[], target: Target, space: string): ReadDatum {
    const readers = branches.map((branch) => this.compile(branch, target, space));
    return (cursor) => {
      const index = cursor.size();
      const read = readers[index];
      if (read === undefined) throw new BadObject(`a union of branch ${index}, allowed: 0 to ${readers.length - 1}`);
      return read(cursor);
    };
  }

  #compileRecord(schema: Readonly<Record<string, unknown>>, target: Target, name: string): ReadDatum {
    const byTarget = this.#records.get(name) ?? new Map<Target, { read: ReadDatum }>();
    this.#records.set(name, byTarget);
    const known = byTarget.get(target);
    if (known) return (cursor) => known.read(cursor);
    const holder: { read: ReadDatum } = { read: () => 'null' };
    byTarget.set(target, holder);
    if (!Array.isArray(schema.fields)) throw new BadObject(`Avro schema: ${name} has no fields`);
    const space = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    const fields = schema.fields.map((field: unknown, index) => {
      if (!isRecord(field) || typeof field.name !== 'string')
        throw new BadObject(`Avro schema: a field of ${name} has no name`);
      const prefix = `${index === 0 ? '{' : ','}${JSON.stringify(field.name)}:`;
      return { prefix, read: this.compile(field.type, targetOfField(target, field.name), space) };
    });
    const start = fields.length === 0 ? '{' : '';
    holder.read = (cursor) => {
      cursor.depth += 1;
      if (cursor.depth > DEPTH_MAX) throw new BadObject(`records nested deeper than ${DEPTH_MAX}`);
      let json = start;
      for (const { prefix, read } of fields) json += prefix + read(cursor);
      cursor.depth -= 1;
      return `${json}}`;
    };
    return holder.read;
  }

  #compileLogical(schema: Readonly<Record<string, unknown>>, target: Target): ReadDatum | undefined {
    const { type, logicalType } = schema;
    switch (`${logicalType} on ${isRecord(type) ? type.type : type}`) {
      case 'timestamp-millis on long':
      case 'local-timestamp-millis on long':
        return (cursor) => jsonOf(new Instant(BigInt(cursor.long()) * 1_000n), target);
      case 'timestamp-micros on long':
      case 'local-timestamp-micros on long':
        return (cursor) => jsonOf(new Instant(BigInt(cursor.long())), target);
      case 'timestamp-nanos on long':
      case 'local-timestamp-nanos on long':
        return (cursor) => jsonOf(new Instant(BigInt(cursor.long()) / 1_000n), target);
      case 'date on int':
        return (cursor) => jsonOf(new Day(cursor.size()), target);
      case 'decimal on bytes':
        return (cursor) => decimalJson(cursor.take(cursor.size()), schema, target);
      case 'decimal on fixed':
        return (cursor) => decimalJson(cursor.take(sizeOf(schema)), schema, target);
      case 'uuid on fixed':
        return (cursor) => JSON.stringify(uuidText(cursor.take(sizeOf(schema))));
      default:
        return undefined;
    }
  }

  /** @returns the full name of the type that is defined */
  #define(schema: Readonly<Record<string, unknown>>, space: string): string {
    const { name, namespace } = schema;
    if (typeof name !== 'string' || name === '') throw new BadObject('Avro schema: a type has no name');
    const own = typeof namespace === 'string' ? namespace : space;
    const full = fullName(name, own);
    this.#named.set(full, { schema, space: own });
    return full;
  }
}

function fullName(name: string, space: string): string {
  return name.includes('.') || space === '' ? name : `${space}.${name}`;
}

function compileEnum({ symbols }: Readonly<Record<string, unknown>>): ReadDatum {
  const texts = Array.isArray(symbols) ? symbols.map((symbol) => JSON.stringify(String(symbol))) : [];
  return (cursor) => {
    const index = cursor.size();
    const text = texts[index];
    if (text === undefined) throw new BadObject(`an enum of symbol ${index}, allowed: 0 to ${texts.length - 1}`);
    return text;
  };
}

function compileFixed(schema: Readonly<Record<string, unknown>>, target: Target): ReadDatum {
  const size = sizeOf(schema);
  return (cursor) => jsonOf(cursor.take(size), target);
}

function sizeOf({ size }: Readonly<Record<string, unknown>>): number {
  if (typeof size === 'number' && Number.isInteger(size) && size >= 0) return size;
  throw new BadObject(`Avro schema: size of a fixed: received ${shown(size)}, allowed: a whole number`);
}

function compileArray(read: ReadDatum): ReadDatum {
  return (cursor) => {
    const items: string[] = [];
    for (let count = cursor.items(); count > 0; count = cursor.items()) {
      for (; count > 0; count -= 1) items.push(read(cursor));
    }
    return `[${items.join(',')}]`;
  };
}

function compileMap(read: ReadDatum): ReadDatum {
  return (cursor) => {
    const entries: string[] = [];
    for (let count = cursor.items(); count > 0; count = cursor.items()) {
      for (; count > 0; count -= 1) {
        const key = JSON.stringify(cursor.text());
        entries.push(`${key}:${read(cursor)}`);
      }
    }
    return `{${entries.join(',')}}`;
  };
}

function decimalJson(bytes: Buffer, { scale }: Readonly<Record<string, unknown>>, target: Target): string {
  if (bytes.length > DECIMAL_BYTES_MAX || (typeof scale === 'number' && !(scale >= 0 && scale <= SCALE_MAX))) {
    throw new BadObject(
      `a decimal of ${bytes.length} bytes and scale ${shown(scale)}, allowed: ${DECIMAL_BYTES_MAX}, ${SCALE_MAX}`,
    );
  }
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`));
  return jsonOf(new Decimal(unscaled, typeof scale === 'number' ? scale : 0), target);
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
