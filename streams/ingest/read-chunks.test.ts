import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { outcomesOf, placesOf, readAll, recordsOf } from '../../test/support/ingest/chunk-outcomes.ts';
import { memoryObject, ObjectUnavailable } from '../../test/support/ingest/memory-object.ts';
import { type ReadChunksOptions, readChunks } from './read-chunks.ts';

function compiled(name: string) {
  const dataset = datasets.get(name);
  if (dataset === undefined) throw new Error(`${name} is gone`);
  return dataset;
}

const vega = (file: string) => readFileSync(new URL(`../data/${file}`, import.meta.resolve('vega-datasets')));
const OPTIONS: ReadChunksOptions = {
  source: 's3://raw/o?v=1',
  runId: 'run-1',
  recordsMax: 500,
  dataset: compiled('flights'),
};
const EARTHQUAKES = { ...OPTIONS, dataset: compiled('earthquakes') };
const flights: unknown[] = JSON.parse(vega('flights-2k.json').toString());
const ndjson = (records: readonly unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const read = (key: string, bytes: Uint8Array | string, options: ReadChunksOptions = OPTIONS) =>
  readAll(memoryObject(key, bytes), options);

describe('a chunk', () => {
  it('is a gzipped CloudEvents batch that the processor splits into its records', async () => {
    const { chunks, bad } = await read('flights.ndjson', ndjson(flights));

    expect(bad).toBeUndefined();
    expect(chunks.map(({ number, records, recordsUpTo }) => [number, records, recordsUpTo])).toEqual([
      [0, 500, 500],
      [1, 500, 1000],
      [2, 500, 1500],
      [3, 500, 2000],
    ]);
    expect(recordsOf(chunks)).toEqual(flights);
    expect(chunks.flatMap(outcomesOf)[501]).toMatchObject({
      kind: 'event',
      dataset: { name: 'flights' },
      source: 's3://raw/o?v=1',
      id: 'line:502',
      runId: 'run-1',
      chunkId: '1',
    });
    expect(new Set(chunks.map(({ partitionKey }) => partitionKey)).size).toBe(4);
  });

  it('has neither run nor trace where there is none, and the trace where there is', async () => {
    const { runId: _, ...bare } = OPTIONS;
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traced = await read('a.ndjson', '{}', { ...bare, traceparent: `00-${traceId}-00f067aa0ba902b7-01` });

    expect(traced.chunks.flatMap(outcomesOf)).toMatchObject([{ runId: undefined, traceId }]);
  });

  it('fits a Kinesis record also when nothing of it can be compressed', async () => {
    let seed = 1;
    const noise = () => {
      let text = '';
      for (let i = 0; i < 500; i += 1) {
        seed = (seed * 48_271) % 2_147_483_647;
        text += String.fromCharCode(0x4e00 + (seed % 0x5000));
      }
      return text;
    };
    const records = Array.from({ length: 1_000 }, () => ({ noise: noise() }));

    const { chunks } = await read('noise.ndjson', ndjson(records), { ...OPTIONS, recordsMax: 10_000 });

    expect(recordsOf(chunks)).toEqual(records);
    expect(chunks.length).toBeGreaterThan(1);
    for (const { data, partitionKey } of chunks)
      expect(data.length + partitionKey.length).toBeLessThanOrEqual(1024 * 1024);
  });

  it('holds a record of several MiB alone where it compresses, and the reason where it does not', async () => {
    const large = { text: 'x'.repeat(9 * 1024 * 1024) };
    const noise = {
      text: vega('flights-3m.parquet').subarray(0, 2_500_000).toString('base64').slice(0, 3_000_000),
    };

    const { chunks } = await read('large.ndjson', ndjson([{ a: 1 }, large, { b: 2 }, noise, { c: 3 }]));

    expect(chunks.map(({ records }) => records)).toEqual([1, 1, 1, 1, 1]);
    expect(recordsOf(chunks)).toEqual([
      { a: 1 },
      large,
      { b: 2 },
      {
        code: 'UNREADABLE_RECORD',
        received: `a record of ${JSON.stringify(noise).length} bytes`,
        expected: 'one that a Kinesis record of 1048576 bytes holds, compressed',
      },
      { c: 3 },
    ]);
    expect(placesOf(chunks)[3]).toBe('line:4');
    for (const { data } of chunks) expect(gunzipSync(data).length).toBeLessThanOrEqual(10 * 1024 * 1024);
  });

  it.each([
    [{ recordsMax: 0 }, /recordsMax: received 0, allowed: a whole number from 1 to 10000/],
    [{ recordsMax: 10_001 }, /recordsMax/],
    [{ fromChunk: -1 }, /fromChunk/],
    [{ source: 'x'.repeat(20_000) }, /allowed: 16384/],
  ])('is not cut by %j', async (change, message) => {
    await expect(read('a.ndjson', '{}', { ...OPTIONS, ...change })).rejects.toThrow(message);
  });
});

describe('NDJSON', () => {
  it('may have blank lines, CRLF, a byte order mark and no final newline; places are lines', async () => {
    const { chunks } = await read('a.ndjson', '\ufeff{"a":1}\r\n\r\n  \n{"a":2}\n\n{"a":3}');

    expect(recordsOf(chunks)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
    expect(placesOf(chunks)).toEqual(['line:1', 'line:4', 'line:6']);
  });

  it('gives each bad line as a failure of its own, with its bytes, and leaves its neighbours alone', async () => {
    const latin1 = Buffer.from('{"city":"K\xf6ln"}', 'latin1');
    const injected = '{"a":1},"type":"earthquakes","data":{"a":1}';
    const lines = ['{"a":1}', '{"a":', injected, latin1, '"\0"', '\ufeff{}', '{"a":2}'];
    const text = Buffer.concat(lines.map((line) => Buffer.concat([Buffer.from(line), Buffer.from('\n')])));

    const { chunks, bad } = await read('a.jsonl', text);

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toMatchObject([
      { a: 1 },
      { code: 'INVALID_JSON' },
      { code: 'INVALID_JSON' },
      { code: 'INVALID_UTF8' },
      { code: 'INVALID_JSON' },
      { code: 'INVALID_JSON' },
      { a: 2 },
    ]);
    const failed = chunks.flatMap(outcomesOf)[3];
    const { id, data_base64 } = JSON.parse(failed?.bytes().toString() ?? '');
    expect(id).toBe('line:4');
    expect(Buffer.from(data_base64, 'base64').equals(latin1)).toBe(true);
  });

  it('may nest deeply, hold half a surrogate pair escaped, and numbers that JavaScript would round', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const text = `{"deep":${deep}}\n{"half":"\\ud800"}\n{"n":12345678901234567890.10}\n`;

    const { chunks } = await read('a.ndjson', text);

    expect(gunzipSync(chunks[0]?.data ?? '').toString()).toContain('"data":{"n":12345678901234567890.10}');
    expect(recordsOf(chunks).slice(1, 2)).toEqual([{ half: '\ud800' }]);
  });

  it('tells of a line that no event can hold, and goes on behind it', async () => {
    const { chunks } = await read('a.ndjson', `{"a":1}\n"${'x'.repeat(20 * 1024 * 1024)}"\n{"a":2}\n`);

    expect(recordsOf(chunks)).toMatchObject([
      { a: 1 },
      { code: 'UNREADABLE_RECORD', received: 'a record of 20971522 bytes', expected: 'at most 10420224 bytes' },
      { a: 2 },
    ]);
    expect(chunks.every(({ data }) => data.length < 1024 * 1024)).toBe(true);
  });
});

describe('a JSON document', () => {
  it.each([
    ['an array of the real flights', 'flights.json', vega('flights-2k.json'), OPTIONS, 2_000],
    [
      'an array of 200,000 flights',
      'flights.json',
      vega('flights-200k.json'),
      { ...OPTIONS, recordsMax: 10_000 },
      200_000,
    ],
    ['the features of the real earthquakes', 'all_week.geojson', vega('earthquakes.json'), EARTHQUAKES, 1_707],
  ])('is read when it is %s', async (_, key, bytes, options, count) => {
    const { chunks, bad } = await read(key, bytes, options);

    expect(bad).toBeUndefined();
    const document = JSON.parse(bytes.toString());
    const records = recordsOf(chunks);
    expect(records).toHaveLength(count);
    expect(records).toEqual(Array.isArray(document) ? document : document.features);
    expect(placesOf(chunks.slice(-1)).at(-1)).toBe(`record:${count}`);
  });

  it.each([
    ['an empty array', '[]', []],
    ['an array that is spread over lines', '[\n  {"a": 1},\n  {"a": 2}\n]\n', [{ a: 1 }, { a: 2 }]],
    ['an array of scalars', '[1, "a,]\\"", null,true , -1.5e3]', [1, 'a,]"', null, true, -1500]],
    ['an object that is a record', '{\n "a": {"b": [1]}\n}', [{ a: { b: [1] } }]],
    ['several objects one after the other', '{\n "a": 1\n}{\n "a": 2\n}', [{ a: 1 }, { a: 2 }]],
    ['NDJSON by another name', '{"a":1}\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['nothing', ' \n', []],
    ['an array with a record that is none', '[{"a":1},{"a":},{"a":2}]', [{ a: 1 }, { code: 'INVALID_JSON' }, { a: 2 }]],
  ])('may be %s', async (_, text, records) => {
    const { chunks, bad } = await read('a.json', text);

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toMatchObject(records);
  });

  it('has its records where the dataset says, whatever is beside them', async () => {
    const text =
      '{"type":"x","bbox":[1,[2]],"fea\\u0074ures":[{"id":"a"},{"id":"b"}],"metadata":{"features":[{"id":"c"}]},"n":1}';

    const { chunks, bad } = await read('a.json', text, EARTHQUAKES);

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toEqual([{ id: 'a' }, { id: 'b' }]);
  });

  it.each([
    [
      'ends within a record',
      '[{"a":1},{"a":',
      /the text ends early, at byte 14, after 1 records, allowed: rest of a record/,
      1,
    ],
    ['ends before the array does', '[{"a":1},', /ends early, at byte 9, after 1 records, allowed: element/, 1],
    ['lacks a comma', '[{"a":1} {"a":2}]', /at byte 9, after 1 records, received string "\{", allowed: , or \]/, 1],
    ['has a comma too many', '[{"a":1},]', /at byte 9, .* allowed: a value/, 1],
    ['goes on behind its end', '[{"a":1}] 7', /received string "7", allowed: the end of the text/, 1],
    ['has brackets that do not match', '[{"a":1},{"a":[}]', /the text ends early/, 2],
  ])('fails the run when it %s, and keeps what came before', async (_, text, message, records) => {
    const { chunks, bad } = await read('a.json', text);

    expect(bad).toMatch(message);
    expect(recordsOf(chunks).slice(0, 1)).toEqual([{ a: 1 }]);
    expect(chunks.at(-1)?.recordsUpTo).toBe(records);
  });

  it.each([
    ['{\n"type":"x"}', /received an object without features, allowed: one that has its records there/],
    ['{\n"features":{"a":[]}}', /received string "\{", allowed: an array of records at features/],
  ])('fails the run when the path leads nowhere: %j', async (text, message) => {
    expect(await read('a.json', text, EARTHQUAKES)).toMatchObject({ chunks: [], bad: expect.stringMatching(message) });
  });
});

describe('what an object is', () => {
  const text = ndjson(flights.slice(0, 50));
  it.each([
    ['gzip', 'a.ndjson.gz', gzipSync(text)],
    ['gzip of several members', 'a.JSONL.GZ', Buffer.concat([gzipSync(text.slice(0, 500)), gzipSync(text.slice(500))])],
    ['zstd', 'a.ndjson.zst', zstdCompressSync(text)],
    [
      'zstd of several frames',
      'a.ndjson.zst',
      Buffer.concat([zstdCompressSync(text.slice(0, 500)), zstdCompressSync(text.slice(500))]),
    ],
    ['gzip without a format in its name', 'part-0.gz', gzipSync(text)],
    ['without any name', 'part-0', zstdCompressSync(text)],
    ['with a space and a dot in its folder', 'a b.csv/+ü', Buffer.from(text)],
  ])('is told by name and content: %s', async (_, key, bytes) => {
    const { chunks, bad } = await read(key, bytes);

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toEqual(flights.slice(0, 50));
  });

  it.each([
    ['a.ndjson.gz', text, /the name says gzip, received bytes that are none \(16 bytes starting 7b22/],
    ['a.ndjson', gzipSync(text), /the name says no compression, received gzip/],
    ['a.json.zst', gzipSync(text), /the name says zstd, received gzip/],
    ['a.ndjson.gz', '', /the name says gzip/],
    ['a.ndjson', '[{"a":1}]', /format: received json, allowed: ndjson, as it is said to be/],
    ['a.csv', '{"a":1}\n', /format: received ndjson, allowed: csv/],
    ['a.json', 'a,b\n', /format: received text that is no JSON, allowed: json/],
    ['a.avro', 'PAR1....', /format: received parquet, allowed: avro/],
    ['a.parquet', '', /format: received nothing, allowed: parquet/],
    ['a.ndjson', '\xff\xfe{\0', /received text in UTF-16, allowed in UTF-8/],
    [
      'a.txt',
      'hello world\n',
      /the name says none, and the content is text that is no JSON, allowed: NDJSON, JSON, CSV/,
    ],
  ])('fails the run where the two contradict: %s', async (key, bytes, message) => {
    const content = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;

    expect(await read(key, content)).toMatchObject({ chunks: [], bad: expect.stringMatching(message) });
  });

  it.each([
    ['gzip', 'a.ndjson.gz', gzipSync(ndjson(flights)).subarray(0, 15_000), /^gzip: unexpected end of file/],
    [
      'zstd',
      'a.ndjson.zst',
      zstdCompressSync(ndjson([...flights, ...flights].map((f, i) => ({ i, f })))).subarray(0, -100),
      /^zstd: unexpected end of file/,
    ],
  ])('fails the run where %s is cut short, and keeps what came before', async (_, key, bytes, message) => {
    const { chunks, bad } = await read(key, bytes);

    expect(bad).toMatch(message);
    const records = recordsOf(chunks);
    expect(records.length).toBeGreaterThan(500);
    expect(records.every((record) => typeof record === 'object' && record !== null && !('code' in record))).toBe(true);
    expect(chunks.at(-1)?.recordsUpTo).toBe(records.length);
  });

  it('passes on that it cannot be read now, and gives no partial chunk', async () => {
    const object = memoryObject('a.ndjson', ndjson(flights).repeat(4), { pieceBytes: 1_000, failAfterBytes: 300_000 });
    const numbers: number[] = [];

    await expect(async () => {
      for await (const { number, records } of readChunks(object, OPTIONS)) {
        expect(records).toBe(500);
        numbers.push(number);
      }
    }).rejects.toThrow(ObjectUnavailable);
    expect(numbers.slice(0, 3)).toEqual([0, 1, 2]);
  });

  it('is not taken for whole when its bytes are fewer than it has', async () => {
    const object = { ...memoryObject('a.ndjson', ndjson(flights)), sizeBytes: 1_000_000 };

    await expect(readAll(object, OPTIONS)).rejects.toThrow(/received \d+ bytes, and it has 1000000/);
  });
});
