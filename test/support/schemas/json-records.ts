/** Schemas, and records in JSON that conform to them, in each of the spellings that JSON input may have. */
import type { Schema } from 'avsc';
import fc from 'fast-check';
import type { AvroField, AvroType } from '../../../schemas/avro-type.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const whole = fc.oneof(fc.integer(), fc.constantFrom(0, -0, -(2 ** 31), 2 ** 31 - 1));
const long = fc.oneof(whole, fc.maxSafeInteger(), fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER));
const float = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(3.4028234663852886e38));
const double = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(Number.MAX_VALUE));
const bytes = (length: fc.StringConstraints) =>
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), ...length });
const moment = fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true });
const timestamp = (perMs: number) =>
  fc.oneof(
    fc.integer({ min: -1e12, max: 4e12 }).map((ms) => ms * perMs),
    moment.map((date) => date.toISOString()),
    moment.map((date) => date.toISOString().replace('T', ' ').replace('Z', '+02:00')),
    moment.map((date) => date.toISOString().slice(0, 16).replaceAll('-', '/')),
  );

/** JSON values of a type that the pipeline accepts, or nearly always. */
export function jsonOf(type: AvroType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'nullable':
      return fc.option(jsonOf(type.of));
    case 'record':
      return recordOf(type.fields);
    case 'array':
      return fc.array(jsonOf(type.items), { maxLength: 4 });
    case 'map':
      return fc.dictionary(text, jsonOf(type.values), { maxKeys: 4, noNullPrototype: true });
    case 'boolean':
      return fc.boolean();
    case 'int':
      return whole;
    case 'long':
      return long;
    case 'float':
      return float;
    case 'double':
      return double;
    case 'string':
      return text;
    case 'timestamp-millis':
      return timestamp(1);
    case 'timestamp-micros':
      return timestamp(1_000);
    case 'date':
      return moment.map((date) => date.toISOString().slice(0, 10));
    case 'uuid':
      return fc.oneof(
        fc.uuid(),
        fc.uuid().map((uuid) => uuid.toUpperCase()),
      );
    case 'enum':
      return fc.constantFrom(...type.symbols);
    case 'bytes':
      return bytes({ maxLength: 12 });
    case 'fixed':
      return bytes({ minLength: type.size, maxLength: type.size });
    case 'decimal':
      return fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom('1e0', '-0.0', '7', '+3'));
  }
}

/** A field with a default may be left out, and there may be fields that the schema does not know. */
function recordOf(fields: readonly AvroField[]): fc.Arbitrary<unknown> {
  const known = Object.fromEntries(fields.map(({ name, type }) => [name, jsonOf(type)]));
  const requiredKeys = fields.filter((field) => field.default === undefined).map(({ name }) => name);
  const unknown = fc.dictionary(fc.constantFrom('extra', 'x y', '__proto__'), fc.jsonValue(), { maxKeys: 1 });
  return fc.tuple(unknown, fc.record(known, { requiredKeys })).map((parts) => Object.assign({}, ...parts));
}

const SCALARS: readonly Schema[] = [
  ...(['boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'] as const),
  { type: 'long', logicalType: 'timestamp-millis' },
  { type: 'long', logicalType: 'timestamp-micros' },
  { type: 'int', logicalType: 'date' },
  { type: 'string', logicalType: 'uuid' },
  // The types of avsc know no members of logical types.
  { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } as Schema,
];

/** Input schemas of every kind of type, some levels deep. */
export const schemas: fc.Arbitrary<Schema> = fc
  .letrec<{ type: unknown; record: unknown }>((tie) => ({
    record: fc
      .array(fc.tuple(tie('type'), fc.constantFrom('none', 'null', 'optional')), { minLength: 1, maxLength: 4 })
      .map((types) => ({
        type: 'record',
        fields: types.map(([type, may], at) => {
          const name = ['toString', 'a', 'constructor', '_b'][at];
          if (may === 'none' || Array.isArray(type)) return { name, type };
          return { name, type: ['null', type], ...(may === 'optional' ? { default: null } : {}) };
        }),
      })),
    type: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...SCALARS, { type: 'enum', symbols: ['a', 'B', 'c_3'] }, { type: 'fixed', size: 3 }),
      tie('record'),
      tie('type').map((items) => ({ type: 'array', items })),
      tie('type').map((values) => ({ type: 'map', values })),
    ),
  }))
  .record.map((schema) => JSON.parse(named(JSON.stringify(schema))));

/** Types of Avro with names have different ones. */
function named(schema: string): string {
  let count = 0;
  return schema.replace(/"type":"(record|enum|fixed)"/g, (type) => `${type},"name":"Type${count++}"`);
}
