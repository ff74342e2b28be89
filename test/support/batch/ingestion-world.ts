/** What the Ingestion function works on, in memory: objects, runs, the stream and the queue of runs. It may die at any call. */
import type { CutObject } from '../../../batch/ingestion/read-objects.ts';
import { createObjectReader, createReadObjectRun } from '../../../batch/ingestion/read-objects.ts';
import type { StreamRecordData } from '../../../batch/ingestion/read-run.ts';
import type { RunRequest } from '../../../batch/ingestion/run-request.ts';
import type { ObjectVersion, SourceObjectsPort } from '../../../batch/ingestion/source-objects.ts';
import type { RequestPorts } from '../../../batch/ingestion/take-request.ts';
import { ENDED, type NewRun, type Run } from '../../../batch/runs/run.ts';
import type { RunsPort } from '../../../batch/runs/runs-port.ts';
import { datasets } from '../../../schemas/index.ts';
import { BadObject } from '../../../streams/ingest/source-object.ts';

export const RAW = 'raw';

/** The process is gone: nothing that it calls is answered any more. */
export class Killed extends Error {}

export class IngestionWorld {
  readonly runs = new Map<string, Run>();
  readonly stream: StreamRecordData[] = [];
  readonly requests: RunRequest[] = [];
  readonly objects = new Map<string, { version: ObjectVersion; content: Buffer }>();
  readonly ports: RequestPorts;
  /** Runs before a call takes effect, and after it, with what is called: throws, or changes the world. */
  onCall: (call: string) => void = () => undefined;
  nowMs = 0;
  #etags = 0;

  /** @param cut default: a line is a record, and `bad` in place of one is a bad object */
  constructor(cut: CutObject = cutLines, objectBytesMax = 1_000_000_000) {
    const reader = createObjectReader({ objects: this.#sourceObjects(), cut, datasets, bucket: RAW, objectBytesMax });
    const readRun = createReadObjectRun(reader);
    this.ports = {
      runs: this.#runsPort(),
      put: (records) => this.#call('put', () => void this.stream.push(...records)),
      request: (request) => this.#call('request', () => void this.requests.push(request)),
      readers: { s3: readRun, 's3-prefix': readRun, schedule: readRun },
      scheduledRun: () => {
        throw new Error('no schedules here');
      },
      clock: { now: () => this.nowMs },
    };
  }

  putObject(key: string, content: string, versionId?: string): ObjectVersion {
    this.#etags += 1;
    const sizeBytes = Buffer.byteLength(content);
    const version = { bucket: RAW, key, sizeBytes, etag: `etag-${this.#etags}`, ...(versionId && { versionId }) };
    this.objects.set(key, { version, content: Buffer.from(content) });
    return version;
  }

  /** `<key>:<chunk>` of each record of the stream. */
  chunks(): string[] {
    return this.stream.map(({ partitionKey }) => partitionKey);
  }

  /** As a process that may die before the call takes effect, and after. */
  async #call<Value>(name: string, effect: () => Value): Promise<Value> {
    await Promise.resolve();
    this.onCall(`${name} asked`);
    const value = effect();
    this.onCall(`${name} done`);
    return value;
  }

  #runsPort(): RunsPort {
    const change = (id: string, changed: Partial<Run>): Run => {
      const run = this.runs.get(id);
      if (run === undefined) throw new Error(`there is no run ${id}`);
      const next = { ...run, ...changed };
      this.runs.set(id, next);
      return next;
    };
    const get = (id: string): Run => change(id, {});
    const unused = (): never => {
      throw new Error('not used by the function');
    };
    return {
      open: (run) => this.#call('open', () => this.runs.get(run.id) ?? this.#newRun(run)),
      get: (id) => this.#call('get', () => this.runs.get(id)),
      progress: (id, { produced, position }) =>
        this.#call('progress', () => {
          const run = get(id);
          if (run.hasAllProduced || ENDED.has(run.status) || produced < run.produced) return run;
          return change(id, { produced, position, status: 'running' });
        }),
      finish: (id, { produced, error }) =>
        this.#call('finish', () => {
          const run = get(id);
          if (run.hasAllProduced) return run;
          return change(id, { produced: Math.max(produced, run.produced), error, hasAllProduced: true });
        }),
      add: unused,
      cancel: async (id) => change(id, { cancelRequestedAtMs: 1 }),
      list: unused,
      counts: unused,
    };
  }

  #newRun(run: NewRun): Run {
    const made: Run = {
      ...run,
      status: 'queued',
      createdAtMs: 0,
      updatedAtMs: 0,
      startedAtMs: undefined,
      endedAtMs: undefined,
      produced: 0,
      hasAllProduced: false,
      position: '',
      error: undefined,
      cancelRequestedAtMs: undefined,
    };
    this.runs.set(run.id, made);
    return made;
  }

  #sourceObjects(): SourceObjectsPort {
    const call = <Value>(name: string, effect: () => Value): Promise<Value> => this.#call(name, effect);
    const { objects } = this;
    return {
      find: (_bucket, key, versionId) =>
        call('find', () => {
          const version = objects.get(key)?.version;
          return versionId === undefined || version?.versionId === versionId ? version : undefined;
        }),
      async *list(_bucket, prefix, after = '') {
        const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
        for (const key of keys) yield await call('list', () => key);
      },
      open: (version) => ({
        key: version.key,
        sizeBytes: version.sizeBytes,
        async *read(from, to) {
          // Pieces end anywhere.
          for (let at = from; at < (to ?? version.sizeBytes); at += 5) {
            yield await call('read', () => {
              const object = objects.get(version.key);
              if (object?.version.etag !== version.etag) throw new BadObject(`${version.key} was replaced`);
              return object.content.subarray(at, Math.min(at + 5, to ?? version.sizeBytes));
            });
          }
        },
      }),
    };
  }
}

/** Bytes of a chunk: each fills a call, so that several calls are under way. */
const CHUNK = Buffer.alloc(2_200_000);

async function* cutLines(...[object, { recordsMax, from }]: Parameters<CutObject>): ReturnType<CutObject> {
  let number = 0;
  let lines: string[] = [];
  let recordsUpTo = 0;
  let pending = '';
  const chunk = () => ({
    number,
    records: lines.length,
    recordsUpTo,
    partitionKey: `${object.key}:${number}`,
    data: CHUNK,
  });
  for await (const piece of object.read(0)) {
    const [last = '', ...whole] = `${pending}${Buffer.from(piece).toString()}`.split('\n').reverse();
    pending = last;
    for (const line of whole.reverse()) {
      if (line === 'bad') {
        if (lines.length > 0 && number >= from) yield chunk();
        throw new BadObject(`line ${recordsUpTo + 1} of ${object.key} is bad`);
      }
      lines.push(line);
      recordsUpTo += 1;
      if (lines.length < recordsMax) continue;
      if (number >= from) yield chunk();
      number += 1;
      lines = [];
    }
  }
  if (lines.length > 0 && number >= from) yield chunk();
}
