import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDataJson } from './parse-data-json.ts';

const parse = (text: string): unknown => parseDataJson(Buffer.from(text));

describe('parseDataJson', () => {
  it.each([
    ['{"DeliveryStreamName":"s","Records":[{"Data":"YWI="},{"Data":""}]}'],
    ['{"Records": [{"Data": "YWI="}, {"PartitionKey": "k", "Data": "Yw=="}], "StreamName": "s"}'],
    ['{"Record":{"Data":"YWI="},"Other":{"Data":{"Data":[{"Data":"x"}]}}}'],
    ['{"Data":"top","Records":[{"Data":5},{"Data":null},{"Data":["x"]}]}'],
    ['{"Name":"\\"Data\\":\\"x","Records":[{"Data":"Y\\/"}]}'],
    ['[{"Data":"0"},{"Data":"1"}]'],
    ['"Data"'],
    ['{"Records":[{"Data":"AAAA"},{"Data" : "0000"},{"Data"\n:\t"1"}]}'],
    ['{"Data" : null, "Records":[{"Data":7},{"Data":["Data"]}, {"PartitionKey":"Data"}]}'],
  ])('gives what JSON.parse gives for %s', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it.each([['{"Data":"x'], ['{"Data":"x"'], ['{"Data":}'], ['{"Data":"x"]'], ['']])('refuses %s', (text) => {
    expect(() => parse(text)).toThrow(SyntaxError);
  });

  it('gives what JSON.parse gives for any document with Data members', () => {
    const members = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, fc.string(), fc.integer(), tie('object'), fc.array(tie('value'))),
      object: fc.dictionary(fc.constantFrom('Data', 'Records', 'Record', 'a"Data'), tie('value')),
    }));
    fc.assert(
      fc.property(members.object, (value) => {
        for (const text of [JSON.stringify(value), JSON.stringify(value, undefined, '\t')]) {
          expect(parse(text)).toEqual(JSON.parse(text));
        }
      }),
    );
  });
});
