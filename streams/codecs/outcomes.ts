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
  readonly chunkId: string | undefined;
  readonly traceId: string | undefined;
}

/** Nothing is known: the bytes have no envelope that could be read. */
export const UNKNOWN_ORIGIN: EventOrigin = {
  source: undefined,
  runId: undefined,
  chunkId: undefined,
  traceId: undefined,
};

/** Gzip layers of one Kinesis record that are tried and hold too much; the rest of its gzip is not tried any more. */
const TOO_LARGE_MAX = 4;

export class Outcomes {
  readonly context: DecodeContext;
  /** Bytes that gzip layers of this record may still hold; 0 once too many of them held too much. */
  decompressedBytesLeft: number;
  /** Bytes that gzip layers of this record were decompressed to. */
  decompressedBytes = 0;
  /** User records of an aggregate that are still to come: each gives at least one outcome. */
  toCome = 0;
  private readonly list: DecodeOutcome[];
  private readonly first: number;
  private tooLarge = 0;

  constructor(context: DecodeContext, list: DecodeOutcome[]) {
    this.context = context;
    this.decompressedBytesLeft = context.decompressedBytesMax;
    this.list = list;
    this.first = list.length;
  }

  /** Outcomes so far, which is the next one's subsequence number: unique even for batches inside aggregates. */
  get count(): number {
    return this.list.length - this.first;
  }

  /**
   * Whether a payload may give so many outcomes; where not, it is one failure, with its bytes. Those that are still to
   * come keep their place, so that a batch that is too large takes none of its neighbours with it.
   */
  hasRoomFor(events: number, bytes: () => Buffer): boolean {
    if (this.count + events + this.toCome <= EVENTS_PER_RECORD_MAX) return true;
    this.pushFault(
      {
        code: 'TOO_MANY_EVENTS',
        expected: `at most ${EVENTS_PER_RECORD_MAX} events in a Kinesis record`,
        received: `${events} events, beside ${this.count + this.toCome} others in the record`,
        message: `With this payload the Kinesis record would hold more than ${EVENTS_PER_RECORD_MAX} events.`,
      },
      bytes,
    );
    return false;
  }

  /** Counts what a gzip layer holds. */
  hold(bytes: number): void {
    this.decompressedBytes += bytes;
    this.decompressedBytesLeft = Math.max(0, this.decompressedBytesLeft - bytes);
  }

  /** A payload whose gzip layer holds more than the record may still hold: it alone fails. */
  pushTooLarge(bytes: () => Buffer): void {
    const { decompressedBytesMax: bytesMax } = this.context;
    const compressed = bytes();
    this.pushFault(
      {
        code: 'DECOMPRESSED_TOO_LARGE',
        expected: `at most ${bytesMax} bytes decompressed, over all gzip in a Kinesis record`,
        received: describeBytes(compressed, 0, compressed.length),
        message: `With this payload the Kinesis record would decompress to more than ${bytesMax} bytes.`,
      },
      bytes,
    );
    this.tooLarge += 1;
    // Each try costs time, and a record of 1 MiB has room for a hundred bombs.
    if (this.tooLarge >= TOO_LARGE_MAX) this.decompressedBytesLeft = 0;
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
      chunkId: undefined,
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
      chunkId: event.chunkId,
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
      chunkId: origin.chunkId,
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
