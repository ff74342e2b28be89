import { describe, expect, test } from '@jest/globals';
import { createRecordIdentity, padSequence } from '../../streams/position.ts';
import { kinesisEvent, sequenceOf } from '../../test/support/processors/kinesis-event.ts';
import { createMemoryObjects } from '../../test/support/processors/memory-objects.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { parkedKey } from '../books/keys.ts';
import { ObjectError } from './objects.ts';
import { DOCUMENT_BYTES_MAX, enterParked } from './parked-batch.ts';

const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:ServerlessDataPipeline-RealtimeFunction';
const TAPE = 'ServerlessDataPipeline-TapeFunction';
const STREAM_ARN = 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream';
const KEY = 'aws/lambda/5a/shardId-000000000000/2026/06/01/2026-06-01T12.00.00-5b';
const PARKED_AT_MS = Date.UTC(2026, 5, 4, 12, 0, 0, 21);
const NOW_MS = PARKED_AT_MS + 5_000;

const event = kinesisEvent([0, 1, 2].map((index) => Buffer.from(`record ${index}`)));

/** As Lambda writes it: lambda/latest/dg/kinesis-on-failure-destination.html */
const DOCUMENT = {
  requestContext: {
    requestId: 'c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5',
    functionArn: FUNCTION,
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 4,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  version: '1.0',
  timestamp: '2026-06-04T12:00:00.021Z',
  KinesisBatchInfo: {
    shardId: 'shardId-000000000000',
    startSequenceNumber: sequenceOf(0),
    endSequenceNumber: sequenceOf(2),
    approximateArrivalOfFirstRecord: '2026-06-01T12:00:00Z',
    approximateArrivalOfLastRecord: '2026-06-01T12:00:00Z',
    batchSize: 3,
    streamArn: STREAM_ARN,
  },
  payload: JSON.stringify(event),
};

async function entered(document: unknown) {
  const [objects, table] = [createMemoryObjects(), createMemoryStateTable()];
  const object = objects.put('archive', KEY, typeof document === 'string' ? document : JSON.stringify(document));
  const enter = () => enterParked(object, { objects, table, tapeFunction: TAPE, nowMs: NOW_MS });
  return { isNew: await enter(), enter, table, attributes: (await table.get(parkedKey(KEY)))?.attributes };
}

const FINGERPRINT = [0, 1, 2]
  .map((index) => createRecordIdentity('data-pipeline-stream').forRecord('shardId-000000000000', sequenceOf(index)))
  .reduce((sum, ids) => sum + BigInt(`0x${ids.textOf(0).slice(0, 8)}`), 0n);

const ATTRIBUTES = {
  function_arn: FUNCTION,
  stream_arn: STREAM_ARN,
  shard: 'shardId-000000000000',
  from: padSequence(sequenceOf(0)),
  to: padSequence(sequenceOf(2)),
  records: 3,
  fingerprint: FINGERPRINT,
  payload: true,
  condition: 'RetryAttemptsExhausted',
  status: 'parked',
  updated_at: NOW_MS,
  parked_at: PARKED_AT_MS,
};

describe('a batch that Lambda gave up', () => {
  test.each([
    ['a text', DOCUMENT],
    ['an object', { ...DOCUMENT, payload: event }],
  ])('is entered with its records and their fingerprint, where its payload is %s', async (_, document) => {
    expect(await entered(document)).toMatchObject({ isNew: true, attributes: ATTRIBUTES });
  });

  test('for the age of its records has no response', async () => {
    const { responseContext: _, ...document } = DOCUMENT;
    const requestContext = { ...DOCUMENT.requestContext, condition: 'RecordAgeExceeded' };

    const { attributes } = await entered({ ...document, requestContext });

    expect(attributes).toEqual({ ...ATTRIBUTES, condition: 'RecordAgeExceeded' });
  });

  test('without a payload is entered by what Lambda tells of it', async () => {
    const { payload: _, ...document } = DOCUMENT;
    const { fingerprint, ...others } = ATTRIBUTES;

    expect((await entered(document)).attributes).toEqual({ ...others, payload: false });
  });

  test.each([TAPE, `${TAPE}:$LATEST`])('by the function %s is none of the processor', async (name) => {
    const functionArn = `arn:aws:lambda:us-east-1:123456789012:function:${name}`;

    const { attributes } = await entered({ ...DOCUMENT, requestContext: { ...DOCUMENT.requestContext, functionArn } });

    expect(attributes).toEqual({ ...ATTRIBUTES, function_arn: functionArn, status: 'tape_parked' });
  });

  test('by a consumer with enhanced fan-out is of the stream itself', async () => {
    const KinesisBatchInfo = { ...DOCUMENT.KinesisBatchInfo, streamArn: `${STREAM_ARN}/consumer/tape:1700000000` };

    expect((await entered({ ...DOCUMENT, KinesisBatchInfo })).attributes).toEqual(ATTRIBUTES);
  });

  test('is entered once, and what has become of it since stays', async () => {
    const { enter, table } = await entered(DOCUMENT);
    const redriven = { status: 'redriven', updated_at: NOW_MS + 1 };
    await table.update({ kind: 'update', key: parkedKey(KEY), set: redriven });

    expect(await enter()).toBe(false);
    expect((await table.get(parkedKey(KEY)))?.attributes).toEqual({ ...ATTRIBUTES, ...redriven });
  });

  test.each([
    ['no JSON', '{', 'JSON'],
    ['a list', [], 'document: received no object'],
    [
      'a document of another source',
      { ...DOCUMENT, KinesisBatchInfo: undefined },
      'KinesisBatchInfo: received no object',
    ],
    ['a payload that is no JSON', { ...DOCUMENT, payload: '{' }, 'JSON'],
    ['a payload of another source', { ...DOCUMENT, payload: '{"Records":[{}]}' }, 'payload.Records: received a record'],
    ['no function', { ...DOCUMENT, requestContext: { condition: 'x' } }, 'functionArn: received no text'],
  ])('is refused where the object is %s', async (_, document, reason) => {
    const error: unknown = await entered(document).catch((refused: unknown) => refused);

    expect(error).toBeInstanceOf(ObjectError);
    expect(error).toMatchObject({ message: expect.stringContaining(reason) });
    expect(error).toMatchObject({ message: expect.stringContaining(`s3://archive/${KEY}: received no on-failure`) });
  });

  test('is not read where it is too large', async () => {
    const [objects, table] = [createMemoryObjects(), createMemoryStateTable()];
    const object = { ...objects.put('archive', KEY, ''), sizeBytes: DOCUMENT_BYTES_MAX + 1 };

    await expect(enterParked(object, { objects, table, tapeFunction: TAPE, nowMs: NOW_MS })).rejects.toThrow(
      'received 67108865 bytes, allowed: 67108864',
    );
    expect(objects.reads).toEqual([]);
  });
});
