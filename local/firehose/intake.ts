/**
 * Takes records in: cuts them into documents, reads the partition keys, converts each document to a row of the table,
 * and has row or failure on disk before `take` returns. Synchronous and without a clock; runs in the conversion thread.
 */
import { randomUUID } from 'node:crypto';
import type { CatalogColumn } from '../ports.ts';
import type { DeliveryStream } from './delivery-stream.ts';
import { type ErrorOutputType, failedRecordLine, type TableReference } from './failed-record.ts';
import { evaluatePrefix, objectName, PREFIX_CHARS_MAX } from './object-key.ts';
import {
  type Document,
  type DocumentPlan,
  documentPlan,
  type Failure,
  readDocuments,
  rowOf,
  unpartitioned,
} from './read-documents.ts';
import type { Spool, SpoolFolder } from './spool.ts';

export type IntakePlan = Pick<
  DeliveryStream,
  'name' | 'bucket' | 'prefix' | 'errorPrefix' | 'bufferBytesMax' | 'deAggregates' | 'partitionQuery'
> & { readonly table: TableReference; readonly columns: readonly CatalogColumn[] };

export interface Taken {
  /** Spools that these records opened. */
  readonly opened: readonly Spool[];
  /** Ids of spools that are full. */
  readonly sealed: readonly string[];
  /** Why the records were not accepted. Some of them may be on disk all the same. */
  readonly problem?: string;
}

export interface Intake {
  /** Sets or replaces how a stream is taken in; ids of the spools that this closes. */
  configure(plan: IntakePlan): readonly string[];
  /** @param ends where each record ends in `data` */
  take(streamName: string, arrivedAtMs: number, data: Buffer, ends: readonly number[]): Taken;
  /** Closes a spool, or all; ids of those that were open. Nothing is added to them any more. */
  seal(spoolId?: string): readonly string[];
}

/** https://docs.aws.amazon.com/firehose/latest/dev/buffering.html */
const ACTIVE_PARTITIONS_MAX = 500;

const NEWLINE = Buffer.from('\n');
const NEWLINE_CODE = 10;
const PARQUET_EXTENSION = '.parquet';

interface OpenSpool {
  readonly spool: Spool;
  /** Where it is entered: a partition's or an error type's. */
  readonly slot: string;
  readonly slots: Map<string, OpenSpool>;
  receivedBytes: number;
  /** Bytes of the spool's file. */
  spooledBytes: number;
  chunks: Buffer[];
}

interface Stream {
  readonly plan: IntakePlan;
  readonly documents: DocumentPlan;
  readonly partitions: Map<string, OpenSpool>;
  readonly errors: Map<string, OpenSpool>;
}

export function createIntake(folder: SpoolFolder): Intake {
  const streams = new Map<string, Stream>();
  const open = new Map<string, OpenSpool>();

  function seal(spoolId?: string): readonly string[] {
    const found = spoolId === undefined ? [...open.values()] : [open.get(spoolId)].filter((one) => one !== undefined);
    for (const { spool, slots, slot } of found) {
      slots.delete(slot);
      open.delete(spool.id);
    }
    return found.map(({ spool }) => spool.id);
  }

  return {
    configure(plan) {
      const before = streams.get(plan.name);
      streams.set(plan.name, { plan, documents: documentPlan(plan), partitions: new Map(), errors: new Map() });
      if (!before) return [];
      return [...before.partitions.values(), ...before.errors.values()].flatMap(({ spool }) => seal(spool.id));
    },
    take(streamName, arrivedAtMs, data, ends) {
      const stream = streams.get(streamName);
      if (!stream) throw new Error(`Delivery stream ${streamName} has not been configured.`);
      const batch = new Batch({ stream, arrivedAtMs, folder, open });
      const problem = batch.records(data, ends) ?? batch.write();
      const sealed = batch.full().flatMap((id) => seal(id));
      const opened = batch.opened.map(({ spool }) => spool);
      return problem === undefined ? { opened, sealed } : { opened, sealed, problem };
    },
    seal,
  };
}

/** One call's records on their way to their spools. */
class Batch {
  readonly opened: OpenSpool[] = [];
  readonly #stream: Stream;
  readonly #arrivedAtMs: number;
  readonly #folder: SpoolFolder;
  readonly #openSpools: Map<string, OpenSpool>;
  readonly #touched = new Set<OpenSpool>();

  constructor(context: {
    readonly stream: Stream;
    readonly arrivedAtMs: number;
    readonly folder: SpoolFolder;
    readonly open: Map<string, OpenSpool>;
  }) {
    this.#stream = context.stream;
    this.#arrivedAtMs = context.arrivedAtMs;
    this.#folder = context.folder;
    this.#openSpools = context.open;
  }

  /** What went wrong, in which case nothing is going to be written. */
  records(data: Buffer, ends: readonly number[]): string | undefined {
    try {
      let from = 0;
      for (const end of ends) {
        this.#record(data.subarray(from, end));
        from = end;
      }
      return undefined;
    } catch (error) {
      for (const target of this.#touched) target.chunks = [];
      return messageOf(error);
    }
  }

  /** Writes everything; what went wrong. */
  write(): string | undefined {
    let problem: string | undefined;
    for (const target of this.#touched) {
      const [first = NEWLINE, ...others] = target.chunks;
      const rows = others.length === 0 ? first : Buffer.concat(target.chunks);
      target.chunks = [];
      try {
        this.#folder.append(target.spool.id, rows, target.spooledBytes);
        target.spooledBytes += rows.length;
      } catch (error) {
        problem ??= messageOf(error);
      }
    }
    return problem;
  }

  /** Ids of the spools that are full. */
  full(): string[] {
    const { bufferBytesMax } = this.#stream.plan;
    return [...this.#touched].filter((one) => one.receivedBytes >= bufferBytesMax).map(({ spool }) => spool.id);
  }

  #record(bytes: Buffer): void {
    const read = readDocuments(bytes, this.#stream.documents);
    if (!('documents' in read)) {
      this.#fail(bytes, ...read);
      return;
    }
    let run: Run | undefined;
    for (const document of read.documents) run = this.#document(bytes, document, run);
    endRun(bytes, run);
  }

  /** Returns the run of bytes to copy that this document begins or goes on. */
  #document(bytes: Buffer, document: Document, run: Run | undefined): Run | undefined {
    const { from, to } = document;
    const row = rowOf(bytes, document, this.#stream.documents);
    const target = 'partition' in row ? this.#partition(row.partition) : row;
    if (!('spool' in target)) {
      this.#fail(bytes.subarray(from, to), ...target);
      return run;
    }
    target.receivedBytes += to - from;
    const text = 'text' in row ? row.text : undefined;
    if (text === undefined && run?.target === target && run.to === from && bytes[from - 1] === NEWLINE_CODE) {
      run.to = endWithNewline(bytes, to);
      return run;
    }
    endRun(bytes, run);
    if (text === undefined) return { target, from, to: endWithNewline(bytes, to) };
    target.chunks.push(Buffer.from(`${text}\n`));
    return undefined;
  }

  #partition(values: readonly string[]): OpenSpool | Failure {
    const { partitions, plan, documents } = this.#stream;
    const { query } = documents;
    const slot = values.length === 1 ? (values[0] ?? '') : values.join('\u0000');
    const known = partitions.get(slot);
    if (known) {
      this.#touched.add(known);
      return known;
    }
    if (query && partitions.size >= ACTIVE_PARTITIONS_MAX) {
      const code = 'DynamicPartitioning.ActivePartitionLimitExceeded';
      return ['activePartitionExceeded', code, `more than ${ACTIVE_PARTITIONS_MAX} active partitions`];
    }
    const partitionKeys = Object.fromEntries((query?.names ?? []).map((name, index) => [name, values[index] ?? '']));
    const prefix = evaluatePrefix(plan.prefix, { atMs: this.#arrivedAtMs, partitionKeys }, Math.random);
    if (prefix.length > PREFIX_CHARS_MAX)
      return unpartitioned(
        `the evaluated prefix has ${prefix.length} characters; at most ${PREFIX_CHARS_MAX} are allowed`,
      );
    return this.#open(partitions, slot, 'rows', prefix, PARQUET_EXTENSION);
  }

  #fail(rawData: Buffer, type: ErrorOutputType, code: string, message: string): void {
    const { errors, plan } = this.#stream;
    const context = { atMs: this.#arrivedAtMs, partitionKeys: {}, errorOutputType: type };
    const target =
      errors.get(type) ??
      this.#open(errors, type, 'errors', evaluatePrefix(plan.errorPrefix, context, Math.random), '');
    this.#touched.add(target);
    target.receivedBytes += rawData.length;
    const failed = { type, code, message, rawData, arrivedAtMs: this.#arrivedAtMs };
    target.chunks.push(Buffer.from(failedRecordLine(failed, plan.table)));
  }

  #open(
    slots: Map<string, OpenSpool>,
    slot: string,
    content: Spool['content'],
    prefix: string,
    extension: string,
  ): OpenSpool {
    const { plan } = this.#stream;
    const id = randomUUID();
    const key = prefix + objectName(plan.name, this.#arrivedAtMs, id, extension);
    const columns = content === 'rows' ? plan.columns.map(({ name, type }) => ({ name, type })) : [];
    const spool = {
      id,
      streamName: plan.name,
      content,
      bucket: plan.bucket,
      key,
      openedAtMs: this.#arrivedAtMs,
      columns,
    };
    this.#folder.create(spool);
    const target: OpenSpool = { spool, slot, slots, receivedBytes: 0, spooledBytes: 0, chunks: [] };
    slots.set(slot, target);
    this.#openSpools.set(id, target);
    this.opened.push(target);
    this.#touched.add(target);
    return target;
  }
}

interface Run {
  readonly target: OpenSpool;
  readonly from: number;
  to: number;
}

/** Copies a run of documents that are written as they came. */
function endRun(bytes: Buffer, run: Run | undefined): void {
  if (!run) return;
  run.target.chunks.push(bytes.subarray(run.from, run.to));
  if (bytes[run.to - 1] !== NEWLINE_CODE) run.target.chunks.push(NEWLINE);
}

function endWithNewline(bytes: Buffer, to: number): number {
  return bytes[to] === NEWLINE_CODE ? to + 1 : to;
}

function messageOf(error: unknown): string {
  return Error.isError(error) ? error.message : String(error);
}
