import { describe, expect, it } from '@jest/globals';
import type { Schema } from 'avsc';
import { parseSchema } from './avro-type.ts';
import { canonicalDecimal, decimalFromBytes, decimalToBytes } from './decimal.ts';
import { AvroError, compileReader } from './read-avro.ts';
import { ITEMS_MAX } from './validate.ts';
import { compileWriter } from './write-avro.ts';

const reader = (schema: Schema) => compileReader(parseSchema(schema));
const writer = (schema: Schema) => compileWriter(parseSchema(schema));
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('longs', () => {
  // Zigzag by BigInt, group by group: an independent statement of the encoding.
  const zigzagHex = (value: bigint) => {
    const groups: number[] = [];
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest > 127n; rest >>= 7n) groups.push(Number(rest & 127n) | 128);
    return Buffer.from([...groups, Number(rest)]).toString('hex');
  };

  it.each(
    [0, 1, 63, 64, 8191, 8192, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53 - 1]
      .flatMap((value) => [value, -value, -value - 1])
      .filter(Number.isSafeInteger),
  )('writes and reads %d exactly', (value) => {
    const bytes = writer('long')(value);

    expect(bytes.toString('hex')).toBe(zigzagHex(BigInt(value)));
    expect(reader('long')(bytes)).toBe(value + 0);
  });

  it.each([2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)])(
    'refuses %d on the wire instead of rounding it',
    (value) => {
      expect(() => reader('long')(hex(zigzagHex(value)))).toThrow(/long: received about .*allowed/);
    },
  );

  it('refuses a number of eleven bytes', () => {
    expect(() => reader('long')(Buffer.alloc(11, 0x80))).toThrow(/more than 10 bytes/);
  });

  it('refuses an int that only a long holds', () => {
    expect(() => reader('int')(hex(zigzagHex(2n ** 31n)))).toThrow(/int: received 2147483648/);
  });
});

describe('the reader', () => {
  it('refuses millions of empty items in a few bytes', () => {
    const empty: Schema = { type: 'array', items: { type: 'array', items: { type: 'array', items: 'int' } } };
    const read = reader({ type: 'array', items: { type: 'map', values: 'string' } });

    expect(() => read(writer('long')(5_000_000))).toThrow(/items: received more than 100000/);
    expect(() => reader(empty)(Buffer.concat([writer('long')(ITEMS_MAX + 1), Buffer.alloc(ITEMS_MAX + 1)]))).toThrow(
      /items/,
    );
  });

  it('counts items over the whole record, not each array', () => {
    const half = Buffer.concat([writer('long')(50_001), Buffer.alloc(50_001, 0x02), hex('00')]);
    const read = reader({
      type: 'record',
      name: 'R',
      fields: [
        { name: 'a', type: { type: 'array', items: 'int' } },
        { name: 'b', type: { type: 'array', items: 'int' } },
      ],
    });

    expect(() => read(Buffer.concat([half, half]))).toThrow(/items: received more than 100000/);
  });

  it('reads arrays written in several blocks, with sizes', () => {
    expect(reader({ type: 'array', items: 'int' })(hex('02 02 03 04 04 06 00'))).toEqual([1, 2, 3]);
  });

  it.each([
    ['boolean', '02', /boolean: received byte 2/],
    ['string', '02 ff', /not UTF-8/],
    ['string', '06 ed a0 80', /not UTF-8/],
    ['string', '03', /needs -2 bytes/],
    ['double', '00 00 00 00 00 00 f8 7f', /double: received NaN/],
    ['float', '00 00 80 7f', /float: received Infinity/],
    [['null', 'int'], '04', /union: received index 2, allowed: 0 to 1/],
    [['null', 'int'], '01', /union: received index -1/],
    [{ type: 'enum', name: 'E', symbols: ['a', 'b'] }, '04', /enum: received index 2/],
    [{ type: 'int', logicalType: 'date' }, 'ff ff ff ff 0f', /date: received/],
    [{ type: 'string', logicalType: 'uuid' }, '02 61', /uuid: received "a"/],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 2, scale: 0 } as Schema,
      '02 64',
      /decimal: allowed: 2 digits/,
    ],
    [{ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 0 } as Schema, '00', /decimal/],
    ['string', '', /more bytes/],
  ] as [Schema, string, RegExp][])('refuses %j from %s', (schema, bytes, message) => {
    expect(() => reader(schema)(hex(bytes))).toThrow(AvroError);
    expect(() => reader(schema)(hex(bytes))).toThrow(message);
  });

  it('keeps a replacement character that was meant', () => {
    expect(reader('string')(hex('06 ef bf bd'))).toBe('\ufffd');
  });

  it('keeps the map key __proto__ as an entry, and changes no prototype', () => {
    const schema: Schema = { type: 'map', values: 'int' };
    const value: unknown = JSON.parse('{"__proto__":1,"a":2}');

    const read = reader(schema)(writer(schema)(value));

    expect(JSON.stringify(read)).toBe('{"__proto__":1,"a":2}');
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  it('copies bytes, so that a reused buffer changes no record', () => {
    const body = hex('04 01 02');
    const value = reader('bytes')(body);

    body.fill(0xff);

    expect(value).toEqual(hex('01 02'));
  });

  it('reads a plain Uint8Array with an offset', () => {
    expect(reader('string')(new Uint8Array([9, 4, 0x68, 0x69, 9]).subarray(1, 4))).toBe('hi');
  });

  it('is usable after it has refused something', () => {
    const read = reader('string');
    expect(() => read(hex('08 61'))).toThrow(AvroError);

    expect(read(hex('02 61'))).toBe('a');
  });
});

describe('the writer', () => {
  it('refuses what does not conform, with its path, and takes no other spelling', () => {
    const schema: Schema = {
      type: 'record',
      name: 'R',
      fields: [{ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }],
    };

    expect(() => writer(schema)({ at: '2026-01-01T00:00:00Z' })).toThrow(/at: expected the canonical form, number/);
    expect(() => writer(schema)({})).toThrow(/at: expected timestamp-millis, received nothing/);
  });

  it('grows with a record that is larger than its arena', () => {
    const large = 'é'.repeat(100_000);

    expect(reader('string')(writer('string')(large))).toBe(large);
  });
});

describe('decimals', () => {
  const decimal = (precision: number, scale: number, size?: number) =>
    ({ kind: 'decimal', precision, scale, size }) as const;

  it.each([
    [1.5, '1.50'],
    ['1.5', '1.50'],
    ['-0.01', '-0.01'],
    [0, '0.00'],
    ['-0', '0.00'],
    ['007', '7.00'],
    ['1e2', '100.00'],
    ['12345e-2', '123.45'],
    ['1.500', '1.50'],
    ['+3', '3.00'],
    [1e-2, '0.01'],
    [-999.99, '-999.99'],
  ])('takes %p as %s of decimal(5, 2)', (value, canonical) => {
    expect(canonicalDecimal(value, decimal(5, 2))).toBe(canonical);
  });

  it.each([
    '1.005',
    1000,
    '1e3',
    '',
    '.5',
    '5.',
    'abc',
    '1,5',
    ' 1',
    Number.NaN,
    Infinity,
    '1e99999',
    '1e-9',
    null,
    '0x10',
    '9'.repeat(1000),
  ])('refuses %p for decimal(5, 2)', (value) => {
    expect(canonicalDecimal(value, decimal(5, 2))).toBeUndefined();
  });

  it.each([
    ['0.00', '00'],
    ['1.27', '7f'],
    ['1.28', '0080'],
    ['-1.28', '80'],
    ['-1.29', 'ff7f'],
    ['-0.01', 'ff'],
  ])('writes %s as %s and reads it back', (text, bytes) => {
    const type = decimal(5, 2);

    expect(decimalToBytes(text, type).toString('hex')).toBe(bytes);
    expect(decimalFromBytes(hex(bytes), type)).toBe(text);
    expect(decimalFromBytes(decimalToBytes(text, decimal(5, 2, 4)), type)).toBe(text);
    expect(decimalToBytes(text, decimal(5, 2, 4))).toHaveLength(4);
  });
});
