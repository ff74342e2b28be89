import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { decodedBytes, writeDecoded } from './base64.ts';
import { cutData } from './cut-data.ts';

const Entry = z.object({ Data: z.string(), PartitionKey: z.string() });
const Body = z.object({ Records: z.array(Entry) });

/** What parsing the cut text and putting the data back gives. */
function rejoined(body: string) {
  const cut = cutData(Buffer.from(body));
  if (!cut) return undefined;
  return Body.parse(JSON.parse(cut.text)).Records.map((entry) => {
    const span = cut.spans[Number(entry.Data)];
    return { ...entry, Data: span?.body.toString('latin1', span.from, span.to) };
  });
}

describe('cutting data out of a body', () => {
  it('gives with the data put back what JSON.parse gives, or leaves the body to it', () => {
    const keys = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('Data', '"Data":"x"', 'Data":', '"', '\\', '0', ''),
    );
    const data = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64'));
    const records = fc.array(fc.record({ Data: data, PartitionKey: keys }));
    let cuts = 0;
    fc.assert(
      fc.property(records, fc.constantFrom(undefined, 1, '\t'), (Records, indent) => {
        const body = JSON.stringify({ StreamName: 'Data', Records }, undefined, indent);
        const cut = rejoined(body);
        if (cut) cuts++;
        expect(cut ?? Records).toEqual(Records);
        expect(cut === undefined).toBe(body.includes('\\'));
      }),
    );
    expect(cuts).toBeGreaterThan(20);
  });

  it('leaves values of other types where they are', () => {
    const body = '{"Data" : null, "Records":[{"Data":7},{"Data":["Data"]}, {"PartitionKey":"Data"}]}';

    expect(cutData(Buffer.from(body))?.text).toBe(body);
  });

  it.each(['{"Data":"abc', '{"Data', '{"Data":', '', 'no json at all'])(
    'leaves %s for JSON.parse to refuse',
    (body) => {
      const cut = cutData(Buffer.from(body));

      expect(() => JSON.parse(cut?.text ?? body)).toThrow();
    },
  );
});

describe('base64 of a body', () => {
  it('decodes as a string of its own does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.boolean(), (bytes, isPadded) => {
        const padded = Buffer.from(bytes).toString('base64');
        const text = isPadded ? padded : padded.replaceAll('=', '');
        const body = Buffer.from(`"${text}"`);
        const target = Buffer.alloc(60);

        const data = [text, { body, from: 1, to: body.length - 1 }];

        for (const each of data) {
          expect(decodedBytes(each)).toBe(bytes.length);
          expect(writeDecoded(each, target, 3)).toBe(bytes.length);
          expect(target.subarray(3, 3 + bytes.length).equals(bytes)).toBe(true);
        }
      }),
    );
  });
});
