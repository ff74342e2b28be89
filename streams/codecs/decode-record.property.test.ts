import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { datasets } from '../../schemas/index.ts';
import { createAggregateBuilder } from '../aggregation/aggregate-builder.ts';
import { createDecodeContext } from './decode-context.ts';
import { decodeRecord } from './decode-record.ts';

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:test',
  decompressedBytesMax: 100_000,
});
const headers = [...datasets.values()].map((dataset) => Buffer.from(dataset.singleObjectHeader));
const PREFIXES = [
  ...headers,
  ...['f3899ac2', '1f8b08', 'c301', 'efbbbf', '7b', '5b', '5b7b', ''].map((hex) => Buffer.from(hex, 'hex')),
];
const prefixed = fc
  .tuple(fc.constantFrom(...PREFIXES), fc.uint8Array({ maxLength: 120 }))
  .map(([prefix, rest]) => Buffer.concat([prefix, rest]));
const jsonText = fc.json().map((text) => Buffer.from(text));
const almostCloudEvent = fc
  .record(
    {
      specversion: fc.constantFrom('1.0', '0.3', null),
      id: fc.oneof(fc.string(), fc.jsonValue()),
      source: fc.oneof(fc.string(), fc.jsonValue()),
      type: fc.constantFrom('earthquakes', 'flights', 'trains', '__proto__', null),
      datacontenttype: fc.constantFrom('application/json', 'avro/binary', 'text/plain', ''),
      data: fc.jsonValue(),
      data_base64: fc.oneof(fc.base64String(), fc.jsonValue()),
      traceparent: fc.jsonValue(),
      databatch: fc.oneof(fc.constant(true), fc.jsonValue()),
    },
    { requiredKeys: ['specversion', 'id', 'source', 'type'] },
  )
  .map((event) => Buffer.from(JSON.stringify(event)));
/** A payload that is one event or one failure: no batch. */
const single = fc
  .oneof(prefixed, jsonText, almostCloudEvent)
  .filter((payload) => !/^[\ufeff\s]*\[/.test(payload.toString('utf8')) && payload[0] !== 0x1f);

function aggregateOf(payloads: readonly Uint8Array[]): Buffer {
  const builder = createAggregateBuilder();
  payloads.forEach((payload, i) => {
    builder.add(`key${i % 7}`, payload);
  });
  return builder.encode();
}

function checkOutcomes(data: Buffer): number {
  const outcomes = decodeRecord(data, context);
  outcomes.forEach((outcome, i) => {
    expect(outcome.subsequenceNumber).toBe(i);
    expect(outcome.bytes()).toBeInstanceOf(Uint8Array);
    if (outcome.kind === 'undecodable') expect(outcome.failure.received.length).toBeLessThanOrEqual(512);
  });
  return outcomes.length;
}

describe('whatever a record holds', () => {
  test('decoding never throws, and gives at least one outcome', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      prefixed,
      prefixed.map((bytes) => gzipSync(bytes)),
      jsonText,
      almostCloudEvent,
      fc.array(prefixed, { maxLength: 5 }).map((payloads) => aggregateOf(payloads)),
    );

    fc.assert(
      fc.property(anything, (data) => {
        expect(checkOutcomes(data)).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 10_000 },
    );
  });

  test('an aggregate gives one outcome for each of its records, in order, with that record as its bytes', () => {
    fc.assert(
      fc.property(fc.array(single, { minLength: 1, maxLength: 60 }), fc.boolean(), (payloads, compressed) => {
        const aggregate = aggregateOf(payloads);
        const data = compressed ? gzipSync(aggregate) : aggregate;

        const outcomes = decodeRecord(data, context);

        expect(checkOutcomes(data)).toBe(payloads.length);
        expect(outcomes.map((outcome) => outcome.bytes().toString('hex'))).toEqual(
          payloads.map((payload) => payload.toString('hex')),
        );
      }),
    );
  });

  test('a record of an aggregate is decoded as it would be alone', () => {
    // With the magic, alone it is a malformed aggregate, and together a nested one.
    const withoutMagic = single.filter((payload) => payload[0] !== 0xf3);

    fc.assert(
      fc.property(fc.array(withoutMagic, { minLength: 1, maxLength: 20 }), (payloads) => {
        const together = decodeRecord(aggregateOf(payloads), context);
        const alone = payloads.flatMap((payload) => decodeRecord(payload, context));

        const comparable = (outcomes: typeof together): object[] =>
          outcomes.map(({ bytes, subsequenceNumber, ...rest }) => rest);
        expect(comparable(together)).toEqual(comparable(alone));
      }),
    );
  });

  test('a batch gives one outcome for each of its elements', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.json(), almostCloudEvent), { minLength: 1, maxLength: 20 }), (elements) => {
        const data = Buffer.from(`[${elements.map(String).join(',')}]`);

        expect(checkOutcomes(data)).toBe(elements.length);
      }),
    );
  });
});
