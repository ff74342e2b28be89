/** A run as its item in the state table holds it: what the port tells of it, and what its state machine goes by. */
import { runKey } from '../../processors/books/keys.ts';
import {
  numberOf,
  type StateAttributes,
  type StateItem,
  type StatePut,
  type StateUpdate,
  type StateValue,
  textOf,
} from '../../processors/books/state-table.ts';
import { isRecord } from '../../schemas/describe.ts';
import { type NewRun, PRIORITIES, RUN_STATUSES, type Run, type RunSource } from './run.ts';

export interface StoredRun extends Run {
  /** Writes to it so far: each expects the one before. */
  readonly revision: number;
  /** When its producer, or a request for it, was last heard of; at first when it was made. */
  readonly heardAtMs: number;
  readonly allProducedAtMs: number | undefined;
  /** When all of it was accounted for, and it began to wait for what it delivered. */
  readonly landingAtMs: number | undefined;
  /** Records that it was not waited for any longer, when it began to land. */
  readonly missing: number;
  /** Rows that it waits for: delivered and quarantined ones, when they were noted. */
  readonly notedRows: number;
  /** Delivered rows that had landed when it ended; undefined where that is not known. */
  readonly landedRows: number | undefined;
}

/** Attributes that change, in the order of `docs/books.md`. */
type ChangingRun = Omit<StoredRun, keyof NewRun | 'createdAtMs' | 'revision'>;

export function newRunPut(run: NewRun, nowMs: number): StatePut {
  const begun: ChangingRun = {
    status: 'queued',
    updatedAtMs: nowMs,
    startedAtMs: undefined,
    endedAtMs: undefined,
    produced: 0,
    hasAllProduced: false,
    position: '',
    error: undefined,
    cancelRequestedAtMs: undefined,
    heardAtMs: nowMs,
    allProducedAtMs: undefined,
    landingAtMs: undefined,
    missing: 0,
    notedRows: 0,
    landedRows: undefined,
  };
  return {
    kind: 'put',
    key: runKey(run.id),
    when: 'new',
    attributes: {
      ...present({
        source: JSON.stringify(run.source),
        dataset: run.dataset,
        data_type: run.dataType,
        priority: run.priority,
        metadata: run.metadata,
        chunk_records_max: run.chunkRecordsMax,
        created_at: nowMs,
        revision: 1,
      }),
      ...changing(begun),
    },
  };
}

/** Writes what the run has become, if it still is what it was. What was known stays known: nothing is taken away. */
export function runUpdate(before: StoredRun, after: ChangingRun): StateUpdate {
  return {
    kind: 'update',
    key: runKey(before.id),
    expect: { revision: before.revision },
    set: changing(after),
    add: { revision: 1 },
  };
}

function changing(run: ChangingRun): StateAttributes {
  return present({
    status: run.status,
    updated_at: run.updatedAtMs,
    started_at: run.startedAtMs,
    ended_at: run.endedAtMs,
    produced: run.produced,
    all_produced: run.hasAllProduced,
    position: run.position,
    error: run.error,
    cancel_requested_at: run.cancelRequestedAtMs,
    heard_at: run.heardAtMs,
    all_produced_at: run.allProducedAtMs,
    landing_at: run.landingAtMs,
    missing: run.missing,
    noted_rows: run.notedRows,
    landed_rows: run.landedRows,
  });
}

function present(attributes: Readonly<Record<string, StateValue | undefined>>): StateAttributes {
  const entries = Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return Object.fromEntries(entries);
}

/** @throws TypeError or Error saying what the item holds that no run has */
export function readStoredRun(item: StateItem): StoredRun {
  const optional = (name: string) => (item.attributes[name] === undefined ? undefined : numberOf(item, name));
  const text = (name: string) => (item.attributes[name] === undefined ? undefined : textOf(item, name));
  const id = item.pk.slice(item.pk.indexOf('#') + 1);
  const [status, priority] = [textOf(item, 'status'), textOf(item, 'priority')];
  return {
    id,
    source: readSource(id, textOf(item, 'source')),
    dataset: textOf(item, 'dataset'),
    dataType: text('data_type'),
    priority: PRIORITIES.find((known) => known === priority) ?? unknown(id, 'priority', priority),
    metadata: textOf(item, 'metadata'),
    chunkRecordsMax: numberOf(item, 'chunk_records_max'),
    status: RUN_STATUSES.find((known) => known === status) ?? unknown(id, 'status', status),
    createdAtMs: numberOf(item, 'created_at'),
    updatedAtMs: numberOf(item, 'updated_at'),
    startedAtMs: optional('started_at'),
    endedAtMs: optional('ended_at'),
    produced: numberOf(item, 'produced'),
    hasAllProduced: item.attributes.all_produced === true,
    position: textOf(item, 'position'),
    error: text('error'),
    cancelRequestedAtMs: optional('cancel_requested_at'),
    revision: numberOf(item, 'revision'),
    heardAtMs: numberOf(item, 'heard_at'),
    allProducedAtMs: optional('all_produced_at'),
    landingAtMs: optional('landing_at'),
    missing: numberOf(item, 'missing'),
    notedRows: numberOf(item, 'noted_rows'),
    landedRows: optional('landed_rows'),
  };
}

/** What the port tells of it. */
export function toldRun(run: StoredRun): Run {
  const { revision, heardAtMs, allProducedAtMs, landingAtMs, missing, notedRows, landedRows, ...told } = run;
  return told;
}

function readSource(id: string, text: string): RunSource {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) return unknown(id, 'source', text);
  const { kind, bucket, key, versionId, etag, prefix, schedule, scheduledAtMs } = value;
  if (kind === 'api') return { kind };
  if (kind === 's3' && typeof bucket === 'string' && typeof key === 'string') {
    return {
      kind,
      bucket,
      key,
      ...(typeof versionId === 'string' && { versionId }),
      ...(typeof etag === 'string' && { etag }),
    };
  }
  if (kind === 's3-prefix' && typeof bucket === 'string' && typeof prefix === 'string') return { kind, bucket, prefix };
  if (kind === 'schedule' && typeof schedule === 'string' && typeof scheduledAtMs === 'number') {
    return { kind, schedule, scheduledAtMs };
  }
  return unknown(id, 'source', text);
}

function unknown(id: string, name: string, received: string): never {
  throw new Error(`run ${id}: ${name} is ${received}, which this version does not know`);
}
