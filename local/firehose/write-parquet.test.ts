import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { readParquet } from '../../test/support/local/read-parquet.ts';
import { type DuckDb, openDuckDb } from '../duckdb/open-duckdb.ts';
import type { CatalogColumn } from '../ports.ts';
import { rowConverter } from './row-converter.ts';
import { writeParquet } from './write-parquet.ts';

const COLUMNS: readonly CatalogColumn[] = [
  { name: 'i', type: 'int' },
  { name: 'b', type: 'bigint' },
  { name: 'd', type: 'double' },
  { name: 'f', type: 'float' },
  { name: 't', type: 'boolean' },
  { name: 's', type: 'string' },
  { name: 'n', type: 'decimal(9,2)' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'timestamp' },
  { name: 'l', type: 'array<int>' },
  { name: 'm', type: 'map<string,double>' },
  {
    name: 'r',
    type: 'struct<id:string,lines:array<struct<sku:string,price:decimal(18,4)>>,tags:map<string,array<string>>>',
  },
];

let folder: string;
let duckDb: DuckDb;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'parquet-'));
  duckDb = await openDuckDb({ memoryMbMax: 512, threads: 1, spillFolder: path.join(folder, 'spill') });
});

afterAll(() => {
  duckDb.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Rows on their whole way: through the converter, to disk, to Parquet, and read by another reader. */
async function roundTrip(columns: readonly CatalogColumn[], documents: readonly string[]) {
  const converter = rowConverter(columns);
  const lines = documents.map((text) => {
    const document: unknown = JSON.parse(text);
    const row = converter.conforms(document) ? text : converter.convert(document, text);
    if (typeof row !== 'string') throw new Error(row.message);
    return row;
  });
  const rowsFile = path.join(folder, `${files++}.ndjson`);
  const parquetFile = path.join(folder, `${files}.parquet`);
  writeFileSync(rowsFile, lines.map((line) => `${line}\n`).join(''));
  await writeParquet(duckDb, { rowsFile, columns }, parquetFile);
  return readFileSync(parquetFile);
}

const read = async (columns: readonly CatalogColumn[], documents: readonly string[]) =>
  readParquet(await roundTrip(columns, documents));

/** Absent is null; -0 and 0 are different to Object.is, and to JSON they are not. */
const plain = (value: unknown): unknown => {
  if (value === undefined || value === null) return null;
  if (Object.is(value, -0)) return 0;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(rounded(name, one))]));
  return value;
};

/** hyparquet multiplies the digits of a decimal by a power of ten, which is off by an ulp. */
const DECIMAL_SCALES: Readonly<Record<string, number>> = { n: 2, price: 4 };
const rounded = (name: string, value: unknown): unknown => {
  const scale = DECIMAL_SCALES[name];
  return typeof value === 'number' && scale !== undefined ? Number(value.toFixed(scale)) : value;
};

describe('writeParquet', () => {
  it('writes every type so that another reader finds each of thousands of values', async () => {
    const given = Array.from({ length: 5_000 }, (_one, index) => {
      const some = <Value>(every: number, value: Value): Value | null => (index % every === 0 ? null : value);
      const at = new Date(
        Date.UTC(2000 + (index % 90), index % 12, 1 + (index % 28), index % 24, index % 60, 1, index % 1000),
      );
      return {
        i: some(7, index - 2_500),
        b: some(11, BigInt(index) * 3_000_000_000_000_001n - 9_000_000_000_000_000_000n),
        d: some(13, Math.sin(index) * 10 ** (index % 200)),
        f: some(17, index / 4),
        t: some(3, index % 2 === 0),
        s: some(5, `naïve "${index}" \\ \n😀\u0000`),
        n: some(19, (index - 2_500) / 100),
        day: some(23, new Date(Date.UTC(1950 + (index % 100), index % 12, 1 + (index % 28)))),
        at: some(29, at),
        l: some(
          31,
          Array.from({ length: index % 4 }, (_item, n) => (n === 2 ? null : n * index)),
        ),
        m: some(
          37,
          Object.fromEntries(Array.from({ length: index % 3 }, (_item, n) => [`k${n}`, n === 1 ? null : index / 8])),
        ),
        r: some(41, {
          id: some(43, `r${index}`),
          lines: some(47, [
            { sku: 'a', price: index / 16 },
            { sku: null, price: null },
          ]),
          tags: some(53, { k: index % 2 === 0 ? [] : ['x', null] }),
        }),
      };
    });
    const documents = given.map((row) =>
      JSON.stringify({
        ...row,
        b: row.b === null ? null : String(row.b),
        n: row.n === null ? null : row.n.toFixed(2),
        day: row.day?.toISOString().slice(0, 10) ?? null,
        at: row.at?.toISOString() ?? null,
      }),
    );

    const rows = await read(COLUMNS, documents);

    expect(rows).toHaveLength(given.length);
    for (const [index, row] of given.entries()) expect(plain(rows[index])).toEqual(plain(row));
  });

  it('writes SNAPPY, and the types that Athena and Spark read by these names', async () => {
    const {
      row_groups: [group],
      schema,
    } = parquetMetadata(new Uint8Array(await roundTrip(COLUMNS, ['{}'])).buffer);

    expect(new Set(group?.columns.map((column) => column.meta_data?.codec))).toEqual(new Set(['SNAPPY']));
    const types = Object.fromEntries(schema.slice(1).map((one) => [one.name, [one.type, one.converted_type]]));
    expect(types).toMatchObject({
      i: ['INT32', 'INT_32'],
      b: ['INT64', 'INT_64'],
      d: ['DOUBLE', undefined],
      t: ['BOOLEAN', undefined],
      s: ['BYTE_ARRAY', 'UTF8'],
      n: ['INT32', 'DECIMAL'],
      day: ['INT32', 'DATE'],
      at: ['INT64', 'TIMESTAMP_MICROS'],
      l: [undefined, 'LIST'],
      m: [undefined, 'MAP'],
    });
  });

  it('keeps the digits of integers and decimals that no double holds', async () => {
    const columns = [
      { name: 'b', type: 'bigint' },
      { name: 'n', type: 'decimal(18,4)' },
    ];

    const rows = await read(columns, ['{"b":9007199254740993,"n":12345678901234.5678}', '{"b":-9223372036854775808}']);

    expect(rows[0]?.b).toBe(9007199254740993n);
    expect(rows[1]?.b).toBe(-9223372036854775808n);
    expect(rows[0]?.n).toBeCloseTo(Number('12345678901234.5678'), 2);
  });

  it('writes an empty document as a row of nulls, even when there is one column', async () => {
    expect(plain(await read([{ name: 'a', type: 'int' }], ['{}', '{"a":1}']))).toEqual([{ a: null }, { a: 1 }]);
  });

  it.each([
    ['a name twice', '{"a":"oops","a":2}', { a: 2, s: null }],
    ['half a surrogate pair', '{"a":1,"s":"\\ud800"}', { a: 1, s: '\ufffd' }],
  ])('normalises rows that DuckDB does not read: %s', async (_name, document, expected) => {
    const columns = [
      { name: 'a', type: 'int' },
      { name: 's', type: 'string' },
    ];

    const others = Array.from({ length: 1_200 }, (_one, a) => ({ a, s: 'x\u2028y' }));
    const documents = others.map((one) => JSON.stringify(one));

    expect(plain(await read(columns, [...documents, document]))).toEqual([...others, expected]);
  });

  it('fails for a file that is not there instead of writing nothing', async () => {
    const from = { rowsFile: path.join(folder, 'missing'), columns: COLUMNS };

    await expect(writeParquet(duckDb, from, path.join(folder, 'none.parquet'))).rejects.toThrow();
  });

  it('keeps any rows', async () => {
    const nullable = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(values, { freq: 6 });
    const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed());
    // hyparquet itself loses a key __proto__.
    const lower = fc.string().map((value) => value.toLowerCase().replaceAll('__', '_'));
    const cents = fc.integer({ min: -999_999_999, max: 999_999_999 });
    const time = fc.date({ min: new Date('1700-01-01'), max: new Date('2200-01-01'), noInvalidDate: true });
    const row = fc.record({
      i: nullable(fc.integer()),
      b: nullable(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      d: nullable(fc.double({ noNaN: true, noDefaultInfinity: true })),
      f: nullable(fc.float({ noNaN: true, noDefaultInfinity: true })),
      t: nullable(fc.boolean()),
      s: nullable(text),
      n: nullable(cents),
      at: nullable(time),
      l: nullable(fc.array(nullable(fc.integer()))),
      m: nullable(
        fc.dictionary(lower, nullable(fc.double({ noNaN: true, noDefaultInfinity: true })), { noNullPrototype: true }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (given) => {
        const columns = COLUMNS.filter(({ name }) => name !== 'r' && name !== 'day');
        const documents = given.map(({ b, n, ...others }) => {
          const digits =
            n === null ? 'null' : `${n < 0 ? '-' : ''}${String(Math.abs(n)).padStart(3, '0').replace(/..$/, '.$&')}`;
          return `${JSON.stringify(others).slice(0, -1)},"b":${b},"n":${digits}}`;
        });

        const rows = await read(columns, documents);

        const expected = given.map((one) => ({ ...one, n: one.n === null ? null : one.n / 100 }));
        expect(plain(rows)).toEqual(plain(expected));
      }),
      { numRuns: 30 },
    );
  });
});
