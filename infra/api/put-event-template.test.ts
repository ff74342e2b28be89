import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from '../../streams/codecs/decode-context.ts';
import { decodeRecord } from '../../streams/codecs/decode-record.ts';
import { EXTENDED_REQUEST_ID, REQUEST_ID, renderTemplate } from '../../test/support/infra/render-template.ts';
import {
  type PutEvent,
  putAnswerTemplate,
  putEventTemplate,
  putFailedTemplate,
  putRefusedTemplate,
  unknownDatasetTemplate,
} from './put-event-template.ts';

const ONE: PutEvent = { dataset: 'flights', source: '/api/events/flights', isBatch: false, keyField: 'origin' };
const BATCH: PutEvent = { ...ONE, source: '/api/events/flights/batch', isBatch: true, keyField: undefined };
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const FLIGHT = { date: 978_332_100_000, delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:test',
});

/** The request to Kinesis, with the record's data as text. */
function put(route: PutEvent, body: string, headers: Record<string, string> = {}) {
  const request = JSON.parse(renderTemplate(putEventTemplate(route), { body, headers }).text);
  expect(Object.keys(request)).toEqual(['StreamName', 'PartitionKey', 'Data']);
  const data = Buffer.from(request.Data, 'base64');
  expect(data.toString('base64')).toBe(request.Data);
  return { ...request, data: data.toString() };
}

function refused(type: string, headers: Record<string, string> = {}) {
  const { text, status } = renderTemplate(putRefusedTemplate(), { body: JSON.stringify({ __type: type }), headers });
  return { status, answer: JSON.parse(text) };
}

/** Texts that a client might think of, and those that nobody would. */
const hostile = fc.oneof(
  fc.constantFrom(
    '","type":"earthquakes',
    "\\','x':'",
    '$context.requestId $!{stream} $q',
    '#set($stream = "other")#end #* *# ## #stop',
    '"}],"__proto__":{"a":1}',
    '\u2028\u0000\ud83c\udf0b',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

describe('the record of an event', () => {
  it('is a CloudEvent with the body as it came, and no more than the templates say', () => {
    const { data, ...request } = put(ONE, JSON.stringify(FLIGHT), { 'X-Other': 'x' });

    expect(request).toMatchObject({ StreamName: 'data-pipeline-stream', PartitionKey: 'LAX' });
    expect(JSON.parse(data)).toEqual({
      specversion: '1.0',
      id: EXTENDED_REQUEST_ID,
      source: '/api/events/flights',
      type: 'flights',
      datacontenttype: 'application/json',
      data_base64: Buffer.from(JSON.stringify(FLIGHT)).toString('base64'),
    });
  });

  it.each(['Idempotency-Key', 'idempotency-key', 'IDEMPOTENCY-KEY'])('has the header %s as its id', (name) => {
    expect(JSON.parse(put(ONE, '{}', { [name]: "it's" }).data).id).toBe("it's");
  });

  it('has the id of the request where the key is empty', () => {
    expect(JSON.parse(put(ONE, '{}', { 'Idempotency-Key': '' }).data).id).toBe(EXTENDED_REQUEST_ID);
  });

  it('keeps a well-formed traceparent, and no other', () => {
    expect(JSON.parse(put(ONE, '{}', { Traceparent: TRACEPARENT }).data).traceparent).toBe(TRACEPARENT);
    for (const value of ['', `${TRACEPARENT}"`, TRACEPARENT.toUpperCase(), `${TRACEPARENT}\n`]) {
      expect(JSON.parse(put(ONE, '{}', { traceparent: value }).data)).not.toHaveProperty('traceparent');
    }
  });

  it('follows the key of its dataset where it is harmless, and is spread otherwise', () => {
    const keyOf = (body: object) => put(ONE, JSON.stringify(body)).PartitionKey;

    expect(keyOf({ origin: 'a b-c.d_e:1;2,/+=@' })).toBe('a b-c.d_e:1;2,/+=@');
    expect(keyOf({ origin: 'x'.repeat(256) })).toBe('x'.repeat(256));
    for (const origin of ['x'.repeat(257), '', '"', 'é', '\\', '\n', undefined, null]) {
      expect(keyOf({ origin })).toBe(EXTENDED_REQUEST_ID);
    }
    expect(put({ ...ONE, keyField: 'a.b' }, '{"a":{"b":"deep"}}').PartitionKey).toBe('deep');
    expect(put(BATCH, '[{"origin":"LAX"}]').PartitionKey).toBe(EXTENDED_REQUEST_ID);
  });

  it('carries whatever a client sends, and nothing of it becomes a field', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, fc.boolean(), (body, key, traceparent, isBatch) => {
        const route = isBatch ? BATCH : { ...ONE, keyField: undefined };
        const { data, StreamName } = put(route, body, { 'Idempotency-Key': key, traceparent });
        const event = JSON.parse(data);

        const names = ['specversion', 'id', 'source', 'type', 'datacontenttype', 'data_base64'];
        expect(Object.keys(event).sort()).toEqual([...names, ...(isBatch ? ['databatch'] : [])].sort());
        expect(event).toMatchObject({ id: key || EXTENDED_REQUEST_ID, source: route.source, type: 'flights' });
        expect(Buffer.from(event.data_base64, 'base64').toString()).toBe(Buffer.from(body).toString());
        expect(StreamName).toBe('data-pipeline-stream');
      }),
      { numRuns: 250 },
    );
  });

  it('takes no partition key but a harmless one', () => {
    fc.assert(
      fc.property(hostile, (origin) => {
        const { PartitionKey } = put(ONE, JSON.stringify({ origin }));

        expect([origin, EXTENDED_REQUEST_ID]).toContain(PartitionKey);
        expect(PartitionKey).toMatch(/^[A-Za-z0-9 ._:;,/+=@-]+$/);
      }),
      { numRuns: 100 },
    );
  });

  it('is decoded to the event, or to the events of a batch', () => {
    const one = decodeRecord(Buffer.from(put(ONE, JSON.stringify(FLIGHT), { 'idempotency-key': 'k' }).data), context);
    const batch = decodeRecord(Buffer.from(put(BATCH, `[${JSON.stringify(FLIGHT)}, 5]`).data), context);

    expect(one).toMatchObject([{ kind: 'event', id: 'k', value: FLIGHT, source: ONE.source }]);
    expect(batch).toMatchObject([
      { kind: 'event', id: `${EXTENDED_REQUEST_ID}/0`, value: FLIGHT, source: BATCH.source },
      { kind: 'event', id: `${EXTENDED_REQUEST_ID}/1`, value: 5, source: BATCH.source },
    ]);
  });

  it('is not put with an id of more than 255 characters', () => {
    expect(put(ONE, '{}', { 'idempotency-key': 'k'.repeat(255) }).StreamName).toBe('data-pipeline-stream');
    expect(put(ONE, '{}', { 'idempotency-key': 'k'.repeat(256) }).StreamName).toBe('');
  });

  it('is of no dataset whose name could be read as VTL', () => {
    expect(() => putEventTemplate({ ...ONE, dataset: 'a"b' })).toThrow('VTL dataset: received a"b');
  });
});

describe('the answer', () => {
  it('says where the record is, and its id as it was given', () => {
    const body = JSON.stringify({ ShardId: 'shardId-000000000001', SequenceNumber: '49' });
    const { text, status } = renderTemplate(putAnswerTemplate(), { body, headers: { 'Idempotency-Key': '"\'\\' } });

    expect(JSON.parse(text)).toEqual({ id: '"\'\\', shardId: 'shardId-000000000001', sequenceNumber: '49' });
    expect(status).toBeUndefined();
  });

  it.each([
    ['ProvisionedThroughputExceededException', 429, 'THROTTLED'],
    ['com.amazonaws.kinesis#KMSThrottlingException', 429, 'THROTTLED'],
    ['LimitExceededException', 429, 'THROTTLED'],
    ['ValidationException', 413, 'RECORD_TOO_LARGE'],
    ['InvalidArgumentException', 413, 'RECORD_TOO_LARGE'],
    ['AccessDeniedException', 502, 'STREAM_REFUSED'],
    ['ResourceNotFoundException', 502, 'STREAM_REFUSED'],
  ])('to %s of Kinesis is %i %s', (type, status, error) => {
    expect(refused(type)).toEqual({ status, answer: { error, reason: expect.any(String), requestId: REQUEST_ID } });
  });

  it('to an answer that says nothing is 502', () => {
    const { text, status } = renderTemplate(putRefusedTemplate(), { body: '{}' });

    expect(status).toBe(502);
    expect(JSON.parse(text).error).toBe('STREAM_REFUSED');
  });

  it('to a key that is too long is 400, whatever Kinesis calls it', () => {
    const { status, answer } = refused('ValidationException', { 'Idempotency-Key': 'k'.repeat(256) });

    expect({ status, error: answer.error }).toEqual({ status: 400, error: 'BAD_IDEMPOTENCY_KEY' });
  });

  it('to a failure of Kinesis, and to an unknown dataset, is JSON with the reason', () => {
    const unknown = unknownDatasetTemplate(['earthquakes', 'flights']);

    expect(JSON.parse(renderTemplate(putFailedTemplate(), { body: '' }).text).reason).toMatch(/Try again/);
    expect(JSON.parse(renderTemplate(unknown, { body: '' }).text)).toMatchObject({
      error: 'UNKNOWN_DATASET',
      reason: expect.stringContaining('/events/<dataset>'),
      datasets: ['earthquakes', 'flights'],
    });
  });
});
