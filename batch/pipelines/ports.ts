/** What the pipelines API works with. */
import type { Chunk, ChunkEnvelope, ChunkLimits } from '../../streams/ingest/chunk.ts';
import type { RunRequest } from '../ingestion/run-request.ts';
import type { RunsPort } from '../runs/runs-port.ts';

export interface PipelinesPorts {
  readonly runs: RunsPort;
  readonly stream: ChunkStream;
  readonly runsQueue: { /** @throws Unavailable */ send(request: RunRequest): Promise<void> };
  readonly objects: ObjectVersions;
  readonly once: Once;
  /** A new one at each call: 32 hex digits. */
  readonly newId: () => string;
  readonly clock: { readonly now: () => number };
  readonly log: (line: string) => void;
}

export interface ChunkStream {
  /** Cuts records into chunks: the same records with the same limits give the same ones. */
  cut(records: readonly unknown[], options: ChunkEnvelope & ChunkLimits): AsyncIterable<Chunk> | Iterable<Chunk>;
  /** Resolves when all are on the stream. @throws Unavailable when some may not be */
  put(chunks: readonly Chunk[]): Promise<void>;
}

/** What tells versions of an object apart. */
export interface ObjectVersion {
  /** Of a versioned bucket. */
  readonly versionId?: string;
  /** Without quotes. */
  readonly etag?: string;
}

export interface ObjectVersions {
  /** The newest. @returns undefined when there is no such object @throws Unavailable */
  find(bucket: string, key: string): Promise<ObjectVersion | undefined>;
}

export interface KeyedRequest {
  /** What the client tells its requests apart by. */
  readonly key: string;
  /** Of everything else in the request: hex. */
  readonly bodyHash: string;
}

export interface Once {
  /**
   * Does the work, once a key: asked again, it gives what the first came to. Work that throws has not been done.
   * @param remainingTimeMs how long the work may take: afterwards, one that was not finished is taken over
   * @throws KeyReused, StillInProgress, Unavailable, or what the work throws
   */
  once(request: KeyedRequest, remainingTimeMs: () => number, work: () => Promise<string>): Promise<string>;
}

/** The key came with another request before. */
export class KeyReused extends Error {}

/** A request of this key is being worked on. */
export class StillInProgress extends Error {}

/** A service does not answer, or refuses for now. What was asked of it may have been done. */
export class Unavailable extends Error {
  /** Whether it is asked too often. */
  readonly isThrottled: boolean;

  /** @param what the service, in words: `the stream` */
  constructor(
    what: string,
    { cause, isThrottled = false }: { readonly cause: unknown; readonly isThrottled?: boolean },
  ) {
    super(`${what} does not answer`, { cause });
    this.name = 'Unavailable';
    this.isThrottled = isThrottled;
  }
}
