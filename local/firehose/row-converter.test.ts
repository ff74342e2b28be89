import { describe, expect, it } from '@jest/globals';
import { rowConverter } from './row-converter.ts';

const MALFORMED = 'DataFormatConversion.MalformedData';

/** The row that a document becomes, whichever way; what is written as it stands is parsed. */
function convert(type: string, json: string): unknown {
  const converter = rowConverter([{ name: 'c', type }]);
  const text = `{"c":${json}}`;
  const document: unknown = JSON.parse(text);
  if (converter.conforms(document)) return JSON.parse(text).c;
  const row = converter.convert(document, text);
  return typeof row === 'string' ? (JSON.parse(row).c ?? null) : row.code;
}

describe('rowConverter under the OpenX SerDe', () => {
  it.each([
    ['int', '"12"', '12'],
    ['int', '12.0', 12],
    ['int', '-2147483648', -2147483648],
    ['int', '"oops"', MALFORMED],
    ['int', '1.5', MALFORMED],
    ['int', '2147483648', MALFORMED],
    ['int', 'true', MALFORMED],
    ['int', '{}', MALFORMED],
    ['tinyint', '128', MALFORMED],
    ['smallint', '-32768', -32768],
    ['bigint', '9223372036854775807', '9223372036854775807'],
    ['bigint', '9223372036854775808', MALFORMED],
    ['bigint', '1e3', 1000],
    ['double', '"1.5"', 1.5],
    ['double', '"NaN"', 'NaN'],
    ['double', '1e400', MALFORMED],
    ['double', '"1.5x"', MALFORMED],
    ['float', '1e39', MALFORMED],
    ['boolean', '"TRUE"', true],
    ['boolean', '1', MALFORMED],
    ['decimal(10,2)', '12.30', '12.3'],
    ['decimal(10,2)', '0.1', '0.1'],
    ['decimal(10,2)', '"-0.00"', '0'],
    ['decimal(10,2)', '1.234', MALFORMED],
    ['decimal(38,10)', '1234567890123456789012345678.0123456789', '1234567890123456789012345678.0123456789'],
    ['decimal(4,2)', '100', MALFORMED],
    ['string', '{"A":{"Bc":1.0},"D":[1,{"E":null}]}', '{"a":{"bc":1.0},"d":[1,{"e":null}]}'],
    ['string', '[1,2]', '[1,2]'],
    ['string', '12345678901234567890', '12345678901234567890'],
    ['string', '1.0', '1.0'],
    ['string', 'true', 'true'],
    ['string', '"\\ud800x"', '\ud800x'],
    ['array<int>', '5', [5]],
    ['array<int>', '[]', []],
    ['array<int>', '["1",null]', ['1', null]],
    ['array<int>', '["x"]', MALFORMED],
    ['array<string>', '{"A":1}', ['{"a":1}']],
    ['struct<a:int,b:string>', '[1,"x"]', { a: 1, b: 'x' }],
    ['struct<a:int,b:string>', '[1]', { a: 1, b: null }],
    ['struct<a:int,b:string>', '{"A":1,"b":"x","z":3}', { a: 1, b: 'x' }],
    ['struct<a:int>', '5', MALFORMED],
    ['struct<a:int>', '"x"', MALFORMED],
    ['map<string,int>', '{"Key":1,"OTHER":"2"}', { key: 1, other: '2' }],
    ['map<string,int>', '5', MALFORMED],
    ['map<string,array<int>>', '{"A":1}', { a: [1] }],
    ['array<struct<a:map<string,decimal(5,1)>>>', '{"A":{"X":1.50}}', [{ a: { x: '1.5' } }]],
    ['date', '"2026-2-3"', '2026-02-03'],
    ['date', '"2026-02-30"', MALFORMED],
    ['date', '5', MALFORMED],
    ['int', 'null', null],
  ])('makes a column of %s from %s', (type, json, expected) => {
    expect(convert(type, json)).toEqual(expected);
  });

  it.each([
    ['1600000000', '2020-09-13 12:26:40.000000'],
    ['1600000000123', '2020-09-13 12:26:40.123000'],
    ['1600000000.5', '2020-09-13 12:26:40.500000'],
    ['"1600000000"', '2020-09-13 12:26:40.000000'],
    ['"1600000000123"', '2020-09-13 12:26:40.123000'],
    ['0', '1970-01-01 00:00:00.000000'],
    ['-1', '1969-12-31 23:59:59.000000'],
    ['999999999999', expect.stringMatching(/^2092-/)],
    ['"2026-11-25 01:02:03"', '2026-11-25 01:02:03'],
    ['"2026-11-25 01:02:03.456"', '2026-11-25 01:02:03.456'],
    ['"2026-1-5 01:02:03.1"', '2026-01-05 01:02:03.1'],
    ['"2026-11-25 01:02:03.123456789"', '2026-11-25 01:02:03.123456'],
    ['"2026-11-25T01:02:03Z"', '2026-11-25 01:02:03'],
    ['"2026-11-25T01:02:03.456789Z"', '2026-11-25 01:02:03.456789'],
    ['"2026-11-25T01:02:03+02:00"', MALFORMED],
    ['"2026-11-25T01:02:03"', MALFORMED],
    ['"2026-11-25"', MALFORMED],
    ['"2026-13-01 00:00:00"', MALFORMED],
    ['"2026-02-29 00:00:00"', MALFORMED],
    ['"2026-01-01 24:00:00"', MALFORMED],
    ['"yesterday"', MALFORMED],
    ['true', MALFORMED],
  ])('makes a timestamp from %s', (json, expected) => {
    expect(convert('timestamp', json)).toEqual(expected);
  });

  const two = rowConverter([
    { name: 'Id', type: 'int' },
    { name: 'name', type: 'string' },
  ]);
  const row = (json: string): unknown => two.convert(JSON.parse(json), json);

  it('drops unknown fields, finds names in any case, and leaves missing ones null', () => {
    expect(row('{"ID":1,"extra":{"a":1}}')).toBe('{"id":1}');
    expect(row('{"Name":"x","id":null}')).toBe('{"name":"x"}');
    expect(row('{}')).toBe('{}');
  });

  it('takes the last of names that are equal but for their case', () => {
    expect(row('{"id":1,"ID":2}')).toBe('{"id":2}');
  });

  it.each([['5'], ['"text"'], ['[1]'], ['null']])('refuses %s as a document', (json) => {
    expect(row(json)).toMatchObject({ code: MALFORMED });
  });

  it('says which value does not fit, and what it received', () => {
    const nested = rowConverter([{ name: 'lines', type: 'array<struct<price:decimal(5,2)>>' }]);
    const text = '{"lines":[{"price":1},{"price":"abc"}]}';

    expect(nested.convert(JSON.parse(text), text)).toEqual({
      code: MALFORMED,
      message: 'lines[1].price: expected decimal(5,2); received "abc"',
    });
  });

  it.each([
    ['binary', /binary columns are not converted/],
    ['map<int,string>', /map keys are strings/],
    ['uniontype<int>', /is not a type/],
  ])('refuses a column of %s by name', (type, reason) => {
    expect(() => rowConverter([{ name: 'c', type }])).toThrow(reason);
  });
});
