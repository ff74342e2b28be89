/** What tracing asks of the tables and their objects. */

/** A row, by SQL. */
export interface FoundRow {
  readonly table: string;
  readonly recordId: string;
  /** `_position` */
  readonly position: string;
  /** Undefined in `failed_events`. */
  readonly eventId: string | undefined;
  /** Values of the partition keys, in the table's order. */
  readonly values: readonly string[];
  readonly runId: string | undefined;
  readonly ingestedAt: string | undefined;
  readonly processedAt: string | undefined;
  /** Of a row of `failed_events`. */
  readonly failure: { readonly stage: string; readonly code: string; readonly message: string } | undefined;
}

export type RowQuery =
  | { readonly recordId: string }
  | { readonly eventId: string }
  /** All rows of a record of the stream, or of one event of it. Sequence number padded. */
  | { readonly shardId: string; readonly sequence: string; readonly subsequence: number | undefined };

/** Where a row lies. */
export interface RowPlace {
  /** Key in the processed bucket. */
  readonly object: string;
  /** Index in the object, from 0. */
  readonly row: number;
}

/** @throws ReadError from each method */
export interface RowsPort {
  find(query: RowQuery): Promise<readonly FoundRow[]>;
  /** Reads the `_record_id`s of the objects of a partition. */
  locate(row: FoundRow): Promise<readonly RowPlace[]>;
  /** @returns undefined when the object has no such row @throws RefusedRequest when there is no such object */
  readIdentity(place: RowPlace): Promise<{ readonly recordId: string; readonly position: string } | undefined>;
}
