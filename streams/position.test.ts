import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { finish, mixBlocks } from './identity/murmur3.ts';
import { compareSequence, createRecordIdentity, formatPosition, padSequence } from './position.ts';

const SEQUENCE = '49590338271490256608559692538361571095921575989136588898';
const sequence = fc.bigInt({ min: 0n, max: 10n ** 56n - 1n }).map(String);

describe('sequence numbers', () => {
  test('are padded to 56 digits, and a longer one is left whole', () => {
    expect(padSequence('42')).toBe(`${'0'.repeat(54)}42`);
    expect(padSequence(`1${'0'.repeat(60)}`)).toBe(`1${'0'.repeat(60)}`);
  });

  test('compare as the integers they are, padded or not', () => {
    fc.assert(
      fc.property(sequence, sequence, fc.boolean(), (a, b, padded) => {
        const expected = BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
        expect(compareSequence(padded ? padSequence(a) : a, b)).toBe(expected);
      }),
    );
  });

  test('compare beyond 56 digits too', () => {
    expect(compareSequence('9', `1${'0'.repeat(70)}`)).toBe(-1);
  });

  test('form positions whose text order is stream order', () => {
    expect(formatPosition('shardId-000000000001', '7', 3)).toBe(`shardId-000000000001:${'0'.repeat(55)}7:0000003`);
  });
});

describe('_record_id', () => {
  const identity = createRecordIdentity('data-pipeline-stream');

  test('is 32 hex digits: MurmurHash3 of 16 bytes for the shard and of the padded sequence number', () => {
    const ofShard = createHash('sha256').update('data-pipeline-stream\nshardId-000000000001').digest().subarray(0, 16);
    const message = `${ofShard.toString('latin1')}${padSequence(SEQUENCE)}`;
    const state = new Int32Array(4);
    mixBlocks(message, state, state);
    finish(message, message.length, state);

    const id = identity.forRecord('shardId-000000000001', SEQUENCE).textOf(0);

    expect(id).toBe(Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join(''));
    expect(id).toBe('305be9ad956d1ba1770daa8e84effc8d');
  });

  test('is the same for a padded and an unpadded sequence number', () => {
    expect(identity.forRecord('shardId-000000000001', padSequence('17')).textOf(5)).toBe(
      identity.forRecord('shardId-000000000001', '17').textOf(5),
    );
  });

  test('differs in its first 8 digits for every event of one record', () => {
    const ids = identity.forRecord('shardId-000000000000', SEQUENCE);

    const heads = new Set(Array.from({ length: 100_000 }, (_, subsequence) => ids.textOf(subsequence).slice(0, 8)));

    expect(heads.size).toBe(100_000);
  });

  test('differs by stream, shard and sequence number', () => {
    const ids = [
      identity.forRecord('shardId-000000000000', '1').textOf(0),
      identity.forRecord('shardId-000000000001', '1').textOf(0),
      identity.forRecord('shardId-000000000000', '2').textOf(0),
      createRecordIdentity('other').forRecord('shardId-000000000000', '1').textOf(0),
    ];

    expect(new Set(ids).size).toBe(4);
  });

  test('is another one for each of a million records in a row', () => {
    const head = SEQUENCE.slice(0, -7);
    const ids = new Set<string>();
    for (let i = 1_000_000; i < 2_000_000; i++)
      ids.add(identity.forRecord('shardId-000000000000', `${head}${i}`).textOf(0));

    expect(ids.size).toBe(1_000_000);
  });

  test('is uniform in its first 8 digits: each of 64 buckets gets its share of records, by subsequence too', () => {
    for (const subsequence of [0, 1, 49]) {
      const buckets = new Array<number>(64).fill(0);
      const records = 64 * 500;
      for (let i = 0; i < records; i++) {
        const head = Number.parseInt(
          identity.forRecord('shardId-000000000000', String(i)).textOf(subsequence).slice(0, 8),
          16,
        );
        const bucket = head >>> 26;
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }

      // Chi-squared with 63 degrees of freedom exceeds 120 with probability below 0.00002; the input is fixed.
      const chiSquared = buckets.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
      expect(chiSquared).toBeLessThan(120);
    }
  });
});
