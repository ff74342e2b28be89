import { describe, expect, test } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from './decode-context.ts';
import { decodeRecord } from './decode-record.ts';
import type { DecodeOutcome } from './outcomes.ts';

const earthquakes = datasets.get('earthquakes');
const flights = datasets.get('flights');
if (earthquakes === undefined || flights === undefined) throw new Error('a dataset is gone');

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:test',
});

const FLIGHT = { date: 978_332_100_000, delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };
const EVENT = { specversion: '1.0', id: 'e1', source: 'urn:airline', type: 'flights', data: FLIGHT };
const AVRO = Buffer.concat([flights.singleObjectHeader, flights.encodeAvro(FLIGHT)]);
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const { data: _data, ...WITHOUT_DATA } = EVENT;

function decode(event: object): DecodeOutcome {
  const [outcome] = decodeRecord(Buffer.from(JSON.stringify(event)), context);
  if (outcome === undefined) throw new Error('nothing came out');
  return outcome;
}

function base64(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString('base64');
}

describe('a CloudEvent', () => {
  test('brings its source, id and extensions', () => {
    const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
    const outcome = decode({
      ...EVENT,
      runid: 'run-7',
      traceparent,
      partitionkey: 'LAX',
      time: '2001-01-01T06:55:00Z',
    });

    expect(outcome).toMatchObject({
      kind: 'event',
      dataset: { name: 'flights' },
      value: FLIGHT,
      conforms: false,
      source: 'urn:airline',
      id: 'e1',
      runId: 'run-7',
      traceId: TRACE_ID,
      schemaVersion: flights.schemaVersion,
    });
  });

  test.each([
    ['JSON text in data_base64', { data_base64: base64(JSON.stringify(FLIGHT)) }, false],
    [
      'JSON text of a +json type',
      { datacontenttype: 'application/vnd.airline+json; charset=utf-8', data: FLIGHT },
      false,
    ],
    ['Avro as avro/binary', { datacontenttype: 'avro/binary', data_base64: base64(AVRO) }, true],
    ['Avro as application/avro', { datacontenttype: 'application/avro', data_base64: base64(AVRO) }, true],
    ['null for attributes that are absent', { data: FLIGHT, subject: null, time: null, data_base64: null }, false],
    ['an extension of its own', { data: FLIGHT, airline: 7 }, false],
  ])('may bring %s', (_, attributes, conforms) => {
    expect(decode({ ...WITHOUT_DATA, ...attributes })).toMatchObject({ kind: 'event', value: FLIGHT, conforms });
  });

  test.each(['', 'nonsense', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${TRACE_ID}-00f067aa0ba902b7-01`])(
    'is delivered without a trace id when its traceparent is %j, as W3C asks',
    (traceparent) => {
      expect(decode({ ...EVENT, traceparent })).toMatchObject({ kind: 'event', traceId: undefined });
    },
  );

  test.each([
    ['specversion', { ...EVENT, specversion: '0.3' }],
    ['specversion', { ...EVENT, specversion: null }],
    ['id', { ...EVENT, id: '' }],
    ['id', { ...EVENT, id: 7 }],
    ['source', { ...EVENT, source: undefined }],
    ['type', { ...EVENT, type: ['flights'] }],
    ['time', { ...EVENT, time: 'yesterday' }],
    ['time', { ...EVENT, time: 978_332_100 }],
    ['subject', { ...EVENT, subject: {} }],
    ['runid', { ...EVENT, runid: 7 }],
    ['data', WITHOUT_DATA],
    ['data_base64', { ...EVENT, data_base64: base64('{}') }],
    ['data_base64', { ...WITHOUT_DATA, data_base64: 'not base64!!' }],
    ['data_base64', { ...WITHOUT_DATA, data_base64: 'e30' }],
    ['data_base64', { ...WITHOUT_DATA, data_base64: 'e-_0' }],
    ['data_base64', { ...WITHOUT_DATA, data_base64: 7 }],
    ['data_base64', { ...WITHOUT_DATA, datacontenttype: 'avro/binary', data_base64: base64(AVRO.subarray(10)) }],
    ['datacontenttype', { ...EVENT, datacontenttype: 'text/plain' }],
    ['datacontenttype', { ...EVENT, datacontenttype: 'avro/binary' }],
    ['datacontenttype', { ...WITHOUT_DATA, datacontenttype: 'image/png', data_base64: base64('{}') }],
  ])('is invalid by its %s: %j', (path, event) => {
    expect(decode(event)).toMatchObject({ kind: 'undecodable', failure: { code: 'INVALID_CLOUDEVENT', path } });
  });

  test.each(['id', 'source', 'type', 'subject', 'runid', 'partitionkey'])(
    'is invalid by its %s when that has half of a surrogate pair, which no UTF-8 can write',
    (path) => {
      expect(decode({ ...EVENT, [path]: 'a\ud83d' })).toMatchObject({
        kind: 'undecodable',
        failure: {
          code: 'INVALID_CLOUDEVENT',
          path,
          expected: expect.stringContaining('well-formed Unicode'),
          received: 'string "a\\ud83d"',
        },
      });
      expect(decode({ ...EVENT, [path]: 'a\ud83d\ude00' })).not.toMatchObject({
        failure: { path, code: 'INVALID_CLOUDEVENT' },
      });
    },
  );

  test('that is invalid shows no source or run with half of a surrogate pair', () => {
    expect(decode({ ...EVENT, source: '\ude00', runid: '\ud83d' })).toMatchObject({
      source: undefined,
      runId: undefined,
    });
  });

  test.each([
    ['INVALID_JSON', { data_base64: base64('{"a":') }],
    ['INVALID_UTF8', { data_base64: base64(Buffer.from([0xff, 0xfe])) }],
    ['INVALID_AVRO', { datacontenttype: 'avro/binary', data_base64: base64(AVRO.subarray(0, -1)) }],
    [
      'UNKNOWN_SCHEMA',
      { datacontenttype: 'avro/binary', data_base64: base64(Buffer.from('c301'.padEnd(24, '0'), 'hex')) },
    ],
  ])('gives %s at data_base64 when its data is that', (code, attributes) => {
    expect(decode({ ...WITHOUT_DATA, ...attributes })).toMatchObject({
      failure: { code, path: 'data_base64' },
      dataset: 'flights',
    });
  });

  test('is invalid when its Avro is of another dataset than its type', () => {
    const outcome = decode({
      ...WITHOUT_DATA,
      type: 'earthquakes',
      datacontenttype: 'avro/binary',
      data_base64: base64(AVRO),
    });

    expect(outcome).toMatchObject({ failure: { code: 'INVALID_CLOUDEVENT', path: 'data_base64' } });
  });

  test('of an unknown type is told the types there are', () => {
    expect(decode({ ...EVENT, type: 'trains' })).toMatchObject({
      failure: {
        code: 'UNKNOWN_DATASET',
        path: 'type',
        expected: 'one of "earthquakes", "flights"',
        received: 'string "trains"',
      },
      dataset: undefined,
    });
  });

  test('that is invalid still tells its source, run and trace', () => {
    const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

    expect(decode({ ...EVENT, id: 7, runid: 'run-7', traceparent })).toMatchObject({
      kind: 'undecodable',
      dataset: 'flights',
      source: 'urn:airline',
      runId: 'run-7',
      traceId: TRACE_ID,
    });
  });

  test('is a plain record when it has no specversion', () => {
    expect(decode({ id: 'e1', source: 'urn:airline', type: 'flights', data: FLIGHT })).toMatchObject({
      kind: 'event',
      dataset: { name: 'earthquakes' },
    });
  });
});
