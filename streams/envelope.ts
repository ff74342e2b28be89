/** The envelope: what the pipeline knows of an event besides its payload, in one shape for every wire format. */
import type { Dataset } from '../schemas/dataset.ts';
import type { Failure } from '../schemas/failure.ts';

/** Run ids that the books keep; a longer one is no run of ours. */
export const RUN_ID_CHARACTERS_MAX = 64;

export function isRunId(runId: string | undefined): runId is string {
  return runId !== undefined && runId.length <= RUN_ID_CHARACTERS_MAX;
}

/** One event taken out of a Kinesis record. */
export interface DecodedEvent {
  readonly kind: 'event';
  readonly dataset: Dataset;
  /** The payload. From Avro it conforms to the input schema; from JSON it is still to be validated. */
  readonly value: unknown;
  /** True when `value` conforms to the input schema by construction. */
  readonly conforms: boolean;
  /** CloudEvents `source`, or the default source of its wire format. */
  readonly source: string;
  /** CloudEvents `id`; undefined when the dataset's `id` decides. */
  readonly id: string | undefined;
  readonly runId: string | undefined;
  /** CloudEvents extension `chunkid`: the part of a bounded source that it belongs to, which counts once. */
  readonly chunkId: string | undefined;
  /** The trace id of a W3C `traceparent`. */
  readonly traceId: string | undefined;
  /** CRC-64-AVRO of the writer's schema, 16 hex digits. */
  readonly schemaVersion: string;
  /** Index inside the Kinesis record; 0 for a record that holds one event. */
  readonly subsequenceNumber: number;
  /** The event's original bytes, for `failed_events`. A function where finding them costs something. */
  readonly bytes: () => Buffer;
}

/** Bytes that are no event. */
export interface UndecodableEvent {
  readonly kind: 'undecodable';
  readonly failure: Failure;
  /** The dataset, where it could be told. */
  readonly dataset: string | undefined;
  readonly source: string | undefined;
  readonly runId: string | undefined;
  /** CloudEvents extension `chunkid`: the part of a bounded source that it belongs to, which counts once. */
  readonly chunkId: string | undefined;
  readonly traceId: string | undefined;
  readonly subsequenceNumber: number;
  readonly bytes: () => Buffer;
}
