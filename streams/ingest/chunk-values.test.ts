import { describe, expect, it } from '@jest/globals';
import { placesOf, recordsOf } from '../../test/support/ingest/chunk-outcomes.ts';
import { chunkValues } from './chunk-values.ts';

const OPTIONS = { source: 'urn:run:7', dataset: 'flights', runId: '7', recordsMax: 2 };

describe('values of a request', () => {
  it('become chunks from 0, with their places from 1', () => {
    const values = [{ a: 1 }, 'text \ud800', null, [1e21], true];

    const chunks = chunkValues(values, OPTIONS);

    expect(chunks.map(({ number, records, recordsUpTo }) => [number, records, recordsUpTo])).toEqual([
      [0, 2, 2],
      [1, 2, 4],
      [2, 1, 5],
    ]);
    expect(recordsOf(chunks)).toEqual(values);
    expect(placesOf(chunks)).toEqual(['record:1', 'record:2', 'record:3', 'record:4', 'record:5']);
    expect(chunkValues(values, OPTIONS)).toEqual(chunks);
  });

  it('are no chunk when there are none', () => {
    expect(chunkValues([], OPTIONS)).toEqual([]);
  });

  it('tell of one that no event can hold', () => {
    expect(recordsOf(chunkValues(['x'.repeat(11_000_000), 1], OPTIONS))).toMatchObject([
      { code: 'UNREADABLE_RECORD', received: 'a record of 11000002 bytes' },
      1,
    ]);
  });

  it('are refused where they have no JSON', () => {
    expect(() => chunkValues([undefined], OPTIONS)).toThrow('value 0: received undefined, allowed: JSON');
  });
});
