import { describe, expect, test } from '@jest/globals';
import { finish, mix32, mixBlocks } from './murmur3.ts';

function murmur3(text: string, seed: number): Buffer {
  const state = new Int32Array(4).fill(seed);
  mixBlocks(text, state, state);
  finish(text, text.length, state);
  const bytes = Buffer.alloc(16);
  state.forEach((word, index) => {
    bytes.writeInt32LE(word, index * 4);
  });
  return bytes;
}

describe('MurmurHash3 x86 128', () => {
  test("passes SMHasher's verification of the algorithm, which covers every length from 0 to 255 bytes", () => {
    // smhasher/src/KeysetTest.cpp, VerificationTest: keys {}, {0}, {0,1}, … with the seeds 256, 255, …
    const keys = Array.from({ length: 256 }, (_, length) =>
      String.fromCharCode(...Array.from({ length }, (_, byte) => byte)),
    );
    const hashes = Buffer.concat(keys.map((key, length) => murmur3(key, 256 - length)));

    // smhasher/src/main.cpp: the value given for MurmurHash3_x86_128.
    expect(murmur3(hashes.toString('latin1'), 0).readUInt32LE(0)).toBe(0xb3ece62a);
  });

  test('maps 0 to 0 by its finalizer, and no two of 100,000 integers to one', () => {
    expect(mix32(0)).toBe(0);
    expect(new Set(Array.from({ length: 100_000 }, (_, value) => mix32(value))).size).toBe(100_000);
  });
});
