import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { createAggregateBuilder } from '../aggregation/aggregate-builder.ts';
import { createDecodeContext, EVENTS_PER_RECORD_MAX } from './decode-context.ts';
import { decodeRecord, decodeRecordInto } from './decode-record.ts';
import type { DecodeOutcome } from './outcomes.ts';

const flights = datasets.get('flights');
if (flights === undefined) throw new Error('the dataset "flights" is gone');

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'flights',
  defaultSource: 'urn:test',
  decompressedBytesMax: 10_000,
});

const FLIGHT = { date: 978_332_100_000, delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };
const AVRO = Buffer.concat([flights.singleObjectHeader, flights.encodeAvro(FLIGHT)]);
const JSON_TEXT = Buffer.from(JSON.stringify(FLIGHT));
const CLOUD_EVENT = { specversion: '1.0', id: 'e1', source: 'urn:airline', type: 'flights', data: FLIGHT };
const CLOUD_EVENT_TEXT = Buffer.from(JSON.stringify(CLOUD_EVENT));

function aggregateOf(...payloads: Uint8Array[]): Buffer {
  const builder = createAggregateBuilder();
  payloads.forEach((payload, i) => {
    builder.add(`key${i}`, payload);
  });
  return builder.encode();
}

/** An outcome in one line, for tables: what it is, its subsequence number, and its original bytes. */
function summary(outcome: DecodeOutcome): string {
  const what = outcome.kind === 'event' ? outcome.dataset.name : outcome.failure.code;
  return `${outcome.subsequenceNumber} ${what}`;
}

function decode(data: Buffer): string[] {
  return decodeRecord(data, context).map(summary);
}

function failureOf(data: Buffer): { code: string; path: string; received: string; expected: string; message: string } {
  const [outcome] = decodeRecord(data, context);
  if (outcome?.kind !== 'undecodable') throw new Error('the record was decoded');
  return outcome.failure;
}

describe('one event in a record', () => {
  test('is taken from plain JSON as the default dataset, still to be validated', () => {
    const [event] = decodeRecord(JSON_TEXT, context);

    expect(event).toMatchObject({ kind: 'event', value: FLIGHT, conforms: false, source: 'urn:test', id: undefined });
    expect(event).toMatchObject({ dataset: { name: 'flights' }, schemaVersion: flights.schemaVersion });
    expect(event?.bytes()).toEqual(JSON_TEXT);
  });

  test('is taken from Avro by its fingerprint, and conforms', () => {
    const [event] = decodeRecord(AVRO, context);

    expect(event).toMatchObject({ kind: 'event', value: FLIGHT, conforms: true, subsequenceNumber: 0 });
    expect(event?.bytes()).toEqual(AVRO);
  });

  test.each([
    ['plain JSON', JSON_TEXT],
    ['a CloudEvent', CLOUD_EVENT_TEXT],
    ['Avro', AVRO],
  ])('is taken from gzip around %s, and its original bytes are the compressed ones', (_, payload) => {
    const compressed = gzipSync(payload);

    const [event, ...others] = decodeRecord(compressed, context);

    expect(event).toMatchObject({ kind: 'event', value: FLIGHT });
    expect(event?.bytes()).toEqual(compressed);
    expect(others).toHaveLength(0);
  });

  test('may start with a byte order mark or whitespace', () => {
    expect(decode(Buffer.concat([Buffer.from('efbbbf', 'hex'), JSON_TEXT]))).toEqual(['0 flights']);
    expect(decode(Buffer.from(` \r\n\t${JSON_TEXT}\n`))).toEqual(['0 flights']);
  });

  test('may hold U+FFFD, which is a character like any other', () => {
    expect(decode(Buffer.from('{"origin":"\ufffd"}'))).toEqual(['0 flights']);
  });

  test('is appended to the outcomes given, and numbered from 0 all the same', () => {
    const outcomes = decodeRecord(AVRO, context, decodeRecord(aggregateOf(AVRO, AVRO), context));

    expect(outcomes.map(summary)).toEqual(['0 flights', '1 flights', '0 flights']);
  });
});

describe('many events in a record', () => {
  test('come out of an aggregate in order, each with its own bytes, bad ones beside good ones', () => {
    const broken = Buffer.from('{"date":');
    const outcomes = decodeRecord(aggregateOf(AVRO, broken, JSON_TEXT, CLOUD_EVENT_TEXT), context);

    expect(outcomes.map(summary)).toEqual(['0 flights', '1 INVALID_JSON', '2 flights', '3 flights']);
    expect(outcomes.map((outcome) => outcome.bytes())).toEqual([AVRO, broken, JSON_TEXT, CLOUD_EVENT_TEXT]);
  });

  test('come out of a batch in order, each with its own bytes, bad ones beside good ones', () => {
    const elements = [CLOUD_EVENT_TEXT.toString(), '{"a":[1,{"]":"}"}]}', '7', CLOUD_EVENT_TEXT.toString()];
    const outcomes = decodeRecord(Buffer.from(`\ufeff [ ${elements.join(' ,\n')} ] `), context);

    expect(outcomes.map(summary)).toEqual(['0 flights', '1 INVALID_CLOUDEVENT', '2 INVALID_CLOUDEVENT', '3 flights']);
    expect(outcomes.map((outcome) => outcome.bytes().toString())).toEqual(elements);
  });

  test('are numbered over the whole record when a batch stands inside an aggregate', () => {
    const batch = Buffer.from(JSON.stringify([CLOUD_EVENT, CLOUD_EVENT, CLOUD_EVENT]));

    expect(decode(aggregateOf(batch, AVRO, gzipSync(batch)))).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((subsequence) => `${subsequence} flights`),
    );
  });

  test('come out of gzip around an aggregate, and of an aggregate of gzip', () => {
    expect(decode(gzipSync(aggregateOf(AVRO, JSON_TEXT)))).toEqual(['0 flights', '1 flights']);
    expect(decode(aggregateOf(gzipSync(AVRO), gzipSync(JSON_TEXT)))).toEqual(['0 flights', '1 flights']);
  });
});

describe('what is no event', () => {
  const corrupt = Buffer.from(aggregateOf(AVRO, AVRO));
  corrupt[30] = (corrupt[30] ?? 0) ^ 1;
  const emptyAggregate = Buffer.concat([Buffer.from('f3899ac2', 'hex'), createHash('md5').digest()]);
  const otherSchema = Buffer.from(AVRO);
  otherSchema[5] = (otherSchema[5] ?? 0) ^ 1;

  test.each([
    ['nothing', Buffer.alloc(0), 'EMPTY_PAYLOAD'],
    ['gzip of nothing', gzipSync(''), 'EMPTY_PAYLOAD'],
    ['an aggregate of nothing', emptyAggregate, 'EMPTY_PAYLOAD'],
    ['a batch of nothing', Buffer.from('[]'), 'EMPTY_PAYLOAD'],
    ['an aggregate with a flipped bit', corrupt, 'INVALID_UTF8'],
    ['the magic alone', Buffer.from('f3899ac2', 'hex'), 'INVALID_UTF8'],
    ['an aggregate inside an aggregate', aggregateOf(aggregateOf(AVRO)), 'INVALID_UTF8'],
    ['gzip cut short', gzipSync(JSON_TEXT).subarray(0, -9), 'INVALID_GZIP'],
    ['gzip with other bytes after it', Buffer.concat([gzipSync(JSON_TEXT), JSON_TEXT]), 'INVALID_GZIP'],
    ['gzip inside gzip', gzipSync(gzipSync(JSON_TEXT)), 'INVALID_GZIP'],
    ['gzip inside an aggregate inside gzip', gzipSync(aggregateOf(gzipSync(JSON_TEXT))), 'INVALID_GZIP'],
    ['a gzip bomb', gzipSync(Buffer.alloc(1_000_000, 0x20)), 'DECOMPRESSED_TOO_LARGE'],
    ['Avro of an unknown schema', otherSchema, 'UNKNOWN_SCHEMA'],
    ['an Avro header alone', AVRO.subarray(0, 7), 'INVALID_AVRO'],
    ['Avro cut short', AVRO.subarray(0, -1), 'INVALID_AVRO'],
    ['Avro with bytes after it', Buffer.concat([AVRO, Buffer.alloc(1)]), 'INVALID_AVRO'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'INVALID_UTF8'],
    ['text that is no JSON', Buffer.from('hello'), 'INVALID_JSON'],
    ['whitespace', Buffer.from('  \n'), 'INVALID_JSON'],
    ['a batch inside a batch', Buffer.from('[[]]'), 'INVALID_CLOUDEVENT'],
  ])('is a failure: %s', (_, data, code) => {
    const outcomes = decodeRecord(data, context);

    expect(outcomes.map(summary)).toEqual([`0 ${code}`]);
    expect(outcomes[0]).toMatchObject({ failure: { stage: 'decode' } });
  });

  test('names the place in invalid JSON, in bytes', () => {
    expect(failureOf(Buffer.from('{"origin":"Zürich",}'))).toMatchObject({
      expected: 'a key in double quotes',
      received: 'string "}"',
      message: 'The payload is no JSON text: at byte 20 of 21, a key in double quotes is missing.',
    });
  });

  test('says that the checksum is why an aggregate was read as a plain record', () => {
    expect(failureOf(corrupt).message).toContain('its MD5 checksum does not match');
  });

  test('lists the fingerprints that are known', () => {
    const failure = failureOf(otherSchema);

    expect(failure.expected).toContain(`${flights.schemaVersion} (flights)`);
    expect(failure.received).toMatch(/^[0-9a-f]{16}$/);
  });

  test('shows a short prefix of the payload at most', () => {
    const secrets = [
      Buffer.concat([AVRO.subarray(0, 10), Buffer.alloc(5_000, 0x53)]),
      Buffer.from(`{"secret":${'S'.repeat(5_000)}}`),
      Buffer.from(JSON.stringify({ ...CLOUD_EVENT, type: 'S'.repeat(5_000) })),
      Buffer.from(JSON.stringify(['S'.repeat(5_000)])),
    ];

    for (const secret of secrets) expect(failureOf(secret).received.length).toBeLessThan(130);
  });

  const roomy = { ...context, decompressedBytesMax: 1_000_000 };
  const zeros = (count: number) => Buffer.from(`[${Array(count).fill('0').join()}]`);
  const padded = (bytes: number) => gzipSync(Buffer.from(JSON.stringify(FLIGHT).padEnd(bytes)));

  test.each([
    [
      'a bomb between good ones',
      aggregateOf(AVRO, gzipSync(Buffer.alloc(1_000_000, 0x20)), AVRO, padded(4_000)),
      ['0 flights', '1 DECOMPRESSED_TOO_LARGE', '2 flights', '3 flights'],
    ],
    [
      'the part with which all parts are too large together',
      aggregateOf(AVRO, padded(4_000), padded(4_000), padded(2_001), padded(2_000)),
      ['0 flights', '1 flights', '2 flights', '3 DECOMPRESSED_TOO_LARGE', '4 flights'],
    ],
    ['around an aggregate', gzipSync(aggregateOf(...Array<Buffer>(300).fill(AVRO))), ['0 DECOMPRESSED_TOO_LARGE']],
  ])('is gzip that holds too much, with its bytes, while its neighbours live: %s', (_, data, expected) => {
    const outcomes = decodeRecord(data, context);

    expect(outcomes.map(summary)).toEqual(expected);
    const failed = outcomes.find((outcome) => summary(outcome).endsWith('DECOMPRESSED_TOO_LARGE'));
    expect(data.includes(failed?.bytes() ?? 'nothing')).toBe(true);
  });

  test('is, untried, what comes after four bombs in a record', () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000, 0x20));

    expect(decode(aggregateOf(bomb, padded(100), bomb, bomb, bomb, padded(100), AVRO))).toEqual([
      '0 DECOMPRESSED_TOO_LARGE',
      '1 flights',
      '2 DECOMPRESSED_TOO_LARGE',
      '3 DECOMPRESSED_TOO_LARGE',
      '4 DECOMPRESSED_TOO_LARGE',
      '5 DECOMPRESSED_TOO_LARGE',
      '6 flights',
    ]);
  });

  test('is not a record whose gzip holds as much as one may, together', () => {
    expect(decode(aggregateOf(padded(4_000), padded(4_000), padded(2_000)))).toEqual([
      '0 flights',
      '1 flights',
      '2 flights',
    ]);
  });

  test.each([
    ['a batch', zeros(EVENTS_PER_RECORD_MAX + 1), 0, 1],
    ['an aggregate', aggregateOf(...Array<Buffer>(EVENTS_PER_RECORD_MAX + 1).fill(AVRO)), 0, 1],
    ['a batch before the last of an aggregate', aggregateOf(zeros(EVENTS_PER_RECORD_MAX - 1), AVRO, AVRO), 0, 3],
    ['a batch after the first of an aggregate', aggregateOf(AVRO, zeros(EVENTS_PER_RECORD_MAX)), 1, 2],
    ['the last of gzipped batches', aggregateOf(...Array<Buffer>(11).fill(gzipSync(zeros(1_000)))), 9_000, 9_002],
  ])('is a batch or an aggregate of too many events, while its neighbours live: %s', (_, data, at, count) => {
    const outcomes = decodeRecord(data, roomy);

    expect(outcomes).toHaveLength(count);
    expect(outcomes.findIndex((outcome) => summary(outcome).endsWith('TOO_MANY_EVENTS'))).toBe(at);
    const failed = outcomes[at];
    expect(data.includes(failed?.bytes() ?? 'nothing')).toBe(true);
  });

  test.each([
    ['a batch', zeros(EVENTS_PER_RECORD_MAX)],
    ['an aggregate', aggregateOf(...Array<Buffer>(EVENTS_PER_RECORD_MAX).fill(AVRO))],
    ['a batch before the last of an aggregate', aggregateOf(zeros(EVENTS_PER_RECORD_MAX - 1), AVRO)],
  ])('is not a record of as many events as one may hold: %s', (_, data) => {
    const outcomes = decodeRecord(data, roomy);

    expect(outcomes).toHaveLength(EVENTS_PER_RECORD_MAX);
    expect(outcomes.some((outcome) => summary(outcome).endsWith('TOO_MANY_EVENTS'))).toBe(false);
  });

  test('does not crash by its depth', () => {
    const depth = 1_000_000;

    expect(decode(Buffer.from('['.repeat(depth)))).toEqual(['0 INVALID_JSON']);
    expect(decode(Buffer.from('['.repeat(depth) + ']'.repeat(depth)))).toEqual(['0 INVALID_CLOUDEVENT']);
    expect(decode(Buffer.from(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`))).toEqual(['0 flights']);
  });
});

describe('what decoding holds on to', () => {
  test('is told in bytes: the record, and what it was decompressed to', () => {
    const compressed = gzipSync(JSON_TEXT);

    expect(decodeRecordInto(AVRO, context, [])).toBe(AVRO.length);
    expect(decodeRecordInto(compressed, context, [])).toBe(compressed.length + JSON_TEXT.length);
  });
});
