import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { documentsOf } from '../test/support/processors/recorded-ports.ts';
import { createPacker } from './pack.ts';
import type { DeliveryCall } from './ports.ts';
import type { Document } from './stages/route.ts';

/** Firehose's quotas, from its documentation and not from the code: firehose/latest/dev/limits.html */
const QUOTAS = { recordBytes: 1_024_000, documents: 500, records: 500, callBytes: 4_194_304 };

function pack(documents: readonly Document[]): DeliveryCall[] {
  const packer = createPacker();
  const calls = documents.flatMap((document) => packer.add(document) ?? []);
  return [...calls, ...packer.flush()];
}

const document = (json: string, recordIndex = 0, table = 'probe'): Document => ({
  table,
  json,
  columns: undefined,
  recordIndex,
});
const sizesOf = (calls: readonly DeliveryCall[]) =>
  calls.map(({ records }) => records.map(({ documents }) => documents));

function checkQuotas(calls: readonly DeliveryCall[]): void {
  for (const { records } of calls) {
    expect(records.length).toBeGreaterThan(0);
    expect(records.length).toBeLessThanOrEqual(QUOTAS.records);
    expect(records.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThanOrEqual(QUOTAS.callBytes);
    for (const { data, documents } of records) {
      expect(data.length).toBeLessThanOrEqual(QUOTAS.recordBytes);
      expect(documents).toBeLessThanOrEqual(QUOTAS.documents);
      expect(documentsOf(data)).toHaveLength(documents);
    }
  }
}

describe('packing', () => {
  test('gives nothing for nothing', () => {
    expect(pack([])).toEqual([]);
  });

  test('puts 500 documents into a record, and the next into another', () => {
    expect(sizesOf(pack(Array.from({ length: 501 }, () => document('{}'))))).toEqual([[500, 1]]);
  });

  test('fills a record to its last byte', () => {
    const half = 'x'.repeat(QUOTAS.recordBytes / 2 - 1);

    expect(sizesOf(pack([document(half), document(half)]))).toEqual([[2]]);
    expect(sizesOf(pack([document(half), document(`${half}x`)]))).toEqual([[1, 1]]);
  });

  test('counts bytes, not characters', () => {
    // Three bytes each: 341,000 of them fill a record but for 1,000 bytes, newline included.
    const wide = '€'.repeat(341_000);

    expect(sizesOf(pack([document(wide), document('x'.repeat(998))]))).toEqual([[2]]);
    expect(sizesOf(pack([document(wide), document('x'.repeat(999))]))).toEqual([[1, 1]]);
  });

  test('gives a call when the next record would exceed 4 MiB', () => {
    const nearlyFull = 'x'.repeat(QUOTAS.recordBytes - 1);

    expect(sizesOf(pack(Array.from({ length: 9 }, () => document(nearlyFull))))).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1],
    ]);
  });

  test('tells for each record the lowest index that has a document in it', () => {
    const documents = Array.from({ length: 1_100 }, (_, i) => document('{}', 7 + i));

    expect(pack(documents)[0]?.records.map(({ recordIndexMin }) => recordIndexMin)).toEqual([7, 507, 1_007]);
  });

  test('keeps what was sealed as it was while later documents are added', () => {
    const packer = createPacker();
    const calls: DeliveryCall[] = [];
    for (let i = 0; i < 6_000; i += 1) {
      const full = packer.add(document(String(i).padStart(1_000, '0'), i));
      if (full) calls.push(full);
    }
    const sealed = calls.flatMap(({ records }) => records.map(({ data }) => data));
    const before = Buffer.concat(sealed);
    for (let i = 0; i < 3_000; i += 1) packer.add(document('y'.repeat(1_000)));

    expect(calls.length).toBeGreaterThan(0);
    expect(Buffer.concat(sealed).equals(before)).toBe(true);
  });
});

describe('packing any documents', () => {
  const text = fc.oneof(
    { weight: 80, arbitrary: fc.integer({ min: 1, max: 3_000 }).map((length) => 'a'.repeat(length)) },
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 3_000 }).map((length) => '€😀'.repeat(length)) },
    { weight: 1, arbitrary: fc.integer({ min: 200_000, max: 1_023_990 }).map((length) => 'b'.repeat(length)) },
  );
  const documents = fc
    .array(fc.tuple(text, fc.constantFrom('a', 'a', 'a', 'a', 'b', 'failed_events')), { maxLength: 1_000, size: 'max' })
    .map((list) => list.map(([json, table], index) => document(`${index}:${json}`, index, table)));

  test('loses nothing, keeps the order in each table, and keeps the quotas', () => {
    fc.assert(
      fc.property(documents, (list) => {
        const calls = pack(list);

        checkQuotas(calls);
        for (const table of ['a', 'b', 'failed_events']) {
          const packed = calls.filter((call) => call.table === table).flatMap(({ records }) => records);
          const expected = list.filter((each) => each.table === table);
          // Compared as booleans: a difference of megabytes is not to be printed.
          const same =
            packed.flatMap(({ data }) => documentsOf(data)).join('\n') === expected.map(({ json }) => json).join('\n');
          expect(same).toBe(true);
          let next = 0;
          for (const { documents: count, recordIndexMin } of packed) {
            expect(recordIndexMin).toBe(expected[next]?.recordIndex);
            next += count;
          }
        }
      }),
      { numRuns: 12 },
    );
  });
});
