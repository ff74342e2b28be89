/**
 * Decodes one Kinesis record into its events, told apart by their first bytes.
 *
 * | first bytes | format |
 * | --- | --- |
 * | `F3 89 9A C2` | KPL aggregate: each user record is decoded in turn |
 * | `1F 8B` | gzip, one layer: around any other format, or inside an aggregate |
 * | `C3 01` | Avro single-object encoding |
 * | any other | JSON: a CloudEvent, a CloudEvents batch, or the default dataset's plain JSON |
 *
 * Guarantees: it never throws; every record gives at least one outcome; every user record of an aggregate and every
 * element of a batch gives at least one; neighbours of a bad one are not touched; and outcomes are numbered
 * consecutively over the whole record, so that (position, subsequence) stays unique for batches inside aggregates.
 * What one record may cost is bounded (`decode-context.ts`): a payload with which the record would hold too many events or
 * decompressed bytes is one failure, and its neighbours live.
 */
import { gunzipSync } from 'node:zlib';
import { hasAggregateMagic } from '../aggregation/aggregate-format.ts';
import { type AggregateReading, readAggregate } from '../aggregation/read-aggregate.ts';
import { decodeAvro } from './decode-avro.ts';
import type { DecodeContext } from './decode-context.ts';
import { decodeJson } from './decode-json.ts';
import { type DecodeOutcome, Outcomes } from './outcomes.ts';
import { describeBytes, type Payload } from './payload.ts';

/** What is accepted on the stream, for failures that cannot tell which of these was meant. */
const ACCEPTED =
  'JSON, CloudEvents JSON, Avro single-object encoding (c301), gzip (1f8b) or a KPL aggregate (f3899ac2)';

/** The layers that may still be taken off. */
interface Layers {
  readonly gzip: boolean;
  readonly aggregate: boolean;
}

/** One gzip layer and one aggregate, in either order. */
const OUTERMOST: Layers = { gzip: true, aggregate: true };

const NESTED_AGGREGATE: AggregateReading = { kind: 'plain', reason: 'it is an aggregate inside an aggregate' };

/**
 * @param data the data of one Kinesis record, not base64; kept by the outcomes' `bytes`, so it must not be reused
 * @param outcomes where the outcomes are appended; default a new array
 * @returns `outcomes`
 */
export function decodeRecord(data: Buffer, context: DecodeContext, outcomes: DecodeOutcome[] = []): DecodeOutcome[] {
  decodeRecordInto(data, context, outcomes);
  return outcomes;
}

/**
 * As `decodeRecord`, for those who bound memory.
 *
 * @returns the bytes that the outcomes hold on to: the record's, and what they were decompressed to
 */
export function decodeRecordInto(data: Buffer, context: DecodeContext, outcomes: DecodeOutcome[]): number {
  const whole: Payload = { data, start: 0, end: data.length, bytes: () => data };
  const into = new Outcomes(context, outcomes);
  decodePayload(whole, OUTERMOST, into);
  return data.length + into.decompressedBytes;
}

function decodePayload(payload: Payload, layers: Layers, outcomes: Outcomes): void {
  const { data, start, end } = payload;
  const first = data[start];
  const second = data[start + 1];
  if (start === end) {
    outcomes.pushFault(
      { code: 'EMPTY_PAYLOAD', expected: ACCEPTED, received: '0 bytes', message: 'The payload is empty.' },
      payload.bytes,
    );
  } else if (first === 0xc3 && second === 0x01) {
    decodeAvro(payload, outcomes);
  } else if (first === 0x1f && second === 0x8b) {
    decodeGzip(payload, layers, outcomes);
  } else if (first === 0xf3 && hasAggregateMagic(data, start)) {
    decodeAggregate(payload, layers, outcomes);
  } else {
    decodeJson(payload, outcomes);
  }
}

function decodeAggregate(payload: Payload, layers: Layers, outcomes: Outcomes): void {
  const { data, start, end } = payload;
  const aggregate = start === 0 && end === data.length ? data : data.subarray(start, end);
  const reading: AggregateReading = layers.aggregate ? readAggregate(aggregate) : NESTED_AGGREGATE;
  if (reading.kind === 'plain') {
    // What is no aggregate is one plain record, as the KCL has it; and no text in UTF-8 begins with the magic.
    outcomes.pushFault(
      {
        code: 'INVALID_UTF8',
        expected: ACCEPTED,
        received: describeBytes(data, start, end),
        message: `The payload was read as one plain record, which is no UTF-8 text: ${reading.reason}.`,
      },
      payload.bytes,
    );
    return;
  }
  const { count, dataBounds } = reading.records;
  if (count === 0) {
    outcomes.pushFault(
      {
        code: 'EMPTY_PAYLOAD',
        expected: 'one user record or more',
        received: 'an aggregate of 0 user records',
        message: 'The KPL aggregate holds no user record.',
      },
      payload.bytes,
    );
    return;
  }
  if (!outcomes.hasRoomFor(count, payload.bytes)) return;
  const inner: Layers = { gzip: layers.gzip, aggregate: false };
  for (let i = 0; i < count; i++) {
    outcomes.toCome = count - i - 1;
    const from = dataBounds[i * 2] ?? 0;
    const to = dataBounds[i * 2 + 1] ?? 0;
    const record: Payload = { data: aggregate, start: from, end: to, bytes: () => aggregate.subarray(from, to) };
    decodePayload(record, inner, outcomes);
  }
}

function decodeGzip(payload: Payload, layers: Layers, outcomes: Outcomes): void {
  const { data, start, end } = payload;
  const result = layers.gzip ? gunzip(data.subarray(start, end), outcomes.decompressedBytesLeft) : 'nested';
  if (typeof result !== 'string') {
    outcomes.hold(result.length);
    const content: Payload = { data: result, start: 0, end: result.length, bytes: payload.bytes };
    decodePayload(content, { gzip: false, aggregate: layers.aggregate }, outcomes);
    return;
  }
  if (result === 'too large') {
    outcomes.pushTooLarge(payload.bytes);
    return;
  }
  const message =
    result === 'nested'
      ? 'The payload is gzip inside gzip; one layer is accepted.'
      : `The payload starts as gzip but does not decompress: ${result}.`;
  const received = describeBytes(data, start, end);
  outcomes.pushFault({ code: 'INVALID_GZIP', expected: 'one whole gzip layer', received, message }, payload.bytes);
}

/** The decompressed bytes, or what was wrong. */
function gunzip(data: Buffer, bytesMax: number): Buffer | string {
  if (bytesMax < 1) return 'too large';
  try {
    return gunzipSync(data, { maxOutputLength: bytesMax });
  } catch (error) {
    if (!Error.isError(error)) return 'an unknown error';
    return 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : error.message;
  }
}
