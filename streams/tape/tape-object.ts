/**
 * What a tape object holds: the records of one shard as they came, gzip of one line of JSON each. `zcat` reads it.
 * docs/tape.md documents it.
 */
import { isUtf8 } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isRecord } from '../../schemas/describe.ts';
import { compareSequence, type RecordIdentity, type StreamRecord } from '../position.ts';
import type { TapeSpan } from './tape-key.ts';

/** S3 user metadata of the object, so that it can be counted without being read. */
export interface TapeMetadata {
  readonly streamArn: string;
  readonly records: number;
  /** Of their data. */
  readonly bytes: number;
  /** Sum of the first 8 hex digits of the `_record_id` of subsequence 0 of each. */
  readonly fingerprint: bigint;
  /** Arrival of the earliest and the latest, epoch milliseconds. */
  readonly arrivedFromMs: number;
  readonly arrivedToMs: number;
}

/** @param records of one shard, in its order; one at least */
export function encodeTape(records: readonly StreamRecord[]): Buffer {
  const lines = records.map(({ sequenceNumber, partitionKey, arrivedAtMs, data }) =>
    JSON.stringify({ sequenceNumber, partitionKey, arrivedAtMs, data: data.toString('base64') }),
  );
  return gzipSync(`${lines.join('\n')}\n`);
}

/** @param identity of the stream that `streamArn` names */
export function measureTape(
  records: readonly StreamRecord[],
  identity: RecordIdentity,
  streamArn: string,
): TapeMetadata {
  let bytes = 0;
  let fingerprint = 0n;
  let arrivedFromMs = Number.POSITIVE_INFINITY;
  let arrivedToMs = 0;
  for (const { shardId, sequenceNumber, data, arrivedAtMs } of records) {
    bytes += data.length;
    fingerprint += BigInt(identity.forRecord(shardId, sequenceNumber).first32(0));
    arrivedFromMs = Math.min(arrivedFromMs, arrivedAtMs);
    arrivedToMs = Math.max(arrivedToMs, arrivedAtMs);
  }
  return { streamArn, records: records.length, bytes, fingerprint, arrivedFromMs, arrivedToMs };
}

/** Metadata as S3 keeps it: text by lower-case name, `x-amz-meta-<name>` in HTTP. */
export function formatTapeMetadata(metadata: TapeMetadata): Record<string, string> {
  return {
    'stream-arn': metadata.streamArn,
    records: String(metadata.records),
    bytes: String(metadata.bytes),
    fingerprint: String(metadata.fingerprint),
    'arrived-from': String(metadata.arrivedFromMs),
    'arrived-to': String(metadata.arrivedToMs),
  };
}

/** @throws Error naming what is missing or no number */
export function parseTapeMetadata(metadata: Readonly<Record<string, string>>): TapeMetadata {
  const digits = (name: string): string => {
    const text = metadata[name] ?? '';
    if (/^\d{1,40}$/.test(text)) return text;
    throw new Error(`metadata of a tape object: ${name} is ${JSON.stringify(text)}, allowed: digits`);
  };
  const streamArn = metadata['stream-arn'] ?? '';
  if (!streamArn.startsWith('arn:')) {
    throw new Error(`metadata of a tape object: stream-arn is ${JSON.stringify(streamArn)}, allowed: an ARN`);
  }
  return {
    streamArn,
    records: Number(digits('records')),
    bytes: Number(digits('bytes')),
    fingerprint: BigInt(digits('fingerprint')),
    arrivedFromMs: Number(digits('arrived-from')),
    arrivedToMs: Number(digits('arrived-to')),
  };
}

/** Bytes that an object may hold unpacked: 6 MB of a Lambda payload are more in no form, and a bomb is refused. */
export const TAPE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * @param span what the object's name says it holds; default: not compared
 * @returns the records, in the order of the shard; one at least
 * @throws Error naming what is wrong: no gzip or cut short, a line that is no record, records out of order, others than
 *   the name says
 */
export function decodeTape(
  bytes: Uint8Array,
  shardId: string,
  span?: Pick<TapeSpan, 'first' | 'last'>,
): StreamRecord[] {
  const lines = unpack(bytes).split('\n');
  if (lines.pop() !== '') throw new Error('a tape object: the last line has no end');
  const records = lines.map((line, index) => readLine(line, index, shardId));
  for (const [index, { sequenceNumber }] of records.entries()) {
    const before = records[index - 1];
    if (before && compareSequence(before.sequenceNumber, sequenceNumber) >= 0) {
      throw new Error(`a tape object: line ${index + 1} is not behind the line before it`);
    }
  }
  const [first, last] = [records[0]?.sequenceNumber, records.at(-1)?.sequenceNumber];
  if (first === undefined || last === undefined) throw new Error('a tape object: it holds no record');
  if (span && (compareSequence(first, span.first) !== 0 || compareSequence(last, span.last) !== 0)) {
    throw new Error(`a tape object: it holds ${first} to ${last}, its name says ${span.first} to ${span.last}`);
  }
  return records;
}

function unpack(bytes: Uint8Array): string {
  let text: Buffer;
  try {
    text = gunzipSync(bytes, { maxOutputLength: TAPE_BYTES_MAX });
  } catch (error) {
    throw new Error(`a tape object: received no whole gzip of at most ${TAPE_BYTES_MAX} bytes`, { cause: error });
  }
  if (!isUtf8(text)) throw new Error('a tape object: its text is no UTF-8');
  return text.toString();
}

function readLine(line: string, index: number, shardId: string): StreamRecord {
  const value = parseLine(line);
  const { sequenceNumber, partitionKey, arrivedAtMs, data } = isRecord(value) ? value : {};
  if (
    typeof sequenceNumber !== 'string' ||
    !/^\d{1,129}$/.test(sequenceNumber) ||
    typeof partitionKey !== 'string' ||
    typeof arrivedAtMs !== 'number' ||
    !Number.isSafeInteger(arrivedAtMs) ||
    typeof data !== 'string'
  ) {
    throw new Error(
      `a tape object: line ${index + 1} is no record, allowed: JSON of sequenceNumber, partitionKey, arrivedAtMs, data`,
    );
  }
  const content = Buffer.from(data, 'base64');
  // Reading skips what is no base64; written again it would be other text.
  if (content.toString('base64') !== data)
    throw new Error(`a tape object: line ${index + 1} has data that is no base64`);
  return { shardId, sequenceNumber, partitionKey, arrivedAtMs, data: content };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
