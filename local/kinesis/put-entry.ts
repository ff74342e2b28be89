/**
 * Entries of PutRecord and PutRecords, checked by hand: a full call has 500 of them and 14 MB, and a schema library would
 * walk them more slowly than everything else takes.
 * Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
 */
import { decodedBytes } from '../protocol/base64.ts';
import { AwsError } from '../service.ts';
import { hashKeyOf, parseHashKey } from './hash-key.ts';
import type { FrameEntry } from './record-frame.ts';

export interface PutEntry extends FrameEntry {
  readonly hashKey: string;
}

const KEY_CHARS_MAX = 256;
/** Data and partition keys of one call. */
export const REQUEST_BYTES_MAX = 10 * 1024 * 1024;

/**
 * @param recordBytesMax data and partition key of one record
 * @throws AwsError `SerializationException`, `ValidationException`, `InvalidArgumentException` for the whole call
 */
export function checkEntries(entries: readonly unknown[], recordBytesMax: number): PutEntry[] {
  const checked: PutEntry[] = [];
  let bytes = 0;
  for (const [index, entry] of entries.entries()) {
    const valid = checkEntry(entry, `records.${index + 1}.member`, recordBytesMax);
    bytes += valid.dataBytes + valid.keyBytes;
    checked.push(valid);
  }
  if (bytes > REQUEST_BYTES_MAX) {
    throw invalidArgument(
      `Records size exceeds 10 MB limit: data and partition keys have ${bytes} bytes, ${REQUEST_BYTES_MAX} are allowed.`,
    );
  }
  return checked;
}

/** @param at where the entry stands in the call, for messages */
export function checkEntry(entry: unknown, at: string, recordBytesMax: number): PutEntry {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw serialization(`Value at '${at}' is not an object.`);
  const data = 'Data' in entry ? entry.Data : undefined;
  const partitionKey = 'PartitionKey' in entry ? entry.PartitionKey : undefined;
  const explicitHashKey = 'ExplicitHashKey' in entry ? (entry.ExplicitHashKey ?? undefined) : undefined;
  if (data === undefined || data === null) throw constraint(at, 'data', 'Member must not be null');
  if (partitionKey === undefined || partitionKey === null)
    throw constraint(at, 'partitionKey', 'Member must not be null');
  if (typeof data !== 'string') throw serialization(`Data at '${at}' is not a string of base64.`);
  if (typeof partitionKey !== 'string') throw serialization(`PartitionKey at '${at}' is not a string.`);
  if (explicitHashKey !== undefined && typeof explicitHashKey !== 'string')
    throw serialization(`ExplicitHashKey at '${at}' is not a string.`);
  checkKeyLength(partitionKey, at);

  const dataBytes = decodedBytes(data);
  if (dataBytes > recordBytesMax)
    throw constraint(at, 'data', `Member must have length less than or equal to ${recordBytesMax}`);
  const keyBytes = Buffer.byteLength(partitionKey);
  if (dataBytes + keyBytes > recordBytesMax) {
    throw invalidArgument(
      `The record${at === '' ? '' : ` at '${at}'`} has ${dataBytes + keyBytes} bytes of data and partition key; the stream allows ${recordBytesMax}.`,
    );
  }
  const hashKey = explicitHashKey === undefined ? hashKeyOf(partitionKey) : explicit(explicitHashKey);
  return { partitionKey, keyBytes, data, dataBytes, hashKey };
}

function explicit(decimal: string): string {
  const hashKey = parseHashKey(decimal);
  if (hashKey !== undefined) return hashKey;
  throw invalidArgument(
    `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${decimal}`,
  );
}

function checkKeyLength(partitionKey: string, at: string): void {
  if (partitionKey.length === 0)
    throw constraint(at, 'partitionKey', 'Member must have length greater than or equal to 1');
  // A character outside the basic plane is two units of a JavaScript string, and one for Kinesis.
  if (partitionKey.length > KEY_CHARS_MAX && [...partitionKey].length > KEY_CHARS_MAX)
    throw constraint(at, 'partitionKey', `Member must have length less than or equal to ${KEY_CHARS_MAX}`);
}

function constraint(at: string, member: string, problem: string): AwsError {
  const place = at === '' ? member : `${at}.${member}`;
  return new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${place}' failed to satisfy constraint: ${problem}`,
  );
}

function serialization(message: string): AwsError {
  return new AwsError('SerializationException', message);
}

function invalidArgument(message: string): AwsError {
  return new AwsError('InvalidArgumentException', message);
}
