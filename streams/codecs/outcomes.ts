/** Collects what comes out of one Kinesis record: its events and what is none, numbered in their order. */
import type { Dataset } from '../../schemas/dataset.ts';
import { shorten } from '../../schemas/describe.ts';
import { type FAILURE_CODES, FAILURE_TEXT_CHARACTERS_MAX, type Failure } from '../../schemas/failure.ts';
import type { DecodedEvent, UndecodableEvent } from '../envelope.ts';
import { DECOMPRESSED_LAYERS_MAX, type DecodeContext } from './decode-context.ts';

export type DecodeOutcome = DecodedEvent | UndecodableEvent;
export type DecodeFailureCode = (typeof FAILURE_CODES)['decode'][number];

/** What a failure says besides its stage. */
export interface DecodeFault {
  readonly code: DecodeFailureCode;
  readonly path?: string;
  readonly expected: string;
  readonly received: string;
  readonly message: string;
}

/** What is known of an event from its envelope. */
export interface EventOrigin {
  readonly source: string | undefined;
  readonly runId: string | undefined;
  readonly traceId: string | undefined;
}

/** Nothing is known: the bytes have no envelope that could be read. */
export const UNKNOWN_ORIGIN: EventOrigin = { source: undefined, runId: undefined, traceId: undefined };

export class Outcomes {
  readonly context: DecodeContext;
  /** Bytes that gzip layers of this record may still hold. */
  decompressedBytesLeft: number;
  private readonly list: DecodeOutcome[];
  private readonly first: number;

  constructor(context: DecodeContext, list: DecodeOutcome[]) {
    this.context = context;
    this.decompressedBytesLeft = context.decompressedBytesMax * DECOMPRESSED_LAYERS_MAX;
    this.list = list;
    this.first = list.length;
  }

  /** Outcomes so far, which is the next one's subsequence number: unique even for batches inside aggregates. */
  get count(): number {
    return this.list.length - this.first;
  }

  /** An event whose format carries neither id nor source. */
  pushBare(dataset: Dataset, value: unknown, conforms: boolean, bytes: () => Buffer): void {
    this.list.push({
      kind: 'event',
      dataset,
      value,
      conforms,
      source: this.context.defaultSource,
      id: undefined,
      runId: undefined,
      traceId: undefined,
      schemaVersion: dataset.schemaVersion,
      subsequenceNumber: this.count,
      bytes,
    });
  }

  pushEvent(event: Omit<DecodedEvent, 'kind' | 'subsequenceNumber'>): void {
    this.list.push({
      kind: 'event',
      dataset: event.dataset,
      value: event.value,
      conforms: event.conforms,
      source: event.source,
      id: event.id,
      runId: event.runId,
      traceId: event.traceId,
      schemaVersion: event.schemaVersion,
      subsequenceNumber: this.count,
      bytes: event.bytes,
    });
  }

  pushFault(fault: DecodeFault, bytes: () => Buffer, dataset?: string, origin: EventOrigin = UNKNOWN_ORIGIN): void {
    this.list.push({
      kind: 'undecodable',
      failure: toFailure(fault),
      dataset,
      source: origin.source,
      runId: origin.runId,
      traceId: origin.traceId,
      subsequenceNumber: this.count,
      bytes,
    });
  }
}

function toFailure(fault: DecodeFault): Failure {
  return {
    stage: 'decode',
    code: fault.code,
    path: shorten(fault.path ?? '', FAILURE_TEXT_CHARACTERS_MAX),
    expected: shorten(fault.expected, FAILURE_TEXT_CHARACTERS_MAX),
    received: shorten(fault.received, FAILURE_TEXT_CHARACTERS_MAX),
    message: shorten(fault.message, FAILURE_TEXT_CHARACTERS_MAX),
  };
}
