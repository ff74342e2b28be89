import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createMemoryObjects } from '../../test/support/processors/memory-objects.ts';
import { parquetOf } from '../../test/support/processors/parquet-file.ts';
import { ObjectError } from './objects.ts';
import { countParquetRows, FOOTER_BYTES_MAX } from './parquet-rows.ts';

function stored(content: Uint8Array | string) {
  const objects = createMemoryObjects();
  return { objects, object: objects.put('processed', 'flights/dt=2001-01-01/a.parquet', content) };
}

async function refusalOf(content: Uint8Array | string): Promise<unknown> {
  const { objects, object } = stored(content);
  return countParquetRows(objects, object).catch((error: unknown) => error);
}

describe('the rows of a Parquet object', () => {
  test('are those of its footer, of which little is read', async () => {
    const { objects, object } = stored(readFileSync('node_modules/vega-datasets/data/flights-3m.parquet'));

    expect(await countParquetRows(objects, object)).toBe(3_000_000);
    expect(object.sizeBytes).toBeGreaterThan(13_000_000);
    expect(objects.reads).toEqual([65_536]);
  });

  test.each([
    ['none', 'SELECT 1 AS n WHERE false', 0],
    ['one', 'SELECT 1 AS n', 1],
    [
      'of nested columns',
      "SELECT range AS n, [range, 1] AS l, {'a': 'b', 'm': MAP {'k': 1.5}} AS s FROM range(777)",
      777,
    ],
  ])('are counted: %s', async (_, select, rows) => {
    const { objects, object } = stored(await parquetOf(select));

    expect(await countParquetRows(objects, object)).toBe(rows);
  });

  test('are counted where the footer is longer than the first read', async () => {
    const columns = Array.from({ length: 40 }, (_, index) => `repeat('long', 20) || range AS column_number_${index}`);
    const file = await parquetOf(`SELECT ${columns.join(', ')} FROM range(40960)`, 'ROW_GROUP_SIZE 2048');
    const { objects, object } = stored(file);

    expect(await countParquetRows(objects, object)).toBe(40_960);
    expect(objects.reads).toHaveLength(2);
    // Of the file's own account of its footer, all and no more is read.
    expect(objects.reads.reduce((sum, bytes) => sum + bytes)).toBe(file.readUInt32LE(file.length - 8) + 8);
  });

  test.each([
    ['nothing', ''],
    ['a few bytes', 'PAR1'],
    ['text', 'text'.repeat(40_000)],
    ['zeros where the footer should be', Buffer.concat([Buffer.alloc(200), Buffer.from('PAR1')])],
    ['a footer that is cut', Buffer.concat([Buffer.alloc(8), Buffer.from([9, 0, 0, 0]), Buffer.from('PAR1')])],
  ])('of what is no Parquet are refused: %s', async (_, content) => {
    const error = await refusalOf(content);

    expect(error).toBeInstanceOf(ObjectError);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^s3:\/\/processed\/flights\/dt=2001-01-01\/a.parquet: received no Parquet footer/,
      ),
    });
  });

  test('are refused where the footer is too long to be read', async () => {
    const tail = Buffer.alloc(8);
    tail.writeUInt32LE(FOOTER_BYTES_MAX + 100_000);
    tail.write('PAR1', 4);

    expect(await refusalOf(Buffer.concat([Buffer.alloc(FOOTER_BYTES_MAX + 200_000), tail]))).toMatchObject({
      message: expect.stringMatching(/received a footer of over \d+ bytes, allowed: 16777216/),
    });
  });
});
