/**
 * Reads runs of the kinds `s3` and `s3-prefix`. Which version of an object is read is settled before its first chunk, so that
 * every attempt cuts the same bytes, and the chunks of a version have the same source whichever run reads it.
 */
import type { Dataset } from '../../schemas/dataset.ts';
import type { Chunk, ChunkEnvelope } from '../../streams/ingest/chunk.ts';
import { BadObject, type SourceObject } from '../../streams/ingest/source-object.ts';
import type { Run } from '../runs/run.ts';
import { type ObjectPosition, readObjectPosition, writeObjectPosition } from './object-position.ts';
import { type Deadline, type ReadRun, type RunStep, TimeOver } from './read-run.ts';
import {
  isFolderMarker,
  LeftToBackfill,
  type ObjectVersion,
  objectName,
  objectSource,
  type SourceObjectsPort,
} from './source-objects.ts';

/** How an object becomes chunks. @throws BadObject */
export type CutObject = (object: SourceObject, cut: Cut) => AsyncIterable<Chunk>;

export interface Cut {
  readonly envelope: ChunkEnvelope;
  /** Events a chunk. */
  readonly recordsMax: number;
  /** Number of the first chunk that is wanted. */
  readonly from: number;
  readonly dataset: Dataset;
  /** As the one who asked for the run put it: `json`, `csv`, … */
  readonly dataType: string | undefined;
}

export interface ReadObjectsOptions {
  readonly objects: SourceObjectsPort;
  readonly cut: CutObject;
  readonly datasets: ReadonlyMap<string, Dataset>;
  /** The one bucket that runs are read from. */
  readonly bucket: string;
  /** Bytes of an object; larger ones are left to the backfill. */
  readonly objectBytesMax: number;
}

/** Objects of a run over a prefix. */
export const PREFIX_OBJECTS_MAX = 10_000;

/** Reads one version of an object, such as what a run's source or a schedule names. */
export interface ObjectReader {
  /** @param source by default the version that stands */
  readObject(run: Run, source: NamedObject, deadline: Deadline): AsyncIterable<RunStep>;
  /** @param mayBeEmpty whether a prefix without objects is a run of no records, and not a mistake. Default: false */
  readPrefix(run: Run, source: NamedPrefix, deadline: Deadline, mayBeEmpty?: boolean): AsyncIterable<RunStep>;
}

export interface NamedObject {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly etag?: string | undefined;
}

export interface NamedPrefix {
  readonly bucket: string;
  readonly prefix: string;
}

/** For runs of the kinds `s3` and `s3-prefix`. */
export function createReadObjectRun(reader: ObjectReader): ReadRun {
  return (run, deadline) => {
    const { source } = run;
    if (source.kind === 's3') return reader.readObject(run, source, deadline);
    if (source.kind === 's3-prefix') return reader.readPrefix(run, source, deadline);
    throw new BadObject(`a run of the kind ${source.kind} is not read from objects`);
  };
}

export function createObjectReader(options: ReadObjectsOptions): ObjectReader {
  const { objects, bucket, objectBytesMax } = options;

  /** @throws BadObject when there is no such version */
  async function find(source: NamedObject): Promise<ObjectVersion> {
    refuseForeign(source, bucket);
    const found = await objects.find(source.bucket, source.key, source.versionId);
    if (found === undefined) throw new BadObject(`${objectName(source)} is not there`);
    if (source.versionId === undefined && source.etag !== undefined && found.etag !== source.etag) {
      throw new BadObject(
        `${objectName(source)} was replaced before it was read: its ETag is ${found.etag}, and was ${source.etag}`,
      );
    }
    return found;
  }

  async function* steps(run: Run, version: ObjectVersion, at: ObjectPosition, deadline: Deadline) {
    const dataset = options.datasets.get(run.dataset);
    if (dataset === undefined) {
      const names = [...options.datasets.keys()].join(', ');
      throw new BadObject(`dataset: received ${JSON.stringify(run.dataset)}, allowed: ${names}`);
    }
    if (version.sizeBytes > objectBytesMax) throw new LeftToBackfill(version, objectBytesMax);
    const chunks = options.cut(untilOver(objects.open(version), deadline), {
      envelope: { source: objectSource(version), dataset: run.dataset, runId: run.id },
      recordsMax: run.chunkRecordsMax,
      from: at.chunk,
      dataset,
      dataType: run.dataType,
    });
    for await (const { number, partitionKey, data, recordsUpTo } of chunks) {
      const next = { ...at, chunk: number + 1, upTo: recordsUpTo };
      yield stepTo(next, { partitionKey, data });
    }
  }

  async function* readObject(run: Run, source: NamedObject, deadline: Deadline): AsyncGenerator<RunStep> {
    const at = readObjectPosition(run.position);
    const version = await find(at ? { ...source, versionId: at.versionId, etag: at.etag } : source);
    const start = at ?? startOf(version, { before: 0, objects: 1, bad: 0 });
    // Otherwise the source itself says which version it is.
    const isNamed = source.versionId !== undefined || (source.etag !== undefined && version.versionId === undefined);
    if (!at && !isNamed) yield stepTo(start);
    yield* steps(run, version, start, deadline);
  }

  async function* readPrefix(
    run: Run,
    { prefix }: NamedPrefix,
    deadline: Deadline,
    mayBeEmpty = false,
  ): AsyncGenerator<RunStep> {
    let at = readObjectPosition(run.position);
    /** Gives the rest of the object at `at`, and moves `at` with it. What is wrong with it is noted, and the next is read. */
    async function* rest(from: ObjectPosition): AsyncGenerator<RunStep> {
      at = from;
      try {
        const version = await find({ bucket, key: from.key, versionId: from.versionId, etag: from.etag });
        for await (const step of steps(run, version, from, deadline)) {
          at = readObjectPosition(step.position) ?? at;
          yield step;
        }
      } catch (error) {
        if (!(error instanceof BadObject || error instanceof LeftToBackfill)) throw error;
        at = { ...at, bad: at.bad + 1, reason: at.reason ?? error.message };
      }
    }

    if (at) yield* rest(at);
    for await (const key of objects.list(bucket, prefix, at?.key)) {
      if (deadline.isOver()) throw new TimeOver();
      const version = await objects.find(bucket, key);
      // Deleted since it was listed, or no more than a folder.
      if (version === undefined || isFolderMarker(key, version.sizeBytes)) continue;
      const start = startOf(version, {
        before: at ? at.before + at.upTo : 0,
        objects: (at?.objects ?? 0) + 1,
        bad: at?.bad ?? 0,
        reason: at?.reason,
      });
      if (start.objects > PREFIX_OBJECTS_MAX) {
        throw new BadObject(
          `s3://${bucket}/${prefix} has more than ${PREFIX_OBJECTS_MAX} objects: give a longer prefix`,
        );
      }
      yield stepTo(start);
      yield* rest(start);
    }
    if (at === undefined && !mayBeEmpty) throw new BadObject(`there is no object below s3://${bucket}/${prefix}`);
    if (at && at.bad > 0) throw new BadObject(`${at.bad} of ${at.objects} objects: ${at.reason ?? ''}`);
  }

  return {
    readObject,
    async *readPrefix(run, source, deadline, mayBeEmpty) {
      refuseForeign(source, bucket);
      yield* readPrefix(run, source, deadline, mayBeEmpty);
    },
  };
}

function startOf(
  { key, versionId, etag }: ObjectVersion,
  so: Pick<ObjectPosition, 'before' | 'objects' | 'bad' | 'reason'>,
): ObjectPosition {
  return { key, versionId, etag, chunk: 0, upTo: 0, ...so };
}

function stepTo(position: ObjectPosition, record?: RunStep['record']): RunStep {
  return { record, produced: position.before + position.upTo, position: writeObjectPosition(position) };
}

/** The function may read this bucket alone. */
function refuseForeign(source: { readonly bucket: string }, bucket: string): void {
  if (source.bucket !== bucket) throw new BadObject(`bucket: received ${source.bucket}, allowed: ${bucket}`);
}

/** Reading what lies before the position gives no step for long: it ends with the time of the invocation, too. */
function untilOver(object: SourceObject, deadline: Deadline): SourceObject {
  return {
    key: object.key,
    sizeBytes: object.sizeBytes,
    async *read(from, to) {
      for await (const piece of object.read(from, to)) {
        if (deadline.isOver()) throw new TimeOver();
        yield piece;
      }
    },
  };
}
