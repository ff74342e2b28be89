/** A schema's identity: its Parsing Canonical Form and CRC-64-AVRO. Source: Apache Avro specification 1.12, "Parsing Canonical Form for Schemas". */
import type { Schema } from 'avsc';
import { fullName } from './avro-type.ts';
import { isRecord, shown } from './describe.ts';

/** The CRC of no bytes, and the polynomial that the table is made from, as the specification gives it. */
const EMPTY = 0xc15d213aa4d7a795n;
const TABLE: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) value = (value >> 1n) ^ (EMPTY & -(value & 1n));
  return value;
});

/** CRC-64-AVRO of bytes. Meant for schemas, once each: it counts in BigInt. */
export function crc64Avro(bytes: Uint8Array): bigint {
  let crc = EMPTY;
  for (const byte of bytes) crc = (crc >> 8n) ^ (TABLE[Number((crc ^ BigInt(byte)) & 0xffn)] ?? 0n);
  return crc;
}

/** Fingerprint of a schema's Parsing Canonical Form. */
export function schemaFingerprint(schema: Schema): bigint {
  return crc64Avro(Buffer.from(canonicalForm(schema), 'utf8'));
}

/**
 * The Parsing Canonical Form: full names, only what matters to a reader, in a fixed order, without white space. Any Avro
 * schema has one, also those that `parseSchema` refuses.
 */
export function canonicalForm(schema: Schema): string {
  return canonical(schema, undefined);
}

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);

function canonical(schema: unknown, enclosing: string | undefined): string {
  if (typeof schema === 'string') {
    return JSON.stringify(PRIMITIVES.has(schema) ? schema : fullName(schema, undefined, enclosing));
  }
  if (Array.isArray(schema)) return `[${schema.map((branch) => canonical(branch, enclosing)).join(',')}]`;
  if (!isRecord(schema)) throw new TypeError(`schema: received ${shown(schema)}, allowed: a name, a list or an object`);
  const { type } = schema;
  if (typeof type !== 'string') return canonical(type, enclosing);
  const name = typeof schema.name === 'string' ? fullName(schema.name, schema.namespace, enclosing) : undefined;
  const namespace = name === undefined ? enclosing : name.split('.').slice(0, -1).join('.');
  switch (type) {
    case 'record':
    case 'error':
      return `{${named(name)},"type":"${type}","fields":[${fieldsOf(schema, namespace)}]}`;
    case 'enum':
      return `{${named(name)},"type":"enum","symbols":${JSON.stringify(schema.symbols)}}`;
    case 'fixed':
      return `{${named(name)},"type":"fixed","size":${Number(schema.size)}}`;
    case 'array':
      return `{"type":"array","items":${canonical(schema.items, enclosing)}}`;
    case 'map':
      return `{"type":"map","values":${canonical(schema.values, enclosing)}}`;
    default:
      return canonical(type, enclosing);
  }
}

function named(name: string | undefined): string {
  return `"name":${JSON.stringify(name)}`;
}

function fieldsOf(schema: Readonly<Record<string, unknown>>, namespace: string | undefined): string {
  const fields: readonly unknown[] = Array.isArray(schema.fields) ? schema.fields : [];
  return fields
    .map((field) =>
      isRecord(field) ? `{${named(String(field.name))},"type":${canonical(field.type, namespace)}}` : '',
    )
    .join(',');
}
