import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext, EVENTS_PER_RECORD_MAX } from './decode-context.ts';
import { BATCH_ATTRIBUTES_BYTES_MAX } from './decode-data-batch.ts';
import { decodeRecord } from './decode-record.ts';

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:test',
});

const FLIGHT = { date: 978_332_100_000, delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const BATCH = { specversion: '1.0', id: 'b', source: '/api/events/flights', type: 'flights', databatch: true };

const base64 = (data: string) => Buffer.from(data).toString('base64');
const batchOf = (data: string, attributes: object = {}) =>
  Buffer.from(JSON.stringify({ ...BATCH, ...attributes, data_base64: base64(data) }));

describe('a batch of data', () => {
  test('is split into events with the attributes of the envelope and ids by index', () => {
    const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

    const outcomes = decodeRecord(batchOf(JSON.stringify([FLIGHT, 5]), { traceparent, runid: 'run-7' }), context);

    const shared = {
      kind: 'event',
      dataset: { name: 'flights' },
      source: BATCH.source,
      runId: 'run-7',
      traceId: TRACE_ID,
    };
    expect(outcomes).toMatchObject([
      { ...shared, id: 'b/0', value: FLIGHT, conforms: false, subsequenceNumber: 0 },
      { ...shared, id: 'b/1', value: 5, conforms: false, subsequenceNumber: 1 },
    ]);
  });

  test.each([
    ['no array', '{"specversion":"1.0"}', {}, 'INVALID_CLOUDEVENT'],
    ['no JSON', '[1,', {}, 'INVALID_JSON'],
    ['JSON and more', '[1],"source":"x"', {}, 'INVALID_JSON'],
    ['no element', ' [ ] ', {}, 'EMPTY_PAYLOAD'],
    ['too many elements', JSON.stringify(Array(EVENTS_PER_RECORD_MAX + 1).fill(0)), {}, 'TOO_MANY_EVENTS'],
    ['data beside data_base64', '[1]', { data: [2] }, 'INVALID_CLOUDEVENT'],
    ['another content type', '[1]', { datacontenttype: 'avro/binary' }, 'INVALID_CLOUDEVENT'],
    ['a databatch that is text', '[1]', { databatch: 'true' }, 'INVALID_CLOUDEVENT'],
    [
      'attributes that each event would repeat',
      '[1,2]',
      { subject: 'x'.repeat(BATCH_ATTRIBUTES_BYTES_MAX) },
      'INVALID_CLOUDEVENT',
    ],
    ['no dataset', '[1]', { type: 'trains' }, 'UNKNOWN_DATASET'],
  ])('with %s is one failure with its bytes', (_what, data, attributes, code) => {
    const record = batchOf(data, attributes);

    const outcomes = decodeRecord(record, context);

    expect(outcomes).toMatchObject([{ kind: 'undecodable', failure: { code }, subsequenceNumber: 0 }]);
    expect(outcomes[0]?.bytes()).toEqual(record);
  });

  test('is none where databatch is false', () => {
    const outcomes = decodeRecord(batchOf('[1]', { databatch: false }), context);

    expect(outcomes).toMatchObject([{ kind: 'event', id: 'b', value: [1] }]);
  });

  test('within a CloudEvents batch fails alone: there is no room made for its events', () => {
    const single = { specversion: '1.0', id: 's', source: 'urn:x', type: 'flights', data: FLIGHT };
    const nested = { ...BATCH, data_base64: base64(JSON.stringify(Array(EVENTS_PER_RECORD_MAX).fill(0))) };

    const outcomes = decodeRecord(Buffer.from(JSON.stringify([nested, single])), context);

    expect(outcomes).toMatchObject([
      { kind: 'undecodable', failure: { code: 'INVALID_CLOUDEVENT', path: 'databatch' } },
      { kind: 'event', id: 's' },
    ]);
  });

  test('gives each element as it is, and bytes that are the same event again, whatever its neighbours are', () => {
    const space = fc.constantFrom('', ' ', '\n\t');
    const element = fc.json({ maxDepth: 3, stringUnit: 'binary' });
    const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(space, element, space), { minLength: 1, maxLength: 8 }),
        id,
        fc.boolean(),
        (parts, key, zip) => {
          const data = `[${parts.map((part) => part.join('')).join(',')}]`;
          const record = batchOf(data, { id: key, anything: '"}' });

          const outcomes = decodeRecord(zip ? gzipSync(record) : record, context);

          expect(outcomes).toHaveLength(parts.length);
          for (const [index, outcome] of outcomes.entries()) {
            const [again] = decodeRecord(outcome.bytes(), context);
            const same = {
              kind: 'event',
              id: `${key}/${index}`,
              source: BATCH.source,
              value: JSON.parse(parts[index]?.[1] ?? ''),
            };
            expect(outcome).toMatchObject({ ...same, subsequenceNumber: index });
            expect(again).toMatchObject({ ...same, subsequenceNumber: 0 });
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
