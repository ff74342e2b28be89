/**
 * A user's message as records of the stream. CloudEvents go as they are. Plain JSON is wrapped as CloudEvents that say where
 * it came from, its own text untouched: numbers keep their digits. What is no JSON goes as it is, too, and is quarantined
 * with its bytes.
 */
import { gzipSync } from 'node:zlib';
import { isRecord } from '../../schemas/describe.ts';
import { EVENTS_PER_RECORD_MAX } from '../../streams/codecs/decode-context.ts';
import { parseJson } from '../../streams/codecs/parse-json.ts';
import { findElementBounds } from '../../streams/codecs/scan-json.ts';
import { RECORD_BYTES_MAX } from '../../streams/producer/limits.ts';
import type { StreamRecordData } from './read-run.ts';

export interface UserMessage {
  readonly messageId: string;
  readonly body: string;
  /** Of the queue: `source` of the events. */
  readonly queueArn: string;
  /** `type` of the events: the message attribute `dataset`, or the default dataset. */
  readonly dataset: string;
}

const BYTE_ORDER_MARK = '\u{FEFF}';
/**
 * Bytes that wrapped events may have together: half of what the processor decompresses of a record. A message of 1 MiB
 * becomes so large only by its events being many and short.
 */
const WRAPPED_BYTES_MAX = 5 * 1_024 * 1_024;

/** @returns one record, or several where the message has more events than a record may hold */
export function wrapMessage(message: UserMessage): readonly StreamRecordData[] {
  const { messageId, body } = message;
  const text = Buffer.from(body.startsWith(BYTE_ORDER_MARK) ? body.slice(1) : body);
  const parsed = parseJson(text, 0, text.length);
  if ('fault' in parsed || isForItself(parsed.value)) return [fitted(messageId, Buffer.from(body))];
  if (!Array.isArray(parsed.value)) {
    const event = Buffer.concat([head(message, messageId, messageId), text, TAIL]);
    return [fitted(messageId, event)];
  }
  const parts = partsOf(message, findElementBounds(text), text);
  return parts.map((part) => fitted(messageId, part));
}

const TAIL = Buffer.from('}');

/** CloudEvents, one or a list; and an empty list, which the processor has a word for. */
function isForItself(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 || value.some(isCloudEvent);
  return isCloudEvent(value);
}

function isCloudEvent(value: unknown): boolean {
  return isRecord(value) && value.specversion !== undefined;
}

/** All of an event but its data and the last brace. */
function head({ queueArn, dataset }: UserMessage, id: string, chunkId: string): Buffer {
  const attributes = JSON.stringify({ specversion: '1.0', id, source: queueArn, type: dataset, chunkid: chunkId });
  return Buffer.from(`${attributes.slice(0, -1)},"data":`);
}

/** Batches of the elements of a list. Each batch is a chunk of its own: the first has the message's id. */
function partsOf(message: UserMessage, bounds: readonly number[], text: Buffer): Buffer[] {
  const { messageId } = message;
  const batches: Buffer[] = [];
  let pieces: Buffer[] = [];
  let events = 0;
  let bytes = 0;
  const close = (): void => {
    batches.push(Buffer.concat([Buffer.from('['), ...pieces, Buffer.from(']')]));
    pieces = [];
    events = 0;
    bytes = 0;
  };
  for (let index = 0; index * 2 < bounds.length; index++) {
    const data = text.subarray(bounds[index * 2], bounds[index * 2 + 1]);
    const chunkId = batches.length === 0 ? messageId : `${messageId}/${batches.length}`;
    const before = head(message, `${messageId}/${index}`, chunkId);
    if (events > 0) pieces.push(Buffer.from(','));
    pieces.push(before, data, TAIL);
    events += 1;
    bytes += before.length + data.length + 2;
    if (events >= EVENTS_PER_RECORD_MAX || bytes >= WRAPPED_BYTES_MAX) close();
  }
  if (events > 0) close();
  return batches;
}

/** Gzipped where Kinesis would not take it as it is. */
function fitted(partitionKey: string, data: Buffer): StreamRecordData {
  const isLarge = data.length + Buffer.byteLength(partitionKey) > RECORD_BYTES_MAX;
  return { partitionKey, data: isLarge ? gzipSync(data) : data };
}
