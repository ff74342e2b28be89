import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { createRecordIdentity, padSequence, type StreamRecord } from '../position.ts';
import { compareTapeSpans, formatTapeKey, parseTapeKey, tapeHourPrefix } from './tape-key.ts';
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

  test.each([
    ['another name', 'aws/lambda/x'],
    ['no name', ''],
    ['positions that are not padded', 'tape/dt=2026-11-25/hour=07/s/1/shard/1-2.ndjson.gz'],
    ['a day that is none', formatTapeKey({ ...span, hour: '2026-02-30T07' })],
    ['an hour that is none', formatTapeKey({ ...span, hour: '2026-11-25T24' })],
    ['a last position before its first', formatTapeKey({ ...span, last: '6' })],
    ['more behind it', `${formatTapeKey(span)}.tmp`],
  ])('is not %s', (_, key) => {
    expect(parseTapeKey(key)).toBeUndefined();
  });

  test('orders objects as they are played, also where a sequence number outgrows its padding', () => {
    const spans = [
      { first: '9'.repeat(56), last: `1${'0'.repeat(56)}` },
      { first: `1${'0'.repeat(56)}`, last: `2${'0'.repeat(56)}` },
      { first: padSequence('7'), last: padSequence('9') },
      { first: padSequence('7'), last: padSequence('12') },
    ];

    expect(spans.toSorted(compareTapeSpans)).toEqual([2, 3, 0, 1].map((index) => spans[index]));
  });
});

const line = (more: object = {}): string =>
  JSON.stringify({ sequenceNumber: '7', partitionKey: 'k', arrivedAtMs: 1, data: 'AA==', ...more });

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
    const streamArn = 'arn:aws:kinesis:us-east-1:123456789012:stream/s';
    const metadata = measureTape(records, identity, streamArn);

    expect(parseTapeMetadata(formatTapeMetadata(metadata))).toEqual(metadata);
    expect(metadata).toMatchObject({
      ...{ streamArn, records: 3, bytes: 9 },
      ...{ arrivedFromMs: 1_764_000_000_000, arrivedToMs: 1_764_000_000_002 },
    });
    const digits = records.map(({ sequenceNumber }) => identity.forRecord(SHARD, sequenceNumber).textOf(0).slice(0, 8));
    expect(metadata.fingerprint).toBe(digits.reduce((sum, hex) => sum + BigInt(`0x${hex}`), 0n));
  });

  test.each([
    ['stream-arn', undefined, 'stream-arn is "", allowed: an ARN'],
    ['records', undefined, 'records is "", allowed: digits'],
    ['fingerprint', '-1', 'fingerprint is "-1", allowed: digits'],
  ])('whose metadata has a wrong %s is refused', (name, value, reason) => {
    const metadata = formatTapeMetadata(measureTape(recordsFrom(0, 1), createRecordIdentity('s'), 'arn:aws:kinesis'));
    const { [name]: _, ...others } = metadata;

    expect(() => parseTapeMetadata(value === undefined ? others : { ...others, [name]: value })).toThrow(reason);
  });

  test('that holds other records than its name says is refused', () => {
    const bytes = encodeTape(recordsFrom(1, 3));

    expect(decodeTape(bytes, SHARD, { first: padSequence(sequence(1)), last: sequence(3) })).toHaveLength(3);
    expect(() => decodeTape(bytes, SHARD, { first: sequence(0), last: sequence(3) })).toThrow('its name says');
    expect(() => decodeTape(bytes, SHARD, { first: sequence(1), last: sequence(4) })).toThrow('its name says');
  });

  test.each([
    ['is cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 9), 'received no whole gzip'],
    ['is no gzip', () => Buffer.from('{}\n'), 'received no whole gzip'],
    ['has records out of order', () => encodeTape([record(2), record(1)]), 'line 2 is not behind the line before it'],
    ['holds nothing', () => gzipSync(''), 'it holds no record'],
    ['ends within a line', () => gzipSync('{}'), 'the last line has no end'],
    ['is no UTF-8', () => gzipSync(Buffer.from('"\xff"\n', 'latin1')), 'its text is no UTF-8'],
    ['has data that is no base64', () => gzipSync(`${line({ data: 'AA=A' })}\n`), 'line 1 has data that is no base64'],
    ['has an empty line', () => gzipSync(`${line()}\n\n`), 'line 2 is no record'],
    [
      'has a sequence number that is none',
      () => gzipSync(`${line({ sequenceNumber: '1e3' })}\n`),
      'line 1 is no record',
    ],
    ['has a record twice', () => encodeTape([record(1), record(1)]), 'line 2 is not behind the line before it'],
  ])('that %s is refused', (_, damage, reason) => {
    expect(() => decodeTape(damage(encodeTape(recordsFrom(0, 5))), SHARD)).toThrow(reason);
  });

  test('with a line that is no record is refused', () => {
    const bad = encodeTape([{ ...record(0), arrivedAtMs: Number.NaN }]);

    expect(() => decodeTape(bad, SHARD)).toThrow('line 1 is no record');
  });
});
