/**
 * Last stage: where each event goes. A good one becomes a JSON document of its dataset's table; a failed one a row of
 * `failed_events` with its original bytes. Nothing is left without an outcome.
 */
import { Buffer } from 'node:buffer';
import { shorten } from '../../schemas/describe.ts';
import type { Failure } from '../../schemas/failure.ts';
import { formatTimestamp } from '../../schemas/timestamp.ts';
import type { DecodedEvent, UndecodableEvent } from '../../streams/envelope.ts';
import type { EventIdOf } from '../../streams/event-id.ts';
import { formatPosition } from '../../streams/position.ts';
import type { Dropped, Failed, Item, Origin, Scored } from './items.ts';
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
  readonly eventIdOf: EventIdOf;
  /** `_processed_at`: the batch's evaluation time as text. */
  readonly processedAt: string;
  /** Where a large payload is kept: an `s3://` URI that follows from the record's identity. */
  readonly payloadUri: (recordId: string, arrivedAtMs: number) => string;
}

/** A JSON document for Firehose, without a delimiter. */
export interface Document {
  /** Dataset name, or `failed_events`. */
  readonly table: string;
  readonly json: string;
  readonly recordIndex: number;
}

export type Routed =
  | { readonly outcome: 'delivered'; readonly dataset: string; readonly document: Document }
  | {
      readonly outcome: 'quarantined';
      readonly dataset: string | undefined;
      readonly code: Failure['code'];
      readonly document: Document;
      /** Original bytes that did not fit the row. */
      readonly payload: { readonly uri: string; readonly bytes: Buffer } | undefined;
    }
  | { readonly outcome: 'dropped'; readonly dataset: string; readonly reason: string; readonly recordIndex: number };

/** @throws Error for an item that has not been through the stages before */
export function route(item: Item, stage: RouteStage): Routed {
  switch (item.state) {
    case 'scored':
      return deliver(item, stage);
    case 'failed':
      return quarantine(item, stage);
    case 'dropped':
      return drop(item);
    default:
      throw new Error(`route: received an item that is ${item.state}, allowed: scored, failed, dropped`);
  }
}

function drop({ event, origin, reason }: Dropped): Routed {
  return { outcome: 'dropped', dataset: event.dataset.name, reason, recordIndex: origin.recordIndex };
}

function deliver(item: Scored, stage: RouteStage): Routed {
  const { origin, event } = item.transformed;
  let json: string;
  try {
    json = documentJson(item, stage);
  } catch (error) {
    // Such as a frozen output, whose times cannot be written as text.
    return quarantine({ state: 'failed', origin, event, failure: threw('transform', error) }, stage);
  }
  if (isTooLarge(json)) {
    const failure = outputTooLarge(json);
    return quarantine({ state: 'failed', origin, event, failure }, stage);
  }
  const { name } = event.dataset;
  return { outcome: 'delivered', dataset: name, document: { table: name, json, recordIndex: origin.recordIndex } };
}

/**
 * The output's fields, then the pipeline's columns. Those need no escaping where they are digits of ours, and
 * `JSON.stringify` where they come from outside: one object for both would have to be copied first.
 */
function documentJson({ transformed, quality }: Scored, stage: RouteStage): string {
  const { origin, event, output } = transformed;
  for (const field of event.dataset.timestampFields) {
    const value = output[field];
    if (typeof value === 'number') output[field] = formatTimestamp(value);
  }
  const own = JSON.stringify(output);
  return `${own.length > 2 ? `${own.slice(0, -1)},` : '{'}"_record_id":"${origin.recordIdOf(event.subsequenceNumber)}","_event_id":"${stage.eventIdOf(event.source, transformed.id)}","_event_time":"${formatTimestamp(transformed.eventTimeMs)}","_ingested_at":"${formatTimestamp(origin.arrivedAtMs)}","_processed_at":"${stage.processedAt}",${envelopeJson(event)},"_schema_version":"${event.schemaVersion}","_quality_score":${quality.score},"_failed_rules":${quality.failedRules.length === 0 ? '[]' : JSON.stringify(quality.failedRules)},"_position":"${positionOf(origin, event)}"}`;
}

function envelopeJson({ source, runId, traceId }: DecodedEvent): string {
  const run = runId === undefined ? 'null' : JSON.stringify(runId);
  const trace = traceId === undefined ? 'null' : JSON.stringify(traceId);
  return `"_source":${JSON.stringify(source)},"_run_id":${run},"_trace_id":${trace}`;
}

function positionOf(origin: Origin, event: DecodedEvent | UndecodableEvent): string {
  return formatPosition(origin.shardId, origin.sequenceNumber, event.subsequenceNumber);
}

function isTooLarge(json: string): boolean {
  // A UTF-16 unit takes at most three bytes in UTF-8: most documents are known to fit without being measured.
  return json.length * 3 > DOCUMENT_BYTES_MAX && Buffer.byteLength(json) > DOCUMENT_BYTES_MAX;
}

function outputTooLarge(json: string): Failure {
  const received = `${Buffer.byteLength(json)} bytes`;
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
  const recordId = origin.recordIdOf(event.subsequenceNumber);
  const bytes = event.bytes();
  const uri = bytes.length > INLINE_PAYLOAD_BYTES_MAX ? stage.payloadUri(recordId, origin.arrivedAtMs) : null;
  const dataset = typeof event.dataset === 'object' ? event.dataset.name : event.dataset;
  const json = JSON.stringify({
    _record_id: recordId,
    _ingested_at: formatTimestamp(origin.arrivedAtMs),
    _processed_at: stage.processedAt,
    _source: bounded(event.source),
    _run_id: bounded(event.runId),
    _trace_id: event.traceId ?? null,
    _position: positionOf(origin, event),
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
    code: failure.code,
    document: { table: FAILED_EVENTS, json, recordIndex: origin.recordIndex },
    // A copy: bytes of a record lie in memory that the next batch writes over, and this may still be on its way then.
    payload: uri === null ? undefined : { uri, bytes: Buffer.from(bytes) },
  };
}

function bounded(text: string | undefined): string | null {
  return text === undefined ? null : shorten(text, ENVELOPE_TEXT_CHARACTERS_MAX);
}
