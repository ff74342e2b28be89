/**
 * An event between the stages. Each stage takes the state before its own and gives the next, `Failed` or `Dropped`;
 * whatever has left the way passes the later stages untouched.
 */

import type { QualityScore } from '../../schemas/dataset.ts';
import type { Failure } from '../../schemas/failure.ts';
import type { DecodedEvent, UndecodableEvent } from '../../streams/envelope.ts';
import type { RecordIds } from '../../streams/position.ts';

/** How a record came that is played again. */
export interface Replay {
  /** Position of the Kinesis record that carries it now. */
  readonly carriedAt: string;
  /** 1 at least: it may take over claims of a lower one. */
  readonly generation: number;
}

/** The Kinesis record that an event came in. */
export interface Origin {
  /** Index in the batch. */
  readonly recordIndex: number;
  readonly shardId: string;
  readonly sequenceNumber: string;
  /** Epoch milliseconds. */
  readonly arrivedAtMs: number;
  readonly recordIds: RecordIds;
  /** First 32 bits of the identity of the Kinesis record that carries it: what the books sum by record. */
  readonly fingerprint: number;
  /** Of a record that is played again: the rest of its origin is of where it first stood. */
  readonly replay: Replay | undefined;
}

export interface Decoded {
  readonly state: 'decoded';
  readonly origin: Origin;
  readonly event: DecodedEvent;
}

/** It conforms to the input schema, and its event time lies in the dataset's window. */
export interface Valid {
  readonly state: 'valid';
  readonly origin: Origin;
  readonly event: DecodedEvent;
  readonly eventTimeMs: number;
}

export interface Transformed {
  readonly state: 'transformed';
  readonly origin: Origin;
  readonly event: DecodedEvent;
  readonly eventTimeMs: number;
  /** Business identity within the source. */
  readonly id: string;
  /** It conforms to the output schema. */
  readonly output: Record<string, unknown>;
}

export interface Scored {
  readonly state: 'scored';
  readonly transformed: Transformed;
  readonly quality: QualityScore;
}

export interface Failed {
  readonly state: 'failed';
  readonly origin: Origin;
  readonly event: DecodedEvent | UndecodableEvent;
  readonly failure: Failure;
}

export interface Dropped {
  readonly state: 'dropped';
  readonly origin: Origin;
  readonly event: DecodedEvent;
  readonly reason: string;
}

/** Another record has the claim on its event, or on its chunk. */
export interface Duplicate {
  readonly state: 'duplicate';
  readonly origin: Origin;
  readonly event: DecodedEvent | UndecodableEvent;
}

export type Item = Decoded | Valid | Transformed | Scored | Failed | Dropped | Duplicate;
