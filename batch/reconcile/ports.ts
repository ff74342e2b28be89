/** What reconciling asks of the world besides the state table. Adapters implement it; tests have it in memory. */
import type { StateTablePort } from '../../processors/books/state-table.ts';
import type { NamedStreamPort } from '../../processors/books/stream-info.ts';
import type { ClockPort } from '../../processors/ports.ts';
import type { StreamRecord } from '../../streams/position.ts';
import type { TapeSpan } from '../../streams/tape/tape-key.ts';
import type { Scope } from './scope.ts';

/** An object of the tape, as its key tells. */
export interface TapeListing extends TapeSpan {
  readonly key: string;
}

export interface TapePort {
  /**
   * @param hours of arrival, `2026-11-25T07`, both included. Default: all
   * @throws ReadError
   */
  list(streamName: string, hours?: { readonly from: string; readonly to: string }): Promise<readonly TapeListing[]>;
  /** The object's bytes, as they are stored. @throws ReadError */
  read(key: string): Promise<Uint8Array>;
}

/** Documents of what came back: of Lambda in the archive bucket, of Firehose in the processed bucket. */
export interface DocumentsPort {
  /** @returns undefined for a document without payload. @throws ReadError */
  parkedRecords(key: string): Promise<readonly StreamRecord[] | undefined>;
  /** `_event_time` by `_record_id` of an error object of Firehose, `''` where there is none. @throws ReadError */
  misdeliveredIds(key: string): Promise<ReadonlyMap<string, string>>;
}

/** Records, and the sum of the first 8 hex digits of their `_record_id`s. */
export interface Sum {
  readonly count: number;
  readonly fingerprint: bigint;
}

/** What a table's partition holds. */
export interface PartitionSum extends Sum {
  /** `2026-01-01`, `2026-01-01T05`, or `*` for all of `failed_events`. Its `count` is of distinct `_record_id`s. */
  readonly partition: string;
  readonly rows: number;
}

export interface TableRow {
  readonly recordId: string;
  readonly position: string;
  readonly partition: string;
  /** Rows with this `_record_id` in the partition. */
  readonly copies: number;
}

export interface RowsAsked {
  /** `*`: all. */
  readonly partition: string;
  /** First three hex digits that `_record_id` may have. Default: any. */
  readonly buckets?: readonly string[];
  /** Only rows that are there more than once. Default: false. */
  readonly duplicated?: boolean;
  readonly limit: number;
}

/** The tables by SQL. @throws ReadError from each method */
export interface TablesPort {
  sums(table: string, scope: Scope): Promise<readonly PartitionSum[]>;
  /** Distinct records of a partition by the first three hex digits of their `_record_id`. */
  buckets(table: string, partition: string, scope: Scope): Promise<ReadonlyMap<string, Sum>>;
  rows(table: string, asked: RowsAsked, scope: Scope): Promise<readonly TableRow[]>;
  /**
   * The first row of each Kinesis record, in any table, from a place on the stream on: a record can hold thousands of events.
   * @param after not included @param to included; padded
   */
  between(shardId: string, after: string, to: string, limit: number): Promise<readonly TableRow[]>;
}

export interface ReconcilePorts {
  readonly table: StateTablePort;
  readonly streams: NamedStreamPort;
  readonly tape: TapePort;
  readonly documents: DocumentsPort;
  readonly tables: TablesPort;
  readonly clock: ClockPort;
}

/** Something that is to be compared could not be read. Its message says what, and why. */
export class ReadError extends Error {
  constructor(what: string, cause: unknown) {
    super(`${what}: ${Error.isError(cause) ? `${cause.name}: ${cause.message}` : String(cause)}`, { cause });
    this.name = 'ReadError';
  }
}
