import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { datasets } from '../../schemas/index.ts';
import { jsonRecordsOf, placesOf, readAll, recordsOf } from '../../test/support/ingest/chunk-outcomes.ts';
import { everyType } from '../../test/support/ingest/every-type.ts';
import { memoryObject, ObjectUnavailable } from '../../test/support/ingest/memory-object.ts';
import { parquetOf } from '../../test/support/processors/parquet-file.ts';
import type { ReadChunksOptions } from './read-chunks.ts';
import type { SourceObject } from './source-object.ts';

const flights = datasets.get('flights');
if (flights === undefined) throw new Error('flights is gone');
const OPTIONS: ReadChunksOptions = { source: 'urn:file', recordsMax: 2_000, dataset: flights };
const vega = new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets')).pathname;
const read = (bytes: Uint8Array, options = OPTIONS) => readAll(memoryObject('a.parquet', bytes), options);
const rows = (count: number) => `SELECT * FROM '${vega}' LIMIT ${count}`;

describe('Parquet', () => {
  it('is read row group by row group: the first rows of 3 million real flights', async () => {
    const ranges: number[] = [];
    const whole = memoryObject('flights-3m.parquet', readFileSync(vega));
    const object: SourceObject = {
      ...whole,
      read(from, to = whole.sizeBytes) {
        ranges.push(to - from);
        return whole.read(from, to);
      },
    };
    const { readChunks } = await import('./read-chunks.ts');
    const reading = readChunks(object, OPTIONS);

    const first = await reading.next();
    await reading.return();

    if (first.done) throw new Error('no chunk');
    const records = recordsOf([first.value]);
    expect(records).toHaveLength(2_000);
    expect(records.filter((record) => flights.validateInput(record) !== undefined)).toEqual([]);
    expect(records[0]).toEqual({
      date: Date.UTC(2001, 0, 1, 0, 1),
      delay: 33,
      distance: 2176,
      origin: 'LAS',
      destination: 'PHL',
    });
    // One of eleven row groups, not the whole file of 13 MB.
    expect(Math.max(...ranges.slice(1))).toBeLessThan(2_000_000);
  });

  it.each(['uncompressed', 'snappy', 'gzip', 'brotli', 'zstd'])('of DuckDB is read with codec %s', async (codec) => {
    const file = await parquetOf(rows(5_000), `COMPRESSION ${codec}, ROW_GROUP_SIZE 2048`);

    const { chunks, bad } = await read(file);

    expect(bad).toBeUndefined();
    const records = recordsOf(chunks);
    expect(records).toHaveLength(5_000);
    expect(records.filter((record) => flights.validateInput(record) !== undefined)).toEqual([]);
    expect(placesOf(chunks).at(-1)).toBe('row:5000');
  });

  it('has values of each type in the form that validation takes', async () => {
    const select = `SELECT true AS flag, -5000000000::BIGINT AS "whole", 0.1::DOUBLE AS "real", DATE '1969-12-31' AS "day",
      TIMESTAMP '1960-01-02 03:04:05.678' AS moment, TIMESTAMP '1960-01-02 03:04:05.678901' AS micros,
      -12345678901234567890123456789012345.67::DECIMAL(38,2) AS price, ['a', 'b'] AS tags, MAP {'a': 1, 'b': 2} AS counts,
      'Zürich "東京"' AS "name", '\\x00\\xFF\\x7F'::BLOB AS raw, 'M' AS size,
      {'city': 'Bern', 'since': DATE '1970-01-01', 'fee': 0.007::DECIMAL(9,3)} AS place,
      TIMESTAMP '1970-01-01 00:00:00.0015' AS elsewhere`;
    const all = `${select} UNION ALL SELECT ${Array(14).fill('NULL').join(', ')}`;

    const { chunks, bad } = await read(await parquetOf(all), { ...OPTIONS, dataset: everyType });

    expect(bad).toBeUndefined();
    const [record, nulls] = jsonRecordsOf(chunks);
    expect(record).toEqual({
      flag: true,
      whole: -5_000_000_000,
      real: 0.1,
      day: '1969-12-31',
      moment: Date.UTC(1960, 0, 2, 3, 4, 5, 678),
      micros: Date.UTC(1960, 0, 2, 3, 4, 5, 678) * 1_000 + 901,
      price: '-12345678901234567890123456789012345.67',
      tags: ['a', 'b'],
      counts: { a: 1, b: 2 },
      name: 'Zürich "東京"',
      raw: '\u0000\u00ff\u007f',
      size: 'M',
      place: { city: 'Bern', since: '1970-01-01', fee: '0.007' },
      elsewhere: '1970-01-01T00:00:00.001500Z',
    });
    expect(everyType.validateInput(record)).toBeUndefined();
    expect(everyType.validateInput(nulls)).toBeUndefined();
  });

  it('leaves to validation what JSON would change', async () => {
    const select = `SELECT 9007199254740993::BIGINT AS "whole", 'NaN'::DOUBLE AS "real"`;

    const { chunks } = await read(await parquetOf(select), { ...OPTIONS, dataset: everyType });

    const [record] = jsonRecordsOf(chunks);
    expect(record).toEqual({ whole: 2 ** 53, real: 'NaN' });
    expect(everyType.validateInput(record)).toMatchObject({ path: 'whole', code: 'OUT_OF_RANGE' });
  });

  it('of another writer is read as well', async () => {
    const file = Buffer.from(
      parquetWriteBuffer({
        columnData: [
          { name: 'origin', data: ['LAX', 'SFO'], type: 'STRING' },
          { name: 'delay', data: [1, -2], type: 'INT32' },
        ],
      }),
    );

    expect(recordsOf((await read(file)).chunks)).toEqual([
      { origin: 'LAX', delay: 1 },
      { origin: 'SFO', delay: -2 },
    ]);
  });

  it('without rows has no records', async () => {
    expect(await read(await parquetOf(`${rows(0)}`))).toEqual({ chunks: [], bad: undefined });
  });
});

describe('Parquet that is broken', () => {
  it('fails the run at the row group that cannot be read, and keeps those before', async () => {
    const file = await parquetOf(rows(10_000), 'COMPRESSION zstd, ROW_GROUP_SIZE 2048');
    file.fill(0xff, file.length >> 1, (file.length >> 1) + 5_000);

    const { chunks, bad } = await read(file);

    expect(bad).toMatch(/^Parquet: row group \d of 5, after \d+ rows: /);
    const records = recordsOf(chunks);
    expect(records.length % 2_048).toBe(0);
    expect(records.length).toBeGreaterThan(0);
  });

  it.each([
    [
      'its end is missing',
      (file: Buffer) => file.subarray(0, -10),
      /^Parquet: metadata: the last bytes are .*, allowed: 50415231, PAR1/,
    ],
    [
      'its metadata is longer than it is',
      (file: Buffer) => {
        file.writeUInt32LE(0x7fffffff, file.length - 8);
        return file;
      },
      /^Parquet: metadata: received 2147483647 bytes of it/,
    ],
    ['its metadata is none', (file: Buffer) => file.fill(0xff, file.length - 60, file.length - 8), /^Parquet: /],
  ])('fails the run where %s', async (_, change, message) => {
    const { chunks, bad } = await read(change(await parquetOf(rows(100))));

    expect(bad).toMatch(message);
    expect(chunks).toEqual([]);
  });

  it('fails the run for a codec that is not read, and names those that are', async () => {
    const { bad } = await read(await parquetOf(rows(100), 'COMPRESSION lz4'));

    expect(bad).toMatch(/column date: codec: received LZ4_RAW, allowed: UNCOMPRESSED, SNAPPY, GZIP, BROTLI, ZSTD/);
  });

  it('is not read inside another compression', async () => {
    const { gzipSync } = await import('node:zlib');
    const object = memoryObject('a.parquet.gz', gzipSync(await parquetOf(rows(10))));

    expect((await readAll(object, OPTIONS)).bad).toMatch(
      /received Parquet in gzip, allowed: Parquet, which compresses its columns itself/,
    );
  });

  it('passes on that it cannot be read now', async () => {
    const whole = memoryObject('a.parquet', await parquetOf(rows(10_000), 'ROW_GROUP_SIZE 2048'));
    let reads = 0;
    const object: SourceObject = {
      ...whole,
      read(from, to) {
        reads += 1;
        return reads === 5 ? memoryObject('', '', {}).read(0, 1) : whole.read(from, to);
      },
    };

    await expect(readAll(object, OPTIONS)).rejects.toThrow(/received 0 bytes of \d+/);
    const failing: SourceObject = { ...whole, read: () => memoryObject('', 'x', { failAfterBytes: 0 }).read(0) };
    await expect(readAll(failing, OPTIONS)).rejects.toThrow(ObjectUnavailable);
  });

  it('gives either rows or a reason, wherever a byte is changed', async () => {
    const file = await parquetOf(rows(50), 'COMPRESSION uncompressed');
    for (let index = 4; index < file.length; index += 41) {
      const changed = Buffer.from(file);
      changed[index] = (changed[index] ?? 0) ^ 0x55;

      const { chunks, bad } = await read(changed);

      if (bad !== undefined) expect(bad).toMatch(/^Parquet: /);
      else expect(recordsOf(chunks).length).toBeGreaterThan(0);
    }
  });
});
