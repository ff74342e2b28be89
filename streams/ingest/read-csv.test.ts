import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { defineDataset } from '../../schemas/define-dataset.ts';
import { datasets } from '../../schemas/index.ts';
import { jsonRecordsOf, placesOf, readAll, recordsOf } from '../../test/support/ingest/chunk-outcomes.ts';
import { everyType } from '../../test/support/ingest/every-type.ts';
import { memoryObject } from '../../test/support/ingest/memory-object.ts';
import type { ReadChunksOptions } from './read-chunks.ts';

const flights = datasets.get('flights');
if (flights === undefined) throw new Error('flights is gone');
const OPTIONS: ReadChunksOptions = { source: 'urn:file', recordsMax: 500, dataset: flights };
const HEADER = 'date,delay,distance,origin,destination\n';
const row = (origin: string, delay = '1') => `2001/01/01 06:55,${delay},100,${origin},BNA\n`;
const flight = (origin: string, delay: unknown = 1) => ({
  date: '2001/01/01 06:55',
  delay,
  distance: 100,
  origin,
  destination: 'BNA',
});
const read = (text: Uint8Array | string, options = OPTIONS) => readAll(memoryObject('a.csv', text), options);

describe('CSV', () => {
  it('has the columns of its header, and rows as places', async () => {
    const { chunks, bad } = await read(
      `\ufeff${HEADER}${row('LAX')}\n${row('SFO').replace('\n', '\r\n')}${row('JFK').trim()}`,
    );

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toEqual([flight('LAX'), flight('SFO'), flight('JFK')]);
    expect(placesOf(chunks)).toEqual(['row:1', 'row:2', 'row:3']);
  });

  it('keeps values as text that no field says anything of', async () => {
    const bytes = readFileSync(new URL('../data/flights-airport.csv', import.meta.resolve('vega-datasets')));

    const { chunks, bad } = await read(bytes);

    expect(bad).toBeUndefined();
    const records = recordsOf(chunks);
    expect(records).toHaveLength(5_366);
    expect(records[0]).toEqual({ origin: 'ABE', destination: 'ATL', count: '853' });
  });

  it.each([
    ['a delimiter, a quote and an end of line in quotes', '"L,A""X\nB"', 'L,A"X\nB'],
    ['quotes around a plain value', '"LAX"', 'LAX'],
    ['another script', 'Zürich 東京 🛫', 'Zürich 東京 🛫'],
    ['spaces, which are its own', ' LAX ', ' LAX '],
    ['nothing, where the field is a text', '', ''],
  ])('may hold %s', async (_, written, origin) => {
    expect(recordsOf((await read(HEADER + row(written) + row('SFO'))).chunks)).toEqual([flight(origin), flight('SFO')]);
  });

  it.each([
    ['12', 12],
    ['-0', 0],
    ['007', 7],
    ['', null],
    ['1.5', '1.5'],
    ['twelve', 'twelve'],
    ['9007199254740993', '9007199254740993'],
    ['0x10', '0x10'],
  ])('has %j for an int as %j', async (written, delay) => {
    expect(recordsOf((await read(HEADER + row('LAX', written))).chunks)).toEqual([flight('LAX', delay)]);
  });

  it.each([
    ['too few values', '2001,1\n', { received: 'a row of 2 values', expected: '5, as there are columns' }],
    ['too many values', row('LAX,LAX'), { received: 'a row of 6 values' }],
    ['a quote within a value', row('L"AX'), { received: 'a row with a quote within a value' }],
    ['something behind a quoted value', row('"LAX"x'), { received: 'a row with a quote within a value' }],
    ['no UTF-8', row('K\xd6LN'), { received: 'a row that is no UTF-8' }],
  ])('quarantines a row with %s, and none of its neighbours', async (_, text, reason) => {
    const { chunks, bad } = await read(Buffer.from(`${HEADER}${row('LAX')}${text}${row('SFO')}`, 'latin1'));

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toMatchObject([flight('LAX'), { code: 'UNREADABLE_RECORD', ...reason }, flight('SFO')]);
    expect(placesOf(chunks)).toEqual(['row:1', 'row:2', 'row:3']);
  });

  it('tells of a row that no event can hold, and goes on behind it', async () => {
    const { chunks } = await read(HEADER + row('LAX') + row('x'.repeat(11_000_000)) + row('SFO'));

    expect(recordsOf(chunks)).toMatchObject([flight('LAX'), { code: 'UNREADABLE_RECORD' }, flight('SFO')]);
  });

  it.each([
    ['a name twice', 'a,b,a\n1,2,3\n', /header: received "a", allowed: 10000 names, each once and not empty/],
    ['an empty name', 'origin,,b\n', /header: received ""/],
    ['bytes that are no UTF-8', Buffer.from('origin,K\xd6LN\n', 'latin1'), /the header is no row of names in UTF-8/],
  ])('fails the run for a header with %s', async (_, text, message) => {
    expect(await read(text)).toMatchObject({ chunks: [], bad: expect.stringMatching(message) });
  });

  it('fails the run for a quote that is not closed, and keeps the rows before it', async () => {
    const { chunks, bad } = await read(`${HEADER}${row('LAX')}2001,1,2,"SFO,BNA\n${row('JFK')}`);

    expect(bad).toBe('CSV: a quote that opens in row 2 is not closed');
    expect(recordsOf(chunks)).toEqual([flight('LAX')]);
  });

  it('has the columns and the delimiter that the dataset says', async () => {
    const dataset = defineDataset({
      ...flights.definition,
      files: { csvColumns: ['date', 'delay', 'distance', 'origin', 'destination'], csvDelimiter: ';' },
    });

    const { chunks } = await read('2001/01/01 06:55;1;100;LAX;BNA\n', { ...OPTIONS, dataset });

    expect(recordsOf(chunks)).toEqual([flight('LAX')]);
  });

  it('gives each type of field its form, or leaves the text to validation', async () => {
    const text = [
      'flag,whole,real,day,moment,price,tags,name,size',
      'TRUE,7,1e3,2026-01-31,1767225600000,1.50,"[""a""]",x,',
      '0,1e3,-.5,31.1.2026,2026-01-31T12:00:00Z,1e2,{},,big',
    ].join('\n');

    const { chunks } = await read(text, { ...OPTIONS, dataset: everyType });

    expect(jsonRecordsOf(chunks)).toEqual([
      {
        flag: true,
        whole: 7,
        real: 1000,
        day: '2026-01-31',
        moment: 1767225600000,
        price: '1.50',
        tags: ['a'],
        name: 'x',
        size: null,
      },
      {
        flag: false,
        whole: '1e3',
        real: -0.5,
        day: '31.1.2026',
        moment: '2026-01-31T12:00:00Z',
        price: '1e2',
        tags: {},
        name: null,
        size: 'big',
      },
    ]);
  });
});
