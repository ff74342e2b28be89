/**
 * What a schedule's run reads: the objects below a prefix, or a document of the web. That is kept as an object of the raw
 * bucket before a record of it is produced, so that every attempt at the run, and everyone later, reads the same bytes.
 */
import { createHash } from 'node:crypto';
import { pullKey } from '../../processors/books/keys.ts';
import { ConditionFailed, type StateItem, type StateTablePort } from '../../processors/books/state-table.ts';
import { PULL_BYTES, PULL_TIMEOUT_MS, PULLED_PREFIX } from '../../schemas/check-schedules.ts';
import type { DatasetSchedule } from '../../schemas/dataset.ts';
import { BadObject } from '../../streams/ingest/source-object.ts';
import type { Run } from '../runs/run.ts';
import type { PulledObject, PulledObjectsPort } from './pulled-objects.ts';
import type { Deadline, ReadRun, RunStep } from './read-run.ts';
import { declaredSchedule, type ScheduledRunSettings } from './scheduled-run.ts';
import type { Validators, WebPort } from './web.ts';

export interface PullPorts {
  readonly datasets: ScheduledRunSettings['datasets'];
  /** Name of the raw bucket. */
  readonly bucket: string;
  /** Reads what a schedule comes down to. */
  readonly reader: PulledReader;
  readonly web: WebPort;
  readonly pulled: PulledObjectsPort;
  readonly table: Pick<StateTablePort, 'get' | 'update'>;
}

/** As `ObjectReader` of the kinds `s3` and `s3-prefix`. */
export interface PulledReader {
  readObject(
    run: Run,
    source: { readonly bucket: string; readonly key: string; readonly versionId?: string; readonly etag?: string },
    deadline: Deadline,
  ): AsyncIterable<RunStep>;
  /** @param mayBeEmpty true: a prefix without objects is a run of no records */
  readPrefix(
    run: Run,
    source: { readonly bucket: string; readonly prefix: string },
    deadline: Deadline,
    mayBeEmpty: boolean,
  ): AsyncIterable<RunStep>;
}

type HttpPull = Extract<DatasetSchedule['pull'], { readonly kind: 'http' }>;

interface Pull {
  readonly dataset: string;
  readonly schedule: string;
  readonly scheduledAtMs: number;
  readonly http: HttpPull;
}

/** Characters of the last part of a URL's path that go into the key: the name tells the format. */
const FILE_NAME_CHARACTERS_MAX = 100;

/**
 * Reads runs of source `schedule`. A document that has not changed since the last one that was produced whole gives no
 * records; what the host refuses is a BadObject.
 */
export function createReadSchedule(ports: PullPorts): ReadRun {
  return async function* readSchedule(run, deadline) {
    const { source, dataset } = run;
    if (source.kind !== 'schedule') throw new Error(`run ${run.id}: received source ${source.kind}, allowed: schedule`);
    const { schedule, scheduledAtMs } = source;
    const { pull } = declared(ports, dataset, schedule);
    if (pull.kind === 's3') {
      yield* ports.reader.readPrefix(run, { bucket: ports.bucket, prefix: pull.prefix }, deadline, true);
      return;
    }
    const object = await pulledObject({ dataset, schedule, scheduledAtMs, http: pull }, ports);
    if (object === undefined) return;
    yield* readPulled(run, object, deadline, ports);
    await keepValidators({ dataset, schedule, scheduledAtMs, http: pull }, object, ports);
  };
}

/** A run that waited while its schedule was taken out of the dataset has nothing to read, now or later. */
function declared({ datasets }: PullPorts, dataset: string, schedule: string): DatasetSchedule {
  try {
    return declaredSchedule(datasets, dataset, schedule);
  } catch (error) {
    throw new BadObject(Error.isError(error) ? error.message : String(error), { cause: error });
  }
}

/** The last step puts nothing: once another is asked for, all before it are on the stream. */
async function* readPulled(
  run: Run,
  object: PulledObject,
  deadline: Deadline,
  { reader }: PullPorts,
): AsyncGenerator<RunStep> {
  const { bucket, key, versionId, objectEtag: etag } = object;
  const source = { bucket, key, etag, ...(versionId !== undefined && { versionId }) };
  let last: Pick<RunStep, 'produced' | 'position'> = { produced: run.produced, position: run.position };
  for await (const step of reader.readObject(run, source, deadline)) {
    last = step;
    yield step;
  }
  yield { record: undefined, produced: last.produced, position: last.position };
}

/** @returns undefined when the document has not changed */
async function pulledObject(pull: Pull, ports: PullPorts): Promise<PulledObject | undefined> {
  const { bucket, pulled, web, table } = ports;
  const key = pulledObjectKey(pull);
  const before = await pulled.find(bucket, key);
  if (before !== undefined) return before;
  const { url, bytesMax = PULL_BYTES.default, timeoutMs = PULL_TIMEOUT_MS.default } = pull.http;
  const known = validatorsOf(await table.get(pullKey(pull.dataset, pull.schedule)), url);
  const answer = await web.get({ url, bytesMax, timeoutMs, known });
  if (answer.kind === 'unchanged') return undefined;
  if (answer.kind === 'refused') throw new BadObject(answer.reason);
  try {
    await pulled.put(bucket, key, answer.document);
  } finally {
    await answer.document.discard();
  }
  const object = await pulled.find(bucket, key);
  if (object === undefined) throw new Error(`s3://${bucket}/${key} is not there after it was put`);
  return object;
}

/** `pulled/<dataset>/<schedule>/<time>/<file name>`: the same for each attempt at the same run. */
export function pulledObjectKey({ dataset, schedule, scheduledAtMs, http }: Pull): string {
  const time = new Date(scheduledAtMs).toISOString().replace('.000Z', 'Z');
  const last = new URL(http.url).pathname.split('/').at(-1) ?? '';
  const name = last.replaceAll(/[^\w.-]/g, '_').slice(-FILE_NAME_CHARACTERS_MAX) || 'document';
  return `${PULLED_PREFIX}${dataset}/${schedule}/${time}/${name}`;
}

function validatorsOf(item: StateItem | undefined, url: string): Validators | undefined {
  const { url_hash, etag, last_modified } = item?.attributes ?? {};
  // Another URL has another document.
  if (url_hash !== urlHash(url)) return undefined;
  return {
    ...(typeof etag === 'string' && { etag }),
    ...(typeof last_modified === 'string' && { lastModified: last_modified }),
  };
}

/** The next pull asks for what is newer than this. Never goes back to an earlier time of the schedule. */
async function keepValidators(pull: Pull, { etag, lastModified }: Validators, { table }: PullPorts): Promise<void> {
  const key = pullKey(pull.dataset, pull.schedule);
  const known = (await table.get(key))?.attributes.scheduled_at;
  if (typeof known === 'number' && known >= pull.scheduledAtMs) return;
  const given = { etag, last_modified: lastModified };
  try {
    await table.update({
      kind: 'update',
      key,
      expect: { scheduled_at: known },
      set: {
        scheduled_at: pull.scheduledAtMs,
        url_hash: urlHash(pull.http.url),
        ...Object.fromEntries(
          Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
        ),
      },
      remove: Object.entries(given).flatMap(([name, value]) => (value === undefined ? [name] : [])),
    });
  } catch (error) {
    // Another run of the schedule kept its own: at worst a document is pulled again that has not changed.
    if (!(error instanceof ConditionFailed)) throw error;
  }
}

function urlHash(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 32);
}
