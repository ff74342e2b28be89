import { describe, expect, it } from '@jest/globals';
import type { Schema } from 'avsc';
import { parseSchema } from './avro-type.ts';
import { compileValidator, ITEMS_MAX, type ValidatePolicy } from './validate.ts';

const json: ValidatePolicy = { stage: 'validate', unknownFields: 'report', spellings: 'json', mapKeys: 'any' };

/** A validator of a record with the one field `x`. */
function ofField(type: unknown, field: object = {}, policy: Partial<ValidatePolicy> = {}) {
  const schema: unknown = { type: 'record', name: 'R', fields: [{ name: 'x', type, ...field }] };
  return compileValidator(schema as Schema, { ...json, ...policy });
}

const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more });

describe('compileValidator', () => {
  it.each([
    ['int', 2 ** 31, 'OUT_OF_RANGE'],
    ['int', 1.5, 'WRONG_TYPE'],
    ['int', '1', 'WRONG_TYPE'],
    ['int', true, 'WRONG_TYPE'],
    ['int', null, 'WRONG_TYPE'],
    ['long', 2 ** 53, 'OUT_OF_RANGE'],
    ['long', JSON.parse('1e400'), 'OUT_OF_RANGE'],
    ['long', 0.5, 'WRONG_TYPE'],
    ['float', 1e39, 'OUT_OF_RANGE'],
    ['float', '1', 'WRONG_TYPE'],
    ['float', [1], 'WRONG_TYPE'],
    ['double', Number.NaN, 'OUT_OF_RANGE'],
    ['double', JSON.parse('-1e400'), 'OUT_OF_RANGE'],
    ['double', {}, 'WRONG_TYPE'],
    ['boolean', 0, 'WRONG_TYPE'],
    ['string', 5, 'WRONG_TYPE'],
    ['string', '\ud800', 'WRONG_TYPE'],
    ['bytes', 'Ā', 'INVALID_LOGICAL_VALUE'],
    ['bytes', [1], 'WRONG_TYPE'],
    [{ type: 'fixed', name: 'F', size: 2 }, 'abc', 'OUT_OF_RANGE'],
    [{ type: 'enum', name: 'E', symbols: ['a'] }, 'b', 'INVALID_SYMBOL'],
    [{ type: 'enum', name: 'E', symbols: ['a'] }, 'toString', 'INVALID_SYMBOL'],
    [{ type: 'enum', name: 'E', symbols: ['a'] }, 1, 'WRONG_TYPE'],
    [{ type: 'array', items: 'int' }, {}, 'WRONG_TYPE'],
    [{ type: 'array', items: 'int' }, Array(ITEMS_MAX + 1).fill(1), 'TOO_MANY_ITEMS'],
    [{ type: 'map', values: 'int' }, [], 'WRONG_TYPE'],
    [{ type: 'map', values: 'int' }, null, 'WRONG_TYPE'],
    [logical('long', 'timestamp-millis'), 'soon', 'INVALID_LOGICAL_VALUE'],
    [logical('long', 'timestamp-millis'), 9e15, 'OUT_OF_RANGE'],
    [logical('long', 'timestamp-millis'), 1.5, 'WRONG_TYPE'],
    [logical('int', 'date'), '2026-02-30', 'INVALID_LOGICAL_VALUE'],
    [logical('int', 'date'), '2026/02/28', 'INVALID_LOGICAL_VALUE'],
    [logical('int', 'date'), 20000, 'WRONG_TYPE'],
    [logical('string', 'uuid'), 'not-a-uuid', 'INVALID_LOGICAL_VALUE'],
    [logical('bytes', 'decimal', { precision: 4, scale: 2 }), '1.005', 'INVALID_LOGICAL_VALUE'],
    [logical('bytes', 'decimal', { precision: 4, scale: 2 }), true, 'WRONG_TYPE'],
  ])('finds %j holding %p to be %s', (type, value, code) => {
    expect(ofField(type)({ x: value })).toMatchObject({ stage: 'validate', code, path: 'x' });
  });

  it.each([
    [logical('long', 'timestamp-millis'), '2001/01/01 06:55', Date.UTC(2001, 0, 1, 6, 55)],
    [logical('long', 'timestamp-millis'), '2001-01-01T06:55:00+02:00', Date.UTC(2001, 0, 1, 4, 55)],
    [logical('long', 'timestamp-millis'), -1, -1],
    [logical('long', 'timestamp-micros'), '1970-01-01 00:00:00.000001', 1],
    [logical('int', 'date'), '2024-02-29', '2024-02-29'],
    [logical('string', 'uuid'), '123E4567-E89B-12D3-A456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
    [logical('bytes', 'decimal', { precision: 4, scale: 2 }), 12.5, '12.50'],
    ['bytes', '\u0000ÿ', Buffer.from([0, 255])],
    [['null', logical('bytes', 'decimal', { precision: 4, scale: 2 })], '1', '1.00'],
    [['null', 'int'], null, null],
  ])('turns %j holding %p into %p in place', (type, value, canonical) => {
    const record = { x: value };

    expect(ofField(type)(record)).toBeUndefined();
    expect(record).toEqual({ x: canonical });
  });

  it('makes items of arrays and maps canonical in place', () => {
    const date = logical('long', 'timestamp-millis');
    const record = { x: [{ '1970': '1970-01-01T00:00:01Z' }] };

    expect(ofField({ type: 'array', items: { type: 'map', values: date } })(record)).toBeUndefined();
    expect(record).toEqual({ x: [{ '1970': 1000 }] });
  });

  it('fills a missing field with a fresh copy of its default, and reports one that has none', () => {
    const validate = ofField({ type: 'array', items: 'int' }, { default: [1] });
    const [first, second]: { x?: number[] }[] = [{}, {}];

    expect(validate(first)).toBeUndefined();
    first?.x?.push(2);
    expect(validate(second)).toBeUndefined();

    expect(second).toEqual({ x: [1] });
    expect(ofField(['null', 'int'])({})).toMatchObject({ code: 'MISSING_FIELD', path: 'x', received: 'nothing' });
    expect(ofField('int', { default: 5 }, { spellings: 'canonical' })({})).toMatchObject({ code: 'MISSING_FIELD' });
  });

  it('refuses a default that does not conform, when the schema is compiled', () => {
    expect(() => ofField('int', { default: 'five' })).toThrow(/default of x: received string "five", allowed: int/);
    expect(() => ofField({ type: 'map', values: 'int' }, { default: JSON.parse('{"__proto__":1}') })).toThrow(
      /__proto__/,
    );
  });

  it('leads to the value through records, arrays and maps', () => {
    const inner = { type: 'record', name: 'I', fields: [{ name: 'm', type: { type: 'map', values: 'int' } }] };
    const validate = ofField({ type: 'array', items: inner });

    expect(validate({ x: [{ m: {} }, { m: { ok: 1, 'a b': 'two' } }] })).toEqual({
      stage: 'validate',
      code: 'WRONG_TYPE',
      path: 'x[1].m["a b"]',
      expected: 'int from -2147483648 to 2147483647',
      received: 'string "two"',
      message: 'x[1].m["a b"]: expected int from -2147483648 to 2147483647, received string "two"',
    });
  });

  it('reports the first failure in schema order, whatever the order in the record', () => {
    const schema: Schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'a', type: 'int' },
        { name: 'b', type: 'int' },
      ],
    };

    expect(compileValidator(schema, json)({ b: 'x', a: 'x' })?.path).toBe('a');
  });

  it('reports or ignores unknown fields by policy, at every depth', () => {
    const inner = { type: 'record', name: 'I', fields: [{ name: 'y', type: 'int' }] };

    expect(ofField(inner)({ x: { y: 1, z: 2 } })).toMatchObject({ code: 'UNKNOWN_FIELD', path: 'x.z' });
    expect(ofField(inner, {}, { unknownFields: 'ignore' })({ x: { y: 1, z: 2 } })).toBeUndefined();
    expect(ofField('int')(JSON.parse('{"x":1,"__proto__":{"y":1}}'))).toMatchObject({
      code: 'UNKNOWN_FIELD',
      path: '__proto__',
    });
  });

  it.each([
    ...['boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'],
    { type: 'enum', name: 'E', symbols: ['a'] },
    logical('long', 'timestamp-millis'),
    logical('int', 'date'),
    logical('string', 'uuid'),
    logical('bytes', 'decimal', { precision: 4, scale: 2 }),
  ])('takes an object that cannot be converted for no %j, and does not throw', (type) => {
    const hostile = JSON.parse('{"toString":1,"valueOf":1,"length":1}');

    expect(ofField(type)({ x: hostile })).toMatchObject({ code: 'WRONG_TYPE', path: 'x' });
  });

  it('does not take what every object inherits for a field', () => {
    const schema: Schema = { type: 'record', name: 'R', fields: [{ name: 'constructor', type: 'int' }] };

    expect(compileValidator(schema, json)({})).toMatchObject({ code: 'MISSING_FIELD', path: 'constructor' });
    expect(compileValidator(schema, json)({ constructor: 1 })).toBeUndefined();
  });

  it('validates map entries called __proto__, and leaves prototypes alone', () => {
    const map = { type: 'map', values: 'int' };

    expect(ofField(map)(JSON.parse('{"x":{"__proto__":"one"}}'))).toMatchObject({
      code: 'WRONG_TYPE',
      path: 'x["__proto__"]',
    });
    expect(ofField(map)(JSON.parse('{"x":{"__proto__":1}}'))).toBeUndefined();
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('carries INVALID_OUTPUT in stage transform, and refuses map keys that Firehose would change', () => {
    const validate = ofField({ type: 'map', values: 'int' }, {}, { stage: 'transform', mapKeys: 'lower-case' });

    expect(validate({ x: { a: 1, B: 2 } })).toMatchObject({ stage: 'transform', code: 'INVALID_OUTPUT', path: 'x' });
    expect(validate({ x: { a: 'one' } })).toMatchObject({ code: 'INVALID_OUTPUT', path: 'x["a"]' });
    expect(validate({ x: { a: 1 } })).toBeUndefined();
  });

  it.each([null, undefined, [], 'text', 5, Buffer.from('x')])('takes %p for no record', (value) => {
    expect(ofField('int')(value)).toMatchObject({ code: 'WRONG_TYPE', path: '' });
  });

  it('is not opened by names that look like code', () => {
    const symbols = ['a'];
    const schema: unknown = {
      type: 'record',
      name: 'R',
      fields: [{ name: 'x"];throw 1;//', type: { type: 'enum', name: 'E', symbols } }],
    };

    expect(() => compileValidator(schema as Schema, json)).toThrow(/field name; received .*allowed: names like/);
  });
});

describe('parseSchema', () => {
  const named = { type: 'record', name: 'R', fields: [{ name: 'x', type: 'int' }] };

  it.each([
    [['int', 'string'], /unsupported union/],
    [['null', 'int', 'double'], /unsupported union/],
    [['null'], /unsupported union/],
    [['int'], /union of one type/],
    [['null', ['null', 'int']], /union directly in a union/],
    ['null', /null says nothing alone/],
    ['integer', /unknown type/],
    [{ type: 'long', logicalType: 'timestamp-nanos' }, /unsupported logical type; received "timestamp-nanos on/],
    [{ type: 'int', logicalType: 'timestamp-millis' }, /unsupported logical type/],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 39 },
      /decimal precision; received 39, allowed: an integer from 1 to 38/,
    ],
    [{ type: 'bytes', logicalType: 'decimal', precision: 5, scale: 6 }, /decimal scale/],
    [
      { type: 'fixed', name: 'F', size: 2, logicalType: 'decimal', precision: 5 },
      /decimal precision of a fixed of 2; received 5, allowed: at most 4/,
    ],
    [{ type: 'enum', name: 'E', symbols: ['a', 'a'] }, /enum symbol/],
    [{ type: 'enum', name: 'E', symbols: [] }, /enum symbols/],
    [{ type: 'fixed', name: 'F', size: 0 }, /fixed size/],
    [{ type: 'record', name: 'R', fields: [] }, /record fields/],
    [{ type: 'record', name: 'R', fields: [{ name: '__proto__', type: 'int' }] }, /field name/],
    [
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'x', type: 'int' },
          { name: 'x', type: 'int' },
        ],
      },
      /field defined twice/,
    ],
    [{ type: 'record', name: 'R', fields: [{ name: 'x', type: ['null', 'R'] }] }, /recursive/],
    [
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'a', type: { ...named, name: 'I' } },
          { name: 'b', type: { ...named, name: 'I' } },
        ],
      },
      /name defined twice/,
    ],
    [
      { type: 'record', name: 'R', fields: [{ name: 'x', type: ['null', 'int'], default: 1 }] },
      /default of \["null", T\]/,
    ],
    [{ type: 'record', name: 'R', fields: [{ name: 'x', type: 'bytes', default: '' }] }, /default of bytes/],
    [{ type: 'record', fields: [] }, /type name/],
    [null, /not a schema/],
  ])('refuses %j', (schema, message) => {
    expect(() => parseSchema(schema as Schema, 'sea/schema.avsc')).toThrow(message);
    expect(() => parseSchema(schema as Schema, 'sea/schema.avsc')).toThrow(/^sea\/schema\.avsc.*allowed/);
  });

  it('finds a type by its full name from another field', () => {
    const schema: unknown = {
      type: 'record',
      name: 'n.R',
      fields: [
        { name: 'a', type: { type: 'enum', name: 'E', symbols: ['a'] } },
        { name: 'b', type: ['null', 'n.E'] },
        { name: 'c', type: 'E' },
      ],
    };

    expect(parseSchema(schema as Schema)).toMatchObject({
      fields: [{}, { type: { of: { kind: 'enum' } } }, { type: { name: 'n.E' } }],
    });
  });
});
