import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRecordIdentity, padSequence, type StreamRecord } from '../position.ts';
import { playTape, type TapeObject } from './play-tape.ts';
import { formatTapeKey, parseTapeKey, tapeHourPrefix } from './tape-key.ts';
import { decodeTape, encodeTape, formatTapeMetadata, measureTape, parseTapeMetadata } from './tape-object.ts';

const SHARD = 'shardId-000000000003';
const sequence = (index: number) =>
  String(49_590_338_271_490_256_608_559_692_538_361_571_095n * 10n ** 18n + BigInt(index * 7));
const record = (index: number): StreamRecord => ({
  shardId: SHARD,
  sequenceNumber: sequence(index),
  partitionKey: `ключ "${index}"\n`,
  data: Buffer.from([index & 255, 0, 255]),
  arrivedAtMs: 1_764_000_000_000 + index,
});
const recordsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => record(first + i));

describe('the name of a tape object', () => {
  const span = {
    streamName: 'data-pipeline-stream',
    createdAtMs: 1_700_000_000_000,
    shardId: SHARD,
    first: padSequence('7'),
    last: padSequence('12'),
    hour: '2026-11-25T07',
  };

  test('says what is in it', () => {
    const key = formatTapeKey(span);

    expect(parseTapeKey(key)).toEqual(span);
    expect(key.startsWith(tapeHourPrefix('2026-11-25T07'))).toBe(true);
  });

  test.each(['aws/lambda/x', 'tape/dt=2026-11-25/hour=07/s/1/shard/1-2.ndjson.gz', ''])('is not %s', (key) => {
    expect(parseTapeKey(key)).toBeUndefined();
  });
});

describe('a tape object', () => {
  test('gives its records back', () => {
    const records = recordsFrom(0, 50);

    expect(decodeTape(encodeTape(records), SHARD)).toEqual(records);
  });

  test('is read by zcat, a line of JSON a record', () => {
    const { stdout } = spawnSync('zcat', { input: encodeTape(recordsFrom(0, 3)) });
    const lines = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

    expect(lines.map((line) => line.sequenceNumber)).toEqual([0, 1, 2].map(sequence));
    expect(lines[1]).toEqual({
      sequenceNumber: sequence(1),
      partitionKey: 'ключ "1"\n',
      arrivedAtMs: 1_764_000_000_001,
      data: Buffer.from([1, 0, 255]).toString('base64'),
    });
  });

  test('is counted by its metadata', () => {
    const records = recordsFrom(0, 3);
    const identity = createRecordIdentity('s');
    const metadata = measureTape(records, identity);

    expect(parseTapeMetadata(formatTapeMetadata(metadata))).toEqual(metadata);
    expect(metadata).toMatchObject({ records: 3, bytes: 9, arrivedFromMs: 1_764_000_000_000 });
    const digits = records.map(({ sequenceNumber }) => identity.forRecord(SHARD, sequenceNumber).textOf(0).slice(0, 8));
    expect(metadata.fingerprint).toBe(digits.reduce((sum, hex) => sum + BigInt(`0x${hex}`), 0n));
  });

  test.each([
    ['is cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 9), 'received no whole gzip'],
    ['is no gzip', () => Buffer.from('{}\n'), 'received no whole gzip'],
    ['has records out of order', () => encodeTape([record(2), record(1)]), 'line 2 is not behind the line before it'],
    ['has a record twice', () => encodeTape([record(1), record(1)]), 'line 2 is not behind the line before it'],
  ])('that %s is refused', (_, damage, reason) => {
    expect(() => decodeTape(damage(encodeTape(recordsFrom(0, 5))), SHARD)).toThrow(reason);
  });

  test('with a line that is no record is refused', () => {
    const bad = encodeTape([{ ...record(0), arrivedAtMs: Number.NaN }]);

    expect(() => decodeTape(bad, SHARD)).toThrow('line 1 is no record');
  });
});

describe('the tape of a shard', () => {
  const objectOf = (records: readonly StreamRecord[]): TapeObject => ({
    first: padSequence(records[0]?.sequenceNumber ?? ''),
    last: padSequence(records.at(-1)?.sequenceNumber ?? ''),
    read: async () => records,
  });
  const play = async (objects: readonly TapeObject[]) =>
    (await Array.fromAsync(playTape(objects))).map(({ sequenceNumber }) => sequenceNumber);

  test('is every position once, in order, however batches overlap and were tried again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 })), { maxLength: 15 }),
        async (spans) => {
          const all = new Set(
            spans.flatMap(([first, count]) => recordsFrom(first, count).map((each) => each.sequenceNumber)),
          );

          const played = await play(spans.map(([first, count]) => objectOf(recordsFrom(first, count))));

          expect(played).toEqual([...all].sort());
        },
      ),
    );
  });

  test('is read object by object, as its turn comes', async () => {
    const read: number[] = [];
    const objects = [0, 10, 20].map((first) => ({
      ...objectOf(recordsFrom(first, 10)),
      read: async () => {
        read.push(first);
        return recordsFrom(first, 10);
      },
    }));
    const tape = playTape(objects.reverse());
    await tape.next();

    expect(read).toEqual([0]);
  });

  test('refuses two objects that differ at a position', async () => {
    const other = { ...record(5), data: Buffer.from('other') };

    await expect(play([objectOf(recordsFrom(0, 10)), objectOf([other])])).rejects.toThrow('two objects differ at');
  });
});
