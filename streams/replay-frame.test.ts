import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { datasets } from '../schemas/index.ts';
import { createDecodeContext } from './codecs/decode-context.ts';
import { decodeRecord } from './codecs/decode-record.ts';
import {
  encodeReplayFrame,
  isReplayFrame,
  nextPlay,
  type ReplayFrame,
  ReplayFrameTooLarge,
  readReplayFrame,
} from './replay-frame.ts';

const MAGIC = Buffer.from('a752504c', 'hex');
const frame: fc.Arbitrary<ReplayFrame> = fc.record({
  shardId: fc.stringMatching(/^shardId-\d{12}$/),
  sequenceNumber: fc.stringMatching(/^[1-9]\d{0,128}$/),
  partitionKey: fc.string({ unit: 'binary', minLength: 1, maxLength: 256 }),
  arrivedAtMs: fc.nat({ max: 253_402_300_799_999 }),
  generation: fc.integer({ min: 1, max: 1_000_000 }),
  data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});
const FRAME: ReplayFrame = {
  shardId: 'shardId-000000000000',
  sequenceNumber: '7',
  partitionKey: 'k',
  arrivedAtMs: 1,
  generation: 1,
  data: Buffer.from('{}'),
};
/** Compressed to a hundredth. */
const LONG = Buffer.alloc(10_000, 'abc');

/** A frame of any header and data. */
function assembled(header: unknown, data: Buffer = Buffer.from('{}')): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  return Buffer.concat([MAGIC, Buffer.of(1, text.length >> 8, text.length & 255), text, data]);
}
const header = (more: object = {}) => {
  const { data: _, ...fields } = FRAME;
  return { ...fields, ...more };
};

describe('a replay frame', () => {
  test('gives back what was put in', () => {
    fc.assert(
      fc.property(frame, (given) => {
        const encoded = encodeReplayFrame(given);

        expect(isReplayFrame(encoded)).toBe(true);
        expect(readReplayFrame(encoded)).toEqual(given);
      }),
    );
  });

  test('gives back what was compressed so that it fits', () => {
    const recordBytesMax = 1_000;
    const encoded = encodeReplayFrame({ ...FRAME, data: LONG }, recordBytesMax);

    expect(encoded.length).toBeLessThan(recordBytesMax);
    expect(readReplayFrame(encoded)).toEqual({ ...FRAME, data: LONG });
  });

  test('holds the data as it is up to the limit, which counts the partition key', () => {
    const given = { ...FRAME, partitionKey: 'ключ', data: LONG };
    const plain = encodeReplayFrame(given);
    const bytes = plain.length + Buffer.byteLength('ключ');

    expect(encodeReplayFrame(given, bytes)).toEqual(plain);
    expect(encodeReplayFrame(given, bytes - 1).length).toBeLessThan(1_000);
  });

  test('that fits neither way is refused by name, with what it would take', () => {
    const data = gzipSync(Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * i * 31) >> 3)));
    const { length } = encodeReplayFrame({ ...FRAME, data });

    const encode = () => encodeReplayFrame({ ...FRAME, data }, length);

    expect(encode).toThrow(ReplayFrameTooLarge);
    expect(encode).toThrow(
      expect.objectContaining({ name: 'ReplayFrameTooLarge', recordBytes: length + 1, recordBytesMax: length }),
    );
  });

  test('costs a record less than the 8 KiB that a stream may be raised by', () => {
    const given = { ...FRAME, shardId: 's'.repeat(128), sequenceNumber: '9'.repeat(129), data: Buffer.alloc(0) };
    const partitionKey = '\u0000'.repeat(256);

    expect(encodeReplayFrame({ ...given, partitionKey }).length).toBeLessThan(8 * 1024);
  });

  test('that is cut short or changed anywhere never throws, and gives nothing that lies outside of it', () => {
    fc.assert(
      fc.property(frame, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (given, at, bits, isCut) => {
        // What lies behind the frame in its memory must not be read.
        const encoded = Buffer.concat([encodeReplayFrame(given), Buffer.alloc(64, 0x21)]).subarray(0, -64);
        const index = at % encoded.length;
        if (!isCut) encoded[index] = (encoded[index] ?? 0) ^ bits;

        const read = readReplayFrame(isCut ? encoded.subarray(0, index) : encoded);

        if (typeof read === 'string') expect(read).not.toBe('');
        else expect(read.data.length).toBeLessThanOrEqual(given.data.length);
      }),
      { numRuns: 500 },
    );
  });

  test('is read from any bytes behind its magic without throwing', () => {
    const anyFrame = fc
      .tuple(fc.oneof(fc.json(), fc.constant(JSON.stringify(header({ gzip: true })))), fc.uint8Array())
      .map(([text, data]) => assembled(text, Buffer.from(data)));
    const anyBytes = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.concat([MAGIC, bytes]));
    fc.assert(
      fc.property(fc.oneof(anyFrame, anyBytes), (bytes) => {
        expect(['string', 'object']).toContain(typeof readReplayFrame(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('begins as no event that is accepted', () => {
    const context = createDecodeContext({
      datasets: datasets.values(),
      defaultDataset: 'earthquakes',
      defaultSource: 'urn:test',
    });

    expect(decodeRecord(encodeReplayFrame(FRAME), context)).toMatchObject([
      { kind: 'undecodable', failure: { code: 'INVALID_UTF8' } },
    ]);
  });

  test.each([
    ['of another version', Buffer.from('a752504c02000000', 'hex'), 'a replay frame of version 2, allowed: 1'],
    ['whose header is longer than the frame', Buffer.from('a752504c01ffff00', 'hex'), 'a header of 65535 bytes'],
    ['whose header is longer than allowed', assembled(' '.repeat(4_097)), 'a header of 4097 bytes'],
    ['whose header is empty', Buffer.from('a752504c01000000', 'hex'), 'a header that is not of a replay frame'],
    ['whose header is a list', assembled([]), 'a header that is not of a replay frame'],
    ['of generation 0', assembled(header({ generation: 0 })), 'a header that is not of a replay frame'],
    ['of half a generation', assembled(header({ generation: 1.5 })), 'a header that is not of a replay frame'],
    ['of a shard with a slash', assembled(header({ shardId: 'a/b' })), 'a header that is not of a replay frame'],
    ['without partition key', assembled(header({ partitionKey: '' })), 'a header that is not of a replay frame'],
    [
      'of a sequence number too long',
      assembled(header({ sequenceNumber: '9'.repeat(130) })),
      'a header that is not of a replay frame',
    ],
    ['of a sequence number as a number', assembled(header({ sequenceNumber: 7 })), 'a header that is not of a replay'],
    ['that arrived before time', assembled(header({ arrivedAtMs: -1 })), 'a header that is not of a replay frame'],
    ['whose gzip is none', assembled(header({ gzip: true })), 'data that is no gzip of at most 10485760 bytes'],
    [
      'whose gzip unpacks to too much',
      assembled(header({ gzip: true }), gzipSync(Buffer.alloc(10_485_761))),
      'data that is no gzip of at most 10485760 bytes',
    ],
    ['in a frame', assembled(header(), encodeReplayFrame(FRAME)), 'a replay frame in a replay frame'],
    [
      'in a compressed frame',
      assembled(header({ gzip: true }), gzipSync(encodeReplayFrame(FRAME))),
      'a replay frame in a replay frame',
    ],
  ])('%s is refused', (_, bytes, reason) => {
    expect(readReplayFrame(bytes)).toEqual(expect.stringContaining(reason));
  });

  test.each<[string, Partial<ReplayFrame>]>([
    ['a frame', { data: encodeReplayFrame(FRAME) }],
    ['generation 0', { generation: 0 }],
    ['a sequence number that is none', { sequenceNumber: '-7' }],
    ['a partition key that is too long', { partitionKey: 'k'.repeat(257) }],
    ['a partition key that no header holds', { partitionKey: 'k'.repeat(70_000) }],
  ])('is not written of %s', (_, more) => {
    expect(() => encodeReplayFrame({ ...FRAME, ...more })).toThrow(RangeError);
  });
});

describe('what is played again', () => {
  test('is the record itself at first', () => {
    const { generation: _, ...record } = FRAME;

    expect(nextPlay(record)).toEqual(FRAME);
  });

  test('keeps where it first stood, however often, and counts its plays', () => {
    fc.assert(
      fc.property(frame, frame, fc.integer({ min: 1, max: 4 }), (first, carrier, plays) => {
        let next = nextPlay(first);
        for (let play = 1; play < plays && typeof next !== 'string'; play++) {
          next = nextPlay({ ...carrier, data: encodeReplayFrame(next) });
        }

        expect(next).toEqual({ ...first, generation: plays });
      }),
    );
  });

  test('is not a damaged frame', () => {
    expect(nextPlay({ ...FRAME, data: encodeReplayFrame(FRAME).subarray(0, 20) })).toMatch(/^a header of \d+ bytes$/);
  });
});
