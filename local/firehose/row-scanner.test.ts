import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rowConverter } from './row-converter.ts';
import { rowScanner } from './row-scanner.ts';

const COLUMNS = [
  { name: 'id', type: 'string' },
  { name: 'at', type: 'timestamp' },
  { name: 'day', type: 'date' },
  { name: 'count', type: 'int' },
  { name: 'total', type: 'bigint' },
  { name: 'ratio', type: 'double' },
  { name: 'ok', type: 'boolean' },
  { name: 'price', type: 'decimal(10,2)' },
  { name: 'tags', type: 'array<string>' },
  { name: 'place', type: 'struct<lat:float,name:string>' },
  { name: 'labels', type: 'map<string,string>' },
];
const FULL = {
  id: 'é 1',
  at: '2026-11-25 03:00:00.123',
  day: '2024-02-29',
  count: -2147483648,
  total: 123456789012345,
  ratio: 0.5,
  ok: false,
  price: '-12.5',
  tags: ['a', null],
  place: { lat: 1, name: 'x' },
  labels: null,
};

const scanner = rowScanner(COLUMNS);
const converter = rowConverter(COLUMNS);
const scan = (text: string): number => scanner.scan(Buffer.from(text), 0);

describe('rowScanner', () => {
  it('takes a document that is written plainly', () => {
    const text = JSON.stringify(FULL);

    expect(scan(`${text}\n`)).toBe(Buffer.byteLength(text));
    expect(text.slice((scanner.starts[3] ?? 0) - 1, (scanner.ends[3] ?? 0) - 1)).toBe('-2147483648');
  });

  it.each([
    ['{}'],
    ['{"id":null}'],
    ['{"id":"","count":0}'],
    ['{"at":"2026-11-25 03:00:00"}'],
    ['{"tags":[],"place":{}}'],
    ['{"ok":true}'],
    ['{"ratio":-0}'],
  ])('takes %s', (text) => {
    expect(scan(text)).toBe(text.length);
  });

  it.each([
    ['{"id":"\\u0041"}'],
    ['{"id":1}'],
    ['{"ID":"x"}'],
    ['{"count":1,"id":"x"}'],
    ['{"id":"a","id":"b"}'],
    ['{"unknown":1}'],
    ['{"id":"x",}'],
    ['{"id":"x"'],
    ['{"id":"x'],
    ['{ "id":"x"}'],
    ['{"count":01}'],
    ['{"count":1.0}'],
    ['{"count":2147483648}'],
    ['{"count":-}'],
    ['{"total":1234567890123456}'],
    ['{"ratio":1.}'],
    ['{"ratio":1e3}'],
    ['{"at":"2026-02-29 00:00:00"}'],
    ['{"at":"2026-11-25 24:00:00"}'],
    ['{"at":"2026-11-25 03:00:00.1234567"}'],
    ['{"at":"2026-11-25T03:00:00Z"}'],
    ['{"at":"2026-11-25 03:00:00."}'],
    ['{"day":"2026-11-31"}'],
    ['{"day":"2026-11-30x"}'],
    ['{"price":"1.50"}'],
    ['{"price":1.5}'],
    ['{"tags":"a"}'],
    ['{"tags":["a",]}'],
    ['{"tags":["a"}'],
    ['{"place":{"name":"x","lat":1}}'],
    ['{"labels":{}}'],
    ['{"ok":truE}'],
    ['{"ok":nul}'],
    ['[]'],
    ['{'],
    [''],
  ])('leaves %s to the parser', (text) => {
    expect(scan(text)).toBe(-1);
  });

  it('takes nothing that the converter would not write as it stands', () => {
    const value = fc.oneof(
      ...Object.values(FULL).map((plain) => fc.constant(plain)),
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.jsonValue(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString().replace('T', ' ').replace('Z', '')),
    );
    const document = fc.record(Object.fromEntries(COLUMNS.map(({ name }) => [name, value])), { requiredKeys: [] });
    const edit = fc.tuple(fc.nat(400), fc.constantFrom('', ' ', '"', ',', '}', '0', '.', '\\', 'e', '\n'));
    fc.assert(
      fc.property(document, fc.option(edit), (given, change) => {
        let text = JSON.stringify(given);
        if (change)
          text = text.slice(0, change[0] % text.length) + change[1] + text.slice((change[0] % text.length) + 1);
        const end = scan(text);
        if (end < 0) return;
        const taken = Buffer.from(text).toString('utf8', 0, end);

        expect(converter.conforms(JSON.parse(taken))).toBe(true);
        expect(taken).not.toContain('\n');
      }),
      { numRuns: 1_000 },
    );
  });
});
