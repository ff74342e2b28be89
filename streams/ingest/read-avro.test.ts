import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import avro from 'avsc';
import { datasets } from '../../schemas/index.ts';
import { avroContainer } from '../../test/support/ingest/avro-container.ts';
import { jsonRecordsOf, placesOf, readAll, recordsOf } from '../../test/support/ingest/chunk-outcomes.ts';
import { everyType } from '../../test/support/ingest/every-type.ts';
import { memoryObject } from '../../test/support/ingest/memory-object.ts';
import type { ReadChunksOptions } from './read-chunks.ts';

const flights = datasets.get('flights');
const earthquakes = datasets.get('earthquakes');
if (flights === undefined || earthquakes === undefined) throw new Error('a dataset is gone');
const OPTIONS: ReadChunksOptions = { source: 'urn:file', recordsMax: 500, dataset: flights };
const FLIGHT = avro.Type.forSchema({
  type: 'record',
  name: 'F',
  fields: [
    { name: 'date', type: 'string' },
    { name: 'delay', type: 'int' },
    { name: 'distance', type: 'long' },
    { name: 'origin', type: 'string' },
    { name: 'destination', type: ['null', 'string'] },
  ],
});
const vega = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../data/${file}`, import.meta.resolve('vega-datasets'))).toString());
const flightRecords = vega('flights-2k.json');
if (!Array.isArray(flightRecords)) throw new Error('no flights');
const read = (bytes: Uint8Array, options = OPTIONS) => readAll(memoryObject('a.avro', bytes), options);
const sixty = Date.UTC(1960, 0, 2, 3, 4, 5, 678);

describe('an Avro container', () => {
  it.each(['null', 'deflate', 'zstandard'])('with codec %s is read record by record', async (codec) => {
    const file = await avroContainer(FLIGHT.schema(), flightRecords, { codec, blockSize: 4_096 });

    const { chunks, bad } = await read(file);

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toEqual(flightRecords);
    expect(placesOf(chunks).at(-1)).toBe('record:2000');
  });

  it('of the real earthquakes passes their dataset as the JSON does', async () => {
    const document = vega('earthquakes.json');
    if (typeof document !== 'object' || document === null || !('features' in document)) throw new Error('no features');
    if (!Array.isArray(document.features)) throw new Error('no features');
    const valid = document.features.filter((feature) => earthquakes.validateInput(feature) === undefined);
    // avsc takes the canonical form, in which the validator has put them.
    const type = avro.Type.forSchema(earthquakes.definition.schema);

    const { chunks, bad } = await read(await avroContainer(type.schema({ exportAttrs: true }), valid), {
      ...OPTIONS,
      dataset: earthquakes,
    });

    expect(bad).toBeUndefined();
    const records = recordsOf(chunks);
    expect(records).toHaveLength(valid.length);
    expect(records.filter((record) => earthquakes.validateInput(record) !== undefined)).toEqual([]);
    expect(records).toEqual(valid);
  });

  it('has values of each logical type in the form that validation takes', async () => {
    const schema = {
      type: 'record',
      name: 'Row',
      fields: [
        { name: 'flag', type: 'boolean' },
        { name: 'whole', type: ['null', 'string', 'long'] },
        { name: 'real', type: 'double' },
        { name: 'day', type: { type: 'int', logicalType: 'date' } },
        { name: 'moment', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'micros', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 } },
        { name: 'tags', type: { type: 'array', items: 'string' } },
        { name: 'counts', type: { type: 'map', values: 'int' } },
        { name: 'raw', type: { type: 'fixed', name: 'Raw', size: 3 } },
        { name: 'size', type: { type: 'enum', name: 'Size', symbols: ['S', 'M'] } },
        {
          name: 'place',
          type: {
            type: 'record',
            name: 'Place',
            fields: [{ name: 'since', type: { type: 'int', logicalType: 'date' } }],
          },
        },
        { name: 'elsewhere', type: { type: 'long', logicalType: 'timestamp-micros' } },
      ],
    } satisfies avro.Schema;
    const row = {
      flag: true,
      whole: -5_000_000_000,
      real: 0.1,
      day: -1,
      moment: sixty * 1_000,
      micros: sixty,
      price: Buffer.from('ff6a', 'hex'),
      tags: ['a', '\u0000"'],
      counts: { ['__proto__']: 1, b: 2 },
      raw: Buffer.from('00ff7f', 'hex'),
      size: 'M',
      place: { since: 0 },
      elsewhere: 1_500,
    };

    const { chunks, bad } = await read(await avroContainer(schema, [row]), { ...OPTIONS, dataset: everyType });

    expect(bad).toBeUndefined();
    const [record] = jsonRecordsOf(chunks);
    expect(record).toEqual({
      flag: true,
      whole: -5_000_000_000,
      real: 0.1,
      day: '1969-12-31',
      moment: sixty,
      micros: sixty * 1_000,
      price: '-1.50',
      tags: ['a', '\u0000"'],
      counts: { b: 2, ['__proto__']: 1 },
      raw: '\u0000\u00ff\u007f',
      size: 'M',
      place: { since: '1970-01-01' },
      elsewhere: '1970-01-01T00:00:00.001500Z',
    });
    expect(everyType.validateInput(record)).toBeUndefined();
  });

  it('leaves to validation what JSON would change: infinity, longs beyond what a number holds', async () => {
    const long = avro.types.LongType.__with({
      fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
      toBuffer: (value: bigint) => {
        const buffer = Buffer.alloc(8);
        buffer.writeBigInt64LE(value);
        return buffer;
      },
      fromJSON: BigInt,
      toJSON: Number,
      isValid: (value: unknown) => typeof value === 'bigint',
      compare: () => 0,
    });
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'whole', type: 'long' },
        { name: 'real', type: 'double' },
      ],
    };
    const type = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)), { registry: { long } });
    const body = type.toBuffer({ whole: 2n ** 53n + 1n, real: Number.NEGATIVE_INFINITY });
    const empty = await avroContainer(JSON.parse(JSON.stringify(schema)), []);
    const file = Buffer.concat([empty, Buffer.from([2, body.length * 2]), body, Buffer.alloc(16, 7)]);

    const { chunks, bad } = await read(file, { ...OPTIONS, dataset: everyType });

    expect(bad).toBeUndefined();
    const [record] = jsonRecordsOf(chunks);
    expect(record).toEqual({ whole: 2 ** 53, real: '-Infinity' });
    expect(everyType.validateInput(record)).toMatchObject({ path: 'whole', code: 'OUT_OF_RANGE' });
  });

  it('quarantines a record with a string that is no UTF-8, and not its neighbours', async () => {
    const file = await avroContainer(FLIGHT.schema(), flightRecords.slice(0, 3));
    const at = file.indexOf('SJC');
    file[at] = 0xff;

    const { chunks, bad } = await read(file);

    expect(bad).toBeUndefined();
    expect(recordsOf(chunks)).toMatchObject([
      flightRecords[0],
      { code: 'UNREADABLE_RECORD', received: 'a string that is no UTF-8', expected: 'strings in UTF-8' },
      flightRecords[2],
    ]);
  });
});

describe('an Avro container that is broken', () => {
  const at = async (change: (file: Buffer) => Buffer, codec = 'null') =>
    read(change(await avroContainer(FLIGHT.schema(), flightRecords, { blockSize: 20_000, codec })));

  it('fails the run where it ends early, and keeps the blocks before', async () => {
    const { chunks, bad } = await at((file) => file.subarray(0, -100));

    expect(bad).toMatch(/^Avro: block \d, after \d+ records: the file ends early, at byte \d+$/);
    const records = recordsOf(chunks);
    expect(records.length).toBeGreaterThan(500);
    expect(records).toEqual(flightRecords.slice(0, records.length));
  });

  it('fails the run where a block does not end with its marker, or does not decompress', async () => {
    const marker = await at((file) => Buffer.concat([file.subarray(0, -1), Buffer.from([8])]));
    const deflate = await at((file) => file.fill(0xff, file.length >> 1, (file.length >> 1) + 40), 'deflate');

    expect(marker.bad).toMatch(/block \d, after \d+ records: the marker at its end is another/);
    expect(deflate.bad).toMatch(/block \d, after \d+ records: /);
    expect(recordsOf(marker.chunks).length).toBeGreaterThan(500);
  });

  const SCHEMA = (items: unknown) => ({
    type: 'record',
    name: 'R',
    fields: [{ name: 'a', type: { type: 'array', items } }],
  });
  const block = (records: number, body: Buffer) =>
    Buffer.concat([Buffer.from([records * 2, body.length * 2]), body, Buffer.alloc(16, 7)]);

  it.each([
    ['millions of nulls in five bytes', 'null', 1, '808080800200', /a record of more than 1000000 items/],
    ['more items than bytes', 'long', 1, 'fe0702', /a value needs 1 bytes, and 0 are left/],
    ['a string longer than the block', 'string', 1, '02feffffff0f', /a value needs \d+ bytes, and \d are left/],
    ['more records than bytes', 'long', 60, '00', /60 records in 1 bytes/],
    ['bytes behind its records', 'long', 1, '0000', /1 bytes behind its last record/],
    ['a number without an end', 'long', 1, 'ffffffffffffffffffffff', /a number of more than 10 bytes/],
  ])('fails the run for a block that has %s', async (_, items, records, hex, message) => {
    const empty = await avroContainer(JSON.parse(JSON.stringify(SCHEMA(items))), []);

    const { chunks, bad } = await read(Buffer.concat([empty, block(records, Buffer.from(hex, 'hex'))]));

    expect(bad).toMatch(message);
    expect(chunks.length).toBeLessThanOrEqual(1);
  });

  it('fails the run for a codec that is not read, and names those that are', async () => {
    const { bad } = await at((file) => file, 'brotli');

    expect(bad).toBe('Avro: header: codec: received "brotli", allowed: null, deflate, zstandard, snappy');
  });

  it.each([
    ['no JSON', '{"type":', /schema: SyntaxError/],
    ['an unknown type', '"trains"', /received the type "trains", which is not defined/],
    ['nesting without end', `${'{"type":'.repeat(20_000)}"int"${'}'.repeat(20_000)}`, /schema: RangeError/],
  ])('fails the run for a schema of %s', async (_, schema, message) => {
    const text = Buffer.from(schema);
    const length = (bytes: number) => {
      const varint: number[] = [];
      for (let left = bytes * 2; ; left = Math.floor(left / 128)) {
        if (left < 128) return Buffer.from([...varint, left]);
        varint.push((left % 128) + 128);
      }
    };
    const header = Buffer.concat([Buffer.from('Obj\x01\x02\x16avro.schema', 'latin1'), length(text.length), text]);

    expect((await read(Buffer.concat([header, Buffer.alloc(17)]))).bad).toMatch(message);
  });

  it('gives either all of its records or a reason, wherever a byte is changed', async () => {
    const file = await avroContainer(FLIGHT.schema(), flightRecords.slice(0, 20), { blockSize: 500 });
    for (let index = 0; index < file.length; index += 13) {
      const changed = Buffer.from(file);
      changed[index] = (changed[index] ?? 0) ^ 0x55;

      const { chunks, bad } = await read(changed);

      if (bad === undefined) expect(recordsOf(chunks).length).toBeGreaterThan(0);
      else expect(bad).toMatch(/^(Avro|format): /);
    }
  });
});
