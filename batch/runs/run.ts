/**
 * A run: a bounded piece of ingestion, such as an object, a request or a schedule's pull. It knows how many distinct records
 * it produced, and ends by itself once each of them is accounted for and what was delivered has landed.
 *
 * ```
 * queued ─▶ running ─▶ landing ─▶ succeeded | succeeded_with_failures | failed | cancelled
 * ```
 *
 * `error` and `cancelRequestedAtMs` do not end a run by themselves: what it had put by then is accounted for first, and
 * decides with them how it ends.
 */

export const RUN_STATUSES = [
  'queued',
  'running',
  'landing',
  'succeeded',
  'succeeded_with_failures',
  'failed',
  'cancelled',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const ENDED: ReadonlySet<RunStatus> = new Set(['succeeded', 'succeeded_with_failures', 'failed', 'cancelled']);

export const PRIORITIES = ['low', 'normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Where the records of a run come from. */
export type RunSource =
  /** Records that requests bring, until it is completed. */
  | { readonly kind: 'api' }
  /** One version of an object. */
  | {
      readonly kind: 's3';
      readonly bucket: string;
      readonly key: string;
      readonly versionId?: string;
      readonly etag?: string;
    }
  /** All objects below a prefix, as they are listed when they are read. */
  | { readonly kind: 's3-prefix'; readonly bucket: string; readonly prefix: string }
  /** What a declared schedule of a dataset pulls. @see DatasetSchedule */
  | { readonly kind: 'schedule'; readonly schedule: string; readonly scheduledAtMs: number };

/** What a run is made with. */
export interface NewRun {
  /** 1 to 64 of `[A-Za-z0-9_-]`: goes on the stream as `runid`. Follows from the source where it can. */
  readonly id: string;
  readonly source: RunSource;
  /** The dataset of its records. */
  readonly dataset: string;
  /** As the one who asked for it put it: `json`, `csv`, ...; how the records are read where the content leaves it open. */
  readonly dataType?: string | undefined;
  readonly priority: Priority;
  /** JSON of an object, 4,096 bytes at most: the asker's own. */
  readonly metadata: string;
  /** Events a chunk: pinned, so that a retry cuts the same chunks. */
  readonly chunkRecordsMax: number;
}

export interface Run extends NewRun {
  readonly status: RunStatus;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly startedAtMs: number | undefined;
  /** When it came to one of `ENDED`. */
  readonly endedAtMs: number | undefined;
  /** Distinct records put on the stream so far: the highest that its producer has told. */
  readonly produced: number;
  /** Nothing more will be produced. */
  readonly hasAllProduced: boolean;
  /** Where its producer goes on, in the producer's own words: a chunk's number, or a key and one. `''` at the start. */
  readonly position: string;
  /** Why it was not read whole. */
  readonly error: string | undefined;
  readonly cancelRequestedAtMs: number | undefined;
}

/** What the books say of a run, by distinct position: a chunk that came twice is in it once. */
export interface RunCounts {
  readonly delivered: number;
  readonly quarantined: number;
  readonly dropped: number;
  readonly duplicate: number;
  /** Given up by Lambda, and not played again yet. */
  readonly parked: number;
  /** Rows of `delivered` that are known to be in Parquet: all of them once the run has ended, and `undefined` before. */
  readonly landed: number | undefined;
  /** Mean quality score of what was delivered, 0 to 1; undefined where nothing was. */
  readonly qualityScore: number | undefined;
}
