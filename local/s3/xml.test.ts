import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { parseXml, xmlAnswer } from './xml.ts';

const Document = z.object({ Root: z.object({ Key: z.array(z.string()) }) });

describe('xml', () => {
  it('leaves out what is undefined and repeats what is a list', () => {
    const { body } = xmlAnswer('Root', { A: undefined, B: ['x', 1], C: { D: true } });

    expect(body).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Root xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><B>x</B><B>1</B><C><D>true</D></C></Root>',
    );
  });

  it('gives back any text that it was given', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 3 });
    const control = fc.constantFrom('\u0001', '\r\n', '\t', ' ', '&amp;', '<a>', ']]>', '&#65;', '"');

    fc.assert(
      fc.property(fc.oneof(texts, fc.array(control, { minLength: 1 })), (keys) => {
        const { body } = xmlAnswer('Root', { Key: keys });

        expect(parseXml(Buffer.from(String(body)), ['Key'], Document).Root.Key).toEqual(keys);
      }),
    );
  });

  it.each(['', 'no document', '<Root><Key>a</Root>', '<Other/>', '{"Root":{}}', '<Root></Root>'])(
    'refuses %j as malformed',
    (document) => {
      expect(() => parseXml(Buffer.from(document), ['Key'], Document)).toThrow(
        expect.objectContaining({ code: 'MalformedXML', status: 400 }),
      );
    },
  );

  it('expands no entity that the document declares', () => {
    const bomb = '<!DOCTYPE Root [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Root><Key>&b;</Key></Root>';
    let keys: readonly string[] = [];

    try {
      keys = parseXml(Buffer.from(bomb), ['Key'], Document).Root.Key;
    } catch (error) {
      expect(error).toMatchObject({ code: 'MalformedXML' });
    }

    expect(keys.join('')).not.toContain('a');
  });
});
