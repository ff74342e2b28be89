/**
 * What Lambda writes to the archive bucket when it gives a batch of the stream up: the records themselves and where they
 * stood. Each document is entered in the books, so that what is parked is known and can be taken up again.
 * Sources: lambda/latest/dg/kinesis-on-failure-destination.html; `payload` is a text of JSON there, and an object in
 * documents that have been seen.
 */
import { isRecord } from '../../schemas/describe.ts';
import { createRecordIdentity, padSequence, type StreamRecord } from '../../streams/position.ts';
import { PARKED, parkedKey } from '../books/keys.ts';
import type { StateAttributes, StateTablePort } from '../books/state-table.ts';
import { streamArnOf, streamNameOf } from '../read-kinesis-event.ts';
import { enterOnce } from './enter-once.ts';
import { ObjectError, type ObjectsPort, type StoredObject } from './objects.ts';
import { readParkedPayload } from './parked-records.ts';
import { enterParkedRuns } from './parked-runs.ts';

/** A payload is 6 MB at most, and text of text needs more. */
export const DOCUMENT_BYTES_MAX = 67_108_864;

/** Lambda's own prefix in the archive bucket, not a choice. */
export const ON_FAILURE_PREFIX = 'aws/lambda/';

export interface ParkedOptions {
  readonly objects: ObjectsPort;
  readonly table: StateTablePort;
  /** Name of the function that keeps the tape: what it gives up is none of the processor's. */
  readonly tapeFunction: string;
  readonly nowMs: number;
}

/**
 * @returns whether it was new
 * @throws ObjectError when the document cannot be read, or is none; StateUnavailable
 */
export async function enterParked(object: StoredObject, options: ParkedOptions): Promise<boolean> {
  const { objects, table, tapeFunction, nowMs } = options;
  if (object.sizeBytes > DOCUMENT_BYTES_MAX) {
    throw new ObjectError(object, `received ${object.sizeBytes} bytes, allowed: ${DOCUMENT_BYTES_MAX}`);
  }
  const bytes = await objects.read(object, 0, object.sizeBytes);
  let parked: ParkedBatch;
  try {
    parked = readParkedBatch(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch (error) {
    const reason = Error.isError(error) ? error.message : String(error);
    throw new ObjectError(object, `received no on-failure document of a Kinesis batch (${reason})`, { cause: error });
  }
  const { functionArn, streamArn, parkedAtMs = nowMs, payload = [] } = parked;
  const status = functionName(functionArn) === tapeFunction ? 'tape_parked' : PARKED;
  const attributes: StateAttributes = {
    function_arn: functionArn,
    stream_arn: streamArn,
    shard: parked.shardId,
    from: padSequence(parked.from),
    to: padSequence(parked.to),
    records: parked.records,
    ...(parked.fingerprint !== undefined && { fingerprint: parked.fingerprint }),
    payload: parked.fingerprint !== undefined,
    condition: parked.condition,
    status,
    updated_at: nowMs,
    parked_at: parkedAtMs,
  };
  // Before the document: told of again, it is entered as a whole.
  if (status === PARKED) await enterParkedRuns(table, { document: object.key, streamArn, records: payload });
  return enterOnce(table, { kind: 'put', key: parkedKey(object.key), when: 'new', attributes });
}

export interface ParkedBatch {
  readonly functionArn: string;
  readonly streamArn: string;
  readonly shardId: string;
  /** First and last sequence number, as AWS gives them. */
  readonly from: string;
  readonly to: string;
  /** Kinesis records: of the payload, or of the batch that Lambda tells of where there is none. */
  readonly records: number;
  /** Sum of the first 8 hex digits of the `_record_id` of subsequence 0 of each; undefined without a payload. */
  readonly fingerprint: bigint | undefined;
  /** `RetryAttemptsExhausted`, `RecordAgeExceeded`. */
  readonly condition: string;
  /** Epoch milliseconds; undefined when the document does not tell. */
  readonly parkedAtMs: number | undefined;
  /** Undefined for a document of metadata alone. */
  readonly payload: readonly StreamRecord[] | undefined;
}

/** @throws Error saying what is missing, or SyntaxError */
export function readParkedBatch(text: string): ParkedBatch {
  const document = recordOf(JSON.parse(text), 'document');
  const context = recordOf(document.requestContext, 'requestContext');
  const batch = recordOf(document.KinesisBatchInfo, 'KinesisBatchInfo');
  const shardId = textOf(batch, 'shardId');
  const streamArn = streamArnOf(textOf(batch, 'streamArn'));
  const payload = readParkedPayload(document.payload);
  const sequenceNumbers = payload?.map(({ sequenceNumber }) => sequenceNumber);
  const parkedAtMs = typeof document.timestamp === 'string' ? Date.parse(document.timestamp) : Number.NaN;
  return {
    functionArn: textOf(context, 'functionArn'),
    streamArn,
    shardId,
    from: textOf(batch, 'startSequenceNumber'),
    to: textOf(batch, 'endSequenceNumber'),
    records: sequenceNumbers?.length ?? countOf(batch, 'batchSize'),
    fingerprint: sequenceNumbers && fingerprintOf(streamArn, shardId, sequenceNumbers),
    condition: textOf(context, 'condition'),
    parkedAtMs: Number.isNaN(parkedAtMs) ? undefined : parkedAtMs,
    payload,
  };
}

function fingerprintOf(streamArn: string, shardId: string, sequenceNumbers: readonly string[]): bigint {
  const identity = createRecordIdentity(streamNameOf(streamArn));
  let sum = 0n;
  for (const sequenceNumber of sequenceNumbers) sum += BigInt(identity.forRecord(shardId, sequenceNumber).first32(0));
  return sum;
}

/** Without qualifier: `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`. */
function functionName(arn: string): string | undefined {
  return arn.split(':')[6];
}

function recordOf(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw new Error(`${name}: received no object`);
}

function textOf(of: Readonly<Record<string, unknown>>, name: string): string {
  const value = of[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`${name}: received no text`);
}

function countOf(of: Readonly<Record<string, unknown>>, name: string): number {
  const value = of[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${name}: received no count`);
}
