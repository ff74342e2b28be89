import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import agg from 'aws-kinesis-agg';
import fc from 'fast-check';
import { createAggregateBuilder } from './aggregate-builder.ts';
import { type AggregateReading, partitionKeyAt, readAggregate } from './read-aggregate.ts';

interface UserRecord {
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

const MAGIC = Buffer.from('f3899ac2', 'hex');

const partitionKey = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.nat({ max: 300 }).map(String),
  fc.constantFrom('__proto__', 'constructor', 'ключ', '鍵'),
);
const userRecords = fc.array(fc.record({ partitionKey, data: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 200 });

function build(records: readonly UserRecord[]): Buffer {
  const builder = createAggregateBuilder();
  for (const { partitionKey: key, data } of records) builder.add(key, data);
  return builder.encode();
}

function frame(message: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, message, createHash('md5').update(message).digest()]);
}

function read(data: Buffer): { partitionKey: string | undefined; data: string }[] {
  const reading = readAggregate(data);
  if (reading.kind === 'plain') throw new Error(reading.reason);
  return Array.from({ length: reading.records.count }, (_, i) => ({
    partitionKey: partitionKeyAt(data, reading.records, i),
    data: data.toString('base64', reading.records.dataBounds[i * 2], reading.records.dataBounds[i * 2 + 1]),
  }));
}

/** What aws-kinesis-agg makes of the bytes. */
function readByOracle(data: Buffer): { partitionKey: string; data: string }[] {
  let records: readonly { partitionKey: string; data: string }[] = [];
  agg.deaggregateSync({ data: data.toString('base64') }, true, (error, read) => {
    if (error) throw error;
    records = read ?? [];
  });
  return records.map((record) => ({ partitionKey: record.partitionKey, data: record.data }));
}

function reasonOf(reading: AggregateReading): string {
  return reading.kind === 'plain' ? reading.reason : 'an aggregate';
}

function expected(records: readonly UserRecord[]): { partitionKey: string; data: string }[] {
  return records.map(({ partitionKey: key, data }) => ({
    partitionKey: key,
    data: Buffer.from(data).toString('base64'),
  }));
}

describe('an aggregate that we build', () => {
  test('is read by aws-kinesis-agg as the same records with the same keys', () => {
    fc.assert(
      fc.property(userRecords, (records) => {
        expect(readByOracle(build(records))).toEqual(expected(records));
      }),
    );
  });

  test('is read by us as the same records with the same keys', () => {
    fc.assert(
      fc.property(userRecords, (records) => {
        expect(read(build(records))).toEqual(expected(records));
      }),
    );
  });

  test('has exactly the size that it says after every record, and never more than it may', () => {
    fc.assert(
      fc.property(userRecords, fc.integer({ min: 20, max: 2_000 }), (records, bytesMax) => {
        const builder = createAggregateBuilder();
        const taken = records.filter(({ partitionKey: key, data }) => {
          const before = builder.bytes;
          const isTaken = builder.add(key, data, bytesMax);
          if (!isTaken) expect(builder.bytes).toBe(before);
          return isTaken;
        });

        const encoded = builder.encode();
        expect(encoded.length).toBe(builder.bytes);
        expect(encoded.length).toBeLessThanOrEqual(bytesMax);
        expect(read(encoded)).toEqual(expected(taken));
        expect(builder.count).toBe(taken.length);
      }),
    );
  });

  test('takes a record that fills it to the last byte, and refuses one byte more', () => {
    const builder = createAggregateBuilder();

    expect(builder.add('k', Buffer.alloc(1_000), 1_030)).toBe(false);
    expect(builder.add('k', Buffer.alloc(999), 1_030)).toBe(true);
    expect(builder.encode().length).toBe(1_030);
  });

  test('keeps keys that look like numbers with their records, where RecordAggregator mixes them up', () => {
    const records = ['b', '7', '3'].map((key) => ({ partitionKey: key, data: Buffer.from(key) }));
    const library = new agg.RecordAggregator();
    for (const record of records) library.addUserRecord({ ...record });

    const ours = read(build(records));
    const theirs = readByOracle(library.build().data);

    expect(ours).toEqual(expected(records));
    expect(theirs.map((record) => record.partitionKey)).toEqual(['3', '7', 'b']);
  });
});

describe('an aggregate of aws-kinesis-agg', () => {
  test('is read by us as by the library', () => {
    const records = fc.array(
      fc.record({ partitionKey: fc.stringMatching(/^[a-z]{1,20}$/), data: fc.uint8Array({ minLength: 1 }) }),
      { minLength: 1, maxLength: 100 },
    );
    fc.assert(
      fc.property(records, fc.boolean(), (input, withHashKey) => {
        const library = new agg.RecordAggregator();
        for (const record of input) library.addUserRecord(withHashKey ? { ...record, explicitHashKey: '17' } : record);
        const { data } = library.build();

        expect(read(data)).toEqual(readByOracle(data));
        expect(read(data)).toEqual(expected(input));
      }),
    );
  });

  test('may hold tags and unknown fields, and its key table may come last', () => {
    const record = Buffer.from('08001a026869' + '22050a01741200' + '2d01020304' + '3101020304050607083801', 'hex');
    const message = Buffer.concat([Buffer.from([0x1a, record.length]), record, Buffer.from('0a016b', 'hex')]);

    expect(read(frame(message))).toEqual([{ partitionKey: 'k', data: Buffer.from('hi').toString('base64') }]);
  });
});

describe('bytes with the magic', () => {
  const whole = build([{ partitionKey: 'k', data: Buffer.from('{"a":1}') }]);

  test('are one plain record when any bit is flipped', () => {
    for (let bit = 32; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(reasonOf(readAggregate(flipped))).toContain('checksum does not match');
    }
  });

  test('are one plain record when cut short anywhere', () => {
    for (let length = 4; length < whole.length; length++) {
      expect(readAggregate(whole.subarray(0, length)).kind).toBe('plain');
    }
  });

  test('and a right checksum over nothing are an aggregate of no records', () => {
    const reading = readAggregate(frame(Buffer.alloc(0)));

    expect(reading).toMatchObject({ kind: 'aggregate', records: { count: 0 } });
  });

  test.each([
    ['a key index beyond the table', '0a016b' + '1a04' + '08011a00', 'names partition key 1 of a table of 1'],
    ['a record without data', '0a016b' + '1a02' + '0800', 'malformed'],
    ['a record without key index', '0a016b' + '1a02' + '1a00', 'malformed'],
    ['a length beyond the end', '0a7f6b', 'malformed'],
    ['a varint without end', '0affffffffffffffffffffffff01', 'malformed'],
    ['a group, which proto2 deprecates', '23', 'malformed'],
    ['field number 0', '0200', 'malformed'],
    ['a key table of the wrong wire type', '0801', 'malformed'],
  ])('and a right checksum over %s are one plain record, with the reason', (_, message, reason) => {
    expect(reasonOf(readAggregate(frame(Buffer.from(message, 'hex'))))).toContain(reason);
  });

  test('and a right checksum over any message never throw, and never give a place outside the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
        const data = frame(message);
        const reading = readAggregate(data);
        if (reading.kind === 'plain') return;
        for (const bound of reading.records.dataBounds) {
          expect(bound).toBeGreaterThanOrEqual(4);
          expect(bound).toBeLessThanOrEqual(data.length - 16);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
