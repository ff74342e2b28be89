/** Collects what comes out of one Kinesis record: its events and what is none, numbered in their order. */
import type { Dataset } from '../../schemas/dataset.ts';
import { shorten } from '../../schemas/describe.ts';
import { type FAILURE_CODES, FAILURE_TEXT_CHARACTERS_MAX, type Failure } from '../../schemas/failure.ts';
import type { DecodedEvent, UndecodableEvent } from '../envelope.ts';
import { type DecodeContext, EVENTS_PER_RECORD_MAX } from './decode-context.ts';
import { describeBytes } from './payload.ts';

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
  /** True once the record was refused as a whole; nothing may be pushed after that. */
  isRefused = false;
  private readonly list: DecodeOutcome[];
  private readonly first: number;
  private readonly wholeBytes: () => Buffer;

  /** @param wholeBytes the Kinesis record as it arrived */
  constructor(context: DecodeContext, list: DecodeOutcome[], wholeBytes: () => Buffer) {
    this.context = context;
    this.decompressedBytesLeft = context.decompressedBytesMax;
    this.list = list;
    this.first = list.length;
    this.wholeBytes = wholeBytes;
  }

  /** Outcomes so far, which is the next one's subsequence number: unique even for batches inside aggregates. */
  get count(): number {
    return this.list.length - this.first;
  }

  /** Whether so many more outcomes may be pushed; where not, the record is refused as a whole. */
  hasRoomFor(events: number): boolean {
    const found = this.count + events;
    if (found <= EVENTS_PER_RECORD_MAX) return true;
    this.refuse({
      code: 'TOO_MANY_EVENTS',
      expected: `at most ${EVENTS_PER_RECORD_MAX} events in a Kinesis record`,
      received: `${found} events or more`,
      message: `The Kinesis record holds more than ${EVENTS_PER_RECORD_MAX} events in its batches and aggregates.`,
    });
    return false;
  }

  /** Refuses the record as a whole because its gzip layers hold too much. */
  refuseDecompressed(): void {
    const bytesMax = this.context.decompressedBytesMax;
    const bytes = this.wholeBytes();
    this.decompressedBytesLeft = 0;
    this.refuse({
      code: 'DECOMPRESSED_TOO_LARGE',
      expected: `at most ${bytesMax} bytes decompressed, over all gzip in a Kinesis record`,
      received: describeBytes(bytes, 0, bytes.length),
      message: `The Kinesis record decompresses to more than ${bytesMax} bytes.`,
    });
  }

  /** Takes back what came out of the record: it is one failure, with its bytes as they arrived. */
  private refuse(fault: DecodeFault): void {
    this.list.length = this.first;
    this.pushFault(fault, this.wholeBytes);
    this.isRefused = true;
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
