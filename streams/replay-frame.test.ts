import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeReplayFrame, isReplayFrame, nextPlay, type ReplayFrame, readReplayFrame } from './replay-frame.ts';

const frame: fc.Arbitrary<ReplayFrame> = fc.record({
  shardId: fc.stringMatching(/^shardId-\d{12}$/),
  sequenceNumber: fc.stringMatching(/^[1-9]\d{0,128}$/),
  partitionKey: fc.string({ unit: 'grapheme', maxLength: 64 }),
  arrivedAtMs: fc.nat({ max: 253_402_300_799_999 }),
  generation: fc.integer({ min: 1, max: 1_000_000 }),
  data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

describe('a replay frame', () => {
  test('gives back what was put in, compressed or not', () => {
    fc.assert(
      fc.property(frame, fc.boolean(), (given, isSmall) => {
        const encoded = encodeReplayFrame(given, isSmall ? 0 : undefined);

        expect(isReplayFrame(encoded)).toBe(true);
        expect(readReplayFrame(encoded)).toEqual(given);
      }),
    );
  });

  test('that is cut short or changed anywhere is told, or is another frame; it never throws', () => {
    fc.assert(
      fc.property(frame, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (given, at, byte, isCut) => {
        const encoded = encodeReplayFrame(given, 0);
        const changed = isCut ? encoded.subarray(0, at % encoded.length) : Buffer.from(encoded);
        if (!isCut) changed[at % encoded.length] = byte;

        expect(['string', 'object']).toContain(typeof readReplayFrame(changed));
      }),
    );
  });

  test('in a frame is refused: what is played once more keeps where it first stood', () => {
    fc.assert(
      fc.property(frame, frame, (inner, outer) => {
        const carried = encodeReplayFrame(inner);

        expect(readReplayFrame(encodeReplayFrame({ ...outer, data: carried }))).toBe(
          'a replay frame in a replay frame',
        );
        expect(nextPlay({ ...outer, data: carried })).toEqual({ ...inner, generation: inner.generation + 1 });
      }),
    );
  });

  test('of a record that was never played is its first', () => {
    const record = { shardId: 's', sequenceNumber: '7', partitionKey: 'k', arrivedAtMs: 1, data: Buffer.from('{}') };

    expect(nextPlay(record)).toEqual({ ...record, generation: 1 });
  });

  test.each([
    ['of another version', Buffer.from('a752504c02000000', 'hex'), 'a replay frame of version 2, allowed: 1'],
    ['whose header is longer than the frame', Buffer.from('a752504c01ffff00', 'hex'), 'a header of 65535 bytes'],
    ['whose header is no JSON', Buffer.from('a752504c01000100', 'hex'), 'a header that is not of a replay frame'],
  ])('%s is refused', (_, bytes, reason) => {
    expect(readReplayFrame(bytes)).toBe(reason);
  });
});
