/**
 * A chunk: a part of a bounded source that goes onto the stream as one Kinesis record and counts once, however often it is
 * put. The same source cut with the same limits gives the same chunks, byte for byte.
 *
 * Its data is a gzipped CloudEvents batch. Each event has the source's URI, its place there as `id`, `runid`, and the
 * chunk's number as `chunkid`: what the processor claims.
 */

export interface Chunk {
  /** From 0, without gaps. */
  readonly number: number;
  /** Events in it, 1 to `recordsMax`. */
  readonly records: number;
  /** Events of the source up to its end, this chunk's included. */
  readonly recordsUpTo: number;
  readonly partitionKey: string;
  readonly data: Buffer;
}

/** What the events of a source have in common. */
export interface ChunkEnvelope {
  /** CloudEvents `source`: a URI that names the very version of the object, or the request. */
  readonly source: string;
  /** CloudEvents `type`. */
  readonly dataset: string;
  /** Absent for what belongs to no run. */
  readonly runId?: string | undefined;
  readonly traceparent?: string | undefined;
}

export interface ChunkLimits {
  /** Events a chunk, 1 to 10,000; fewer where bytes end it. Pinned by the run: another number gives other chunks. */
  readonly recordsMax: number;
}
