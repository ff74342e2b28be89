import { hash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { datasets } from '../../schemas/index.ts';
import { avroContainer } from '../../test/support/ingest/avro-container.ts';
import { type Read, readAll, recordsOf } from '../../test/support/ingest/chunk-outcomes.ts';
import { memoryObject } from '../../test/support/ingest/memory-object.ts';
import type { ReadChunksOptions } from './read-chunks.ts';

const flights = datasets.get('flights');
if (flights === undefined) throw new Error('flights is gone');
const OPTIONS: ReadChunksOptions = { source: 'urn:file', runId: 'r', recordsMax: 7, dataset: flights };
const RUNS = { numRuns: 20 };
/** A first line that leaves no doubt of the format. */
const FIRST = Buffer.from('{}');

/** Lines of NDJSON: records, and what is none. */
const line = fc.oneof(
  { weight: 4, arbitrary: fc.json({ noUnicodeString: false }).map((text) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
  },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '\r', '{"a":', '"\ud800').map((text) => Buffer.from(text)) },
);
const lines = fc.array(line, { maxLength: 40 });
const asText = (parts: readonly Buffer[], end: string) =>
  Buffer.concat(parts.flatMap((part) => [part, Buffer.from(end)]));
const sizes = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 5_000 }));

/** Jest compares bytes one by one. */
function digestOf({ chunks, bad }: Read) {
  return { bad, chunks: chunks.map((chunk) => ({ ...chunk, data: hash('sha256', chunk.data) })) };
}

/** The same object in pieces of two sizes, and again from a chunk on, gives the same chunks. */
async function expectSame(key: string, bytes: Buffer, [small, large]: readonly number[], fromChunk: number) {
  const whole = await readAll(memoryObject(key, bytes), OPTIONS);
  const expected = digestOf(whole);
  for (const pieceBytes of [small, large]) {
    expect(digestOf(await readAll(memoryObject(key, bytes, { pieceBytes }), OPTIONS))).toEqual(expected);
  }
  const later = await readAll(memoryObject(key, bytes, { pieceBytes: large }), { ...OPTIONS, fromChunk });
  expect(digestOf(later)).toEqual(digestOf({ bad: whole.bad, chunks: whole.chunks.slice(fromChunk) }));
  return whole;
}

describe('the same chunks come of the same bytes, whatever pieces they come in and wherever reading starts', () => {
  it('of NDJSON, whose good lines come out as they are', async () => {
    await fc.assert(
      fc.asyncProperty(lines, fc.constantFrom('\n', '\r\n'), sizes, fc.nat(6), async (parts, end, pieces, from) => {
        const { chunks } = await expectSame('a.ndjson', asText([FIRST, ...parts], end), pieces, from);

        const good = [FIRST, ...parts].flatMap((part) => {
          try {
            return [JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part))];
          } catch {
            return [];
          }
        });
        const found = recordsOf(chunks).filter(
          (record) => !(record && typeof record === 'object' && 'received' in record),
        );
        expect(found).toEqual(good);
      }),
      RUNS,
    );
  });

  it('of a JSON array, cut off or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.double({ min: 0, max: 1, noNaN: true }),
        sizes,
        fc.nat(3),
        async (values, cut, pieces, from) => {
          const bytes = Buffer.from(JSON.stringify(values, null, from));
          const whole = await expectSame('a.json', bytes, pieces, from);
          // -0 is 0 in JSON.
          expect(recordsOf(whole.chunks)).toEqual(JSON.parse(bytes.toString()));
          await expectSame('a.json', bytes.subarray(0, bytes.length * cut), pieces, from);
        },
      ),
      RUNS,
    );
  });

  it('of CSV, with quotes or without', async () => {
    const value = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a"b', 'x,y', 'line\nend', '"', '1', ''));
    const row = fc
      .array(value, { minLength: 1, maxLength: 4 })
      .chain((values) =>
        fc
          .array(fc.boolean(), { minLength: values.length, maxLength: values.length })
          .map((quotes) =>
            values.map((text, index) => (quotes[index] ? `"${text.replaceAll('"', '""')}"` : text)).join(','),
          ),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(row), sizes, fc.nat(3), async (rows, pieces, from) => {
        await expectSame('a.csv', Buffer.from(`a,b,origin\n${rows.join('\n')}`), pieces, from);
      }),
      RUNS,
    );
  });

  it('of a compressed file, broken or not', async () => {
    const text = asText(
      Array.from({ length: 12_000 }, (_, index) => Buffer.from(`{"n":"${hash('sha1', String(index))}"}`)),
      '\n',
    );
    const options = { ...OPTIONS, recordsMax: 1_000 };
    for (const [key, file] of [
      ['a.ndjson.gz', gzipSync(text)],
      ['a.ndjson.zst', zstdCompressSync(text)],
    ] as const) {
      const broken = Buffer.from(file);
      broken.fill(0xff, file.length >> 1, (file.length >> 1) + 100);
      for (const bytes of [file, file.subarray(0, file.length - 1_000), broken]) {
        const whole = await readAll(memoryObject(key, bytes), options);
        expect(whole.chunks.length).toBeGreaterThan(2);
        for (const pieceBytes of [999, 100_000]) {
          expect(digestOf(await readAll(memoryObject(key, bytes, { pieceBytes }), options))).toEqual(digestOf(whole));
        }
      }
    }
  });

  it('of an Avro container', async () => {
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'a', type: ['null', 'string'] },
        { name: 'b', type: 'int' },
      ],
    } as const;
    const record = fc.record({
      a: fc.option(fc.string({ unit: 'grapheme' })),
      b: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(record), sizes, fc.nat(3), async (records, pieces, from) => {
        const bytes = await avroContainer(JSON.parse(JSON.stringify(schema)), records, {
          codec: 'deflate',
          blockSize: 100,
        });
        const { chunks, bad } = await expectSame('a.avro', bytes, pieces, from);
        expect(bad).toBeUndefined();
        expect(recordsOf(chunks)).toEqual(records);
      }),
      RUNS,
    );
  });
});
