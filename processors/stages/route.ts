/**
 * Last stage: where each event goes. A good one becomes a JSON document of its dataset's table; a failed one a row of
 * `failed_events` with its original bytes. Nothing is left without an outcome.
 */
import { Buffer } from 'node:buffer';
import { shorten } from '../../schemas/describe.ts';
import type { Failure } from '../../schemas/failure.ts';
import { formatTimestamp } from '../../schemas/timestamp.ts';
import type { DecodedEvent, UndecodableEvent } from '../../streams/envelope.ts';
import { formatPosition } from '../../streams/position.ts';
import type { Failed, Item, Origin, Scored, Transformed } from './items.ts';
import type { Columns, PipelineColumns } from './pipeline-columns.ts';
import { threw } from './threw.ts';

/** The table that failed records go to. */
export const FAILED_EVENTS = 'failed_events';

/**
 * Bytes of a Firehose record, before base64, that one document may have: 1,000 KiB less the newline that ends it
 * (firehose/latest/dev/limits.html).
 */
export const DOCUMENT_BYTES_MAX = 1_000 * 1_024 - 1;

/**
 * Original bytes that are kept in the row itself. Base64 makes 700 KB of them 933,336 characters, which leaves the
 * other columns of the row 90 KB. Larger ones go to S3.
 */
export const INLINE_PAYLOAD_BYTES_MAX = 700_000;

/**
 * Characters of `_source` and `_run_id` that a row of `failed_events` keeps, each. Producers choose them, so without a
 * bound they could make a row that no Firehose record holds; the original bytes have them whole.
 */
export const ENVELOPE_TEXT_CHARACTERS_MAX = 1_024;

export interface RouteStage {
  readonly columns: PipelineColumns;
  /** `_processed_at`: when this attempt at the batch began, as text. */
  readonly processedAt: string;
  /** Where a large payload is kept: an `s3://` URI that follows from the record's identity. */
  readonly payloadUri: (recordId: string, arrivedAtMs: number) => string;
}

/** A JSON document for Firehose, without a delimiter. */
export interface Document {
  /** Dataset name, or `failed_events`. */
  readonly table: string;
  /** The document, or what comes before its columns. */
  readonly json: string;
  readonly columns: Columns | undefined;
  readonly recordIndex: number;
}

export interface Delivered {
  readonly outcome: 'delivered';
  readonly dataset: string;
  readonly origin: Origin;
  readonly event: DecodedEvent;
  readonly eventTimeMs: number;
  readonly score: number;
  readonly document: Document;
}

export interface Quarantined {
  readonly outcome: 'quarantined';
  /** Undefined where it could not be told. */
  readonly dataset: string | undefined;
  readonly origin: Origin;
  readonly event: DecodedEvent | UndecodableEvent;
  readonly code: Failure['code'];
  readonly document: Document;
  /** Original bytes that did not fit the row. */
  readonly payload: { readonly uri: string; readonly bytes: Buffer } | undefined;
}

/** Nothing is sent of it. */
export interface Unsent {
  readonly outcome: 'dropped' | 'duplicate';
  /** Undefined where it could not be told. */
  readonly dataset: string | undefined;
  readonly origin: Origin;
  readonly event: DecodedEvent | UndecodableEvent;
}

export type Routed = Delivered | Quarantined | Unsent;

/** @throws Error for an item that has not been through the stages before */
export function route(item: Item, stage: RouteStage): Routed {
  switch (item.state) {
    case 'scored':
      return deliver(item, stage);
    case 'failed':
      return quarantine(item, stage);
    case 'dropped':
    case 'duplicate':
      return { outcome: item.state, dataset: nameOf(item.event.dataset), origin: item.origin, event: item.event };
    default:
      throw new Error(`route: received an item that is ${item.state}, allowed: scored, failed, dropped, duplicate`);
  }
}

function deliver(item: Scored, stage: RouteStage): Routed {
  const { origin, event } = item.transformed;
  let json: string;
  let columns: Columns;
  try {
    json = ownJson(item.transformed);
    columns = stage.columns(item, stage.processedAt);
  } catch (error) {
    // Such as a frozen output, whose times cannot be written as text.
    return quarantine({ state: 'failed', origin, event, failure: threw('transform', error) }, stage);
  }
  const { name } = event.dataset;
  const document = { table: name, json, columns, recordIndex: origin.recordIndex };
  if (documentBytesMax(document) > DOCUMENT_BYTES_MAX && documentBytes(document) > DOCUMENT_BYTES_MAX) {
    return quarantine({ state: 'failed', origin, event, failure: outputTooLarge(documentBytes(document)) }, stage);
  }
  const { eventTimeMs } = item.transformed;
  const { score } = item.quality;
  return { outcome: 'delivered', dataset: name, origin, event, eventTimeMs, score, document };
}

/** The output's fields, of which there is one at least, without the closing brace. */
function ownJson({ event, output }: Transformed): string {
  for (const field of event.dataset.timestampFields) {
    const value = output[field];
    if (typeof value === 'number') output[field] = formatTimestamp(value);
  }
  return JSON.stringify(output).slice(0, -1);
}

/** Bytes that a document may take: three a UTF-16 unit in UTF-8. Most are thus known to fit without being measured. */
export function documentBytesMax({ json, columns }: Document): number {
  return json.length * 3 + (columns?.bytes ?? 0);
}

export function documentBytes({ json, columns }: Document): number {
  return Buffer.byteLength(json) + (columns?.bytes ?? 0);
}

function outputTooLarge(bytes: number): Failure {
  const received = `${bytes} bytes`;
  const expected = `a document of at most ${DOCUMENT_BYTES_MAX} bytes`;
  return {
    stage: 'transform',
    code: 'OUTPUT_TOO_LARGE',
    path: '',
    expected,
    received,
    message: `The record is ${received} as a document; Firehose takes ${DOCUMENT_BYTES_MAX}.`,
  };
}

function quarantine({ origin, event, failure }: Failed, stage: RouteStage): Routed {
  const recordId = origin.recordIds.textOf(event.subsequenceNumber);
  const bytes = event.bytes();
  const uri = bytes.length > INLINE_PAYLOAD_BYTES_MAX ? stage.payloadUri(recordId, origin.arrivedAtMs) : null;
  const dataset = nameOf(event.dataset);
  const json = JSON.stringify({
    _record_id: recordId,
    _ingested_at: formatTimestamp(origin.arrivedAtMs),
    _processed_at: stage.processedAt,
    _source: bounded(event.source),
    _run_id: bounded(event.runId),
    _trace_id: event.traceId ?? null,
    _position: formatPosition(origin.shardId, origin.sequenceNumber, event.subsequenceNumber),
    dataset: dataset ?? null,
    stage: failure.stage,
    code: failure.code,
    path: failure.path,
    expected: failure.expected,
    received: failure.received,
    message: failure.message,
    payload: uri === null ? bytes.toString('base64') : null,
    payload_bytes: bytes.length,
    payload_uri: uri,
  });
  return {
    outcome: 'quarantined',
    dataset,
    origin,
    event,
    code: failure.code,
    document: { table: FAILED_EVENTS, json, columns: undefined, recordIndex: origin.recordIndex },
    // A copy: bytes of a record lie in memory that the next batch writes over, and this may still be on its way then.
    payload: uri === null ? undefined : { uri, bytes: Buffer.from(bytes) },
  };
}

function nameOf(dataset: DecodedEvent['dataset'] | UndecodableEvent['dataset']): string | undefined {
  return typeof dataset === 'object' ? dataset.name : dataset;
}

function bounded(text: string | undefined): string | null {
  return text === undefined ? null : shorten(text, ENVELOPE_TEXT_CHARACTERS_MAX);
}
