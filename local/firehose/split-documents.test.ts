import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { documentReader, startOfDocument } from './split-documents.ts';

/** What each piece of a record is: the JSON of a document, or `!` and what is broken. */
function split(text: string): string[] {
  const bytes = Buffer.from(text);
  const reader = documentReader(bytes);
  const pieces: string[] = [];
  for (let at = startOfDocument(bytes, 0); at < bytes.length; ) {
    const piece = reader.read(at);
    pieces.push(
      piece.kind === 'json' ? JSON.stringify(piece.value) : `!${bytes.toString('utf8', piece.from, piece.to)}`,
    );
    at = startOfDocument(bytes, piece.to);
  }
  return pieces;
}

describe('documentReader', () => {
  it.each([
    ['{"a":1}', ['{"a":1}']],
    ['{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']],
    ['{"a":1}{"b":2}', ['{"a":1}', '{"b":2}']],
    [' {"a":1} \r\n\n\t{"b":2}', ['{"a":1}', '{"b":2}']],
    ['{\n  "a": [1,\n 2]\n}\n{"b":2}', ['{"a":[1,2]}', '{"b":2}']],
    ['{"a":"}{\\"\\\\"}{"b":"é😀"}', ['{"a":"}{\\"\\\\"}', '{"b":"é😀"}']],
    ['', []],
    [' \n\r\t', []],
    ['5\n"x"\nnull\n[1]', ['5', '"x"', 'null', '[1]']],
    ['oops\n{"a":1}', ['!oops', '{"a":1}']],
    ['{"a":1} oops\n{"b":2}', ['{"a":1}', '!oops', '{"b":2}']],
    ['{"a":tru}{"b":2}', ['!{"a":tru}', '{"b":2}']],
    ['{"a":"unclosed\n{"b":2}', ['!{"a":"unclosed', '{"b":2}']],
    ['{"a":\n{"b":2}', ['!{"a":', '{"b":2}']],
    ['}{"a":1}\n{"b":2}', ['!}{"a":1}', '{"b":2}']],
    ['{"a":"x\\', ['!{"a":"x\\']],
  ])('cuts %j', (text, pieces) => {
    expect(split(text)).toEqual(pieces);
  });

  it('finds every document however they are joined', () => {
    const documents = fc.array(
      fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom('', '\n', ' ', '\r\n\n')),
    );
    fc.assert(
      fc.property(documents, (parts) => {
        const text = parts.map(([value, gap]) => JSON.stringify(value) + gap).join('');

        expect(split(text)).toEqual(parts.map(([value]) => JSON.stringify(value)));
      }),
    );
  });

  it.each([
    ['unclosed braces', '{\n'.repeat(400_000)],
    ['unclosed strings', '{"a":"x\n'.repeat(100_000)],
    ['braces that close at the end only', '{x\n'.repeat(200_000) + '}'.repeat(200_000)],
    ['empty objects without a line break', '{}'.repeat(200_000)],
    ['brackets', '['.repeat(900_000)],
  ])('reads a record of %s in seconds, not hours', (_name, text) => {
    const startedAt = performance.now();

    split(text);

    expect(performance.now() - startedAt).toBeLessThan(8_000);
  });
});
