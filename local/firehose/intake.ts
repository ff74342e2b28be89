/**
 * Takes records in: cuts them into documents, reads the partition keys, converts each document to a row of the table,
 * and has row or failure on disk before `take` returns. Synchronous and without a clock; runs in the conversion thread.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { CatalogColumn } from '../ports.ts';
import type { DeliveryStream } from './delivery-stream.ts';
import { type ErrorOutputType, failedRecordLine, type TableReference } from './failed-record.ts';
import { evaluatePrefix, objectName, PREFIX_CHARS_MAX } from './object-key.ts';
import { compilePartitionQuery, type PartitionQuery } from './partition-query.ts';
import { type RowConverter, rowConverter } from './row-converter.ts';
import { splitDocuments } from './split-documents.ts';
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
}

export interface Intake {
  /** Sets or replaces how a stream is taken in; ids of the spools that this closes. */
  configure(plan: IntakePlan): readonly string[];
  /** @param ends where each record ends in `data` */
  take(streamName: string, arrivedAtMs: number, data: Buffer, ends: readonly number[]): Taken;
  /** Closes a spool, or all; ids of those that were open. Nothing is added to them any more. */
  seal(spoolId?: string): readonly string[];
}

/** https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html */
const SUB_RECORDS_MAX = 500;
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
  chunks: Buffer[];
}

interface Stream {
  readonly plan: IntakePlan;
  readonly query: PartitionQuery | undefined;
  readonly converter: RowConverter;
  readonly partitions: Map<string, OpenSpool>;
  readonly errors: Map<string, OpenSpool>;
}

interface Document {
  readonly value: unknown;
  readonly from: number;
  readonly to: number;
  readonly kind: 'line' | 'span' | 'broken';
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
      streams.set(plan.name, {
        plan,
        query: plan.partitionQuery === undefined ? undefined : compilePartitionQuery(plan.partitionQuery),
        converter: rowConverter(plan.columns),
        partitions: new Map(),
        errors: new Map(),
      });
      if (!before) return [];
      return [...before.partitions.values(), ...before.errors.values()].flatMap(({ spool }) => seal(spool.id));
    },
    take(streamName, arrivedAtMs, data, ends) {
      const stream = streams.get(streamName);
      if (!stream) throw new Error(`Delivery stream ${streamName} has not been configured.`);
      const batch = new Batch({ stream, arrivedAtMs, folder, open });
      let from = 0;
      for (const end of ends) {
        batch.record(data.subarray(from, end));
        from = end;
      }
      const full = batch.write();
      return { opened: batch.opened.map(({ spool }) => spool), sealed: full.flatMap((id) => seal(id)) };
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

  record(bytes: Buffer): void {
    const ascii = isAscii(bytes);
    const record = { bytes, text: bytes.toString(ascii ? 'latin1' : 'utf8'), ascii };
    const documents: Document[] = [];
    splitDocuments(record.text, {
      document: (value, from, to, oneLine) => void documents.push({ value, from, to, kind: oneLine ? 'line' : 'span' }),
      broken: (from, to) => void documents.push({ value: undefined, from, to, kind: 'broken' }),
    });
    const failure = this.#wholeRecordFailure(bytes, documents.length);
    if (failure) {
      this.#fail(bytes, ...failure);
      return;
    }
    let run: Run | undefined;
    for (const document of documents) run = this.#document(record, document, run);
    this.#endRun(record, run);
  }

  #wholeRecordFailure(bytes: Buffer, documents: number): Failure | undefined {
    const { plan, query } = this.#stream;
    if (!isUtf8(bytes)) return malformed('the record is not valid UTF-8');
    if (documents === 0) return malformed('the record is empty');
    if (plan.deAggregates && documents > SUB_RECORDS_MAX) {
      const message = `the record holds ${documents} sub-records; at most ${SUB_RECORDS_MAX} are allowed`;
      return ['processing-failed', 'RecordDeAggregation.TooManySubRecords', message];
    }
    if (query && !plan.deAggregates && documents > 1)
      return unpartitioned('several JSON documents in a record that is not de-aggregated');
    return undefined;
  }

  /** Writes everything; ids of the spools that are full. */
  write(): string[] {
    const full: string[] = [];
    for (const target of this.#touched) {
      this.#folder.append(target.spool.id, Buffer.concat(target.chunks));
      target.chunks = [];
      if (target.receivedBytes >= this.#stream.plan.bufferBytesMax) full.push(target.spool.id);
    }
    return full;
  }

  /** Returns the run of bytes to copy that this document begins or goes on. */
  #document(record: RecordText, document: Document, run: Run | undefined): Run | undefined {
    const { query, converter } = this.#stream;
    const { from, to, value } = document;
    if (document.kind === 'broken') {
      const failure: Failure = query
        ? unpartitioned('Non JSON record provided')
        : ['format-conversion-failed', 'DataFormatConversion.ParseError', 'the data is not valid JSON'];
      this.#fail(slice(record, from, to), ...failure);
      return run;
    }
    const keys = query?.extract(value) ?? NO_KEYS;
    if ('problem' in keys) {
      this.#fail(slice(record, from, to), ...unpartitioned(keys.problem));
      return run;
    }
    const asItStands = document.kind === 'line' && converter.conforms(value);
    const row = asItStands ? undefined : converter.convert(value, record.text.slice(from, to));
    if (typeof row === 'object') {
      this.#fail(slice(record, from, to), 'format-conversion-failed', row.code, row.message);
      return run;
    }
    const target = this.#partition(keys.values);
    if (!('spool' in target)) {
      this.#fail(slice(record, from, to), ...target);
      return run;
    }
    target.receivedBytes += to - from;
    if (row === undefined && record.ascii) {
      if (run?.target === target && run.to === from) {
        run.to = endWithNewline(record.text, to);
        return run;
      }
      this.#endRun(record, run);
      return { target, from, to: endWithNewline(record.text, to) };
    }
    this.#endRun(record, run);
    target.chunks.push(Buffer.from(`${row ?? record.text.slice(from, to)}\n`));
    return undefined;
  }

  /** Copies a run of documents that are written as they came. */
  #endRun(record: RecordText, run: Run | undefined): void {
    if (!run) return;
    run.target.chunks.push(record.bytes.subarray(run.from, run.to));
    if (record.text.charCodeAt(run.to - 1) !== NEWLINE_CODE) run.target.chunks.push(NEWLINE);
  }

  #partition(values: readonly string[]): OpenSpool | Failure {
    const { partitions, plan, query } = this.#stream;
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
    const target: OpenSpool = { spool, slot, slots, receivedBytes: 0, chunks: [] };
    slots.set(slot, target);
    this.#openSpools.set(id, target);
    this.opened.push(target);
    this.#touched.add(target);
    return target;
  }
}

interface RecordText {
  readonly bytes: Buffer;
  readonly text: string;
  /** Positions in the text are positions in the bytes. */
  readonly ascii: boolean;
}

interface Run {
  readonly target: OpenSpool;
  readonly from: number;
  to: number;
}

type Failure = readonly [type: ErrorOutputType, code: string, message: string];

const NO_KEYS = { values: [''] } as const;

function malformed(message: string): Failure {
  return ['format-conversion-failed', 'DataFormatConversion.MalformedData', message];
}

function unpartitioned(message: string): Failure {
  return ['processing-failed', 'DynamicPartitioning.MetadataExtractionFailed', message];
}

function slice(record: RecordText, from: number, to: number): Buffer {
  return record.ascii ? record.bytes.subarray(from, to) : Buffer.from(record.text.slice(from, to));
}

function endWithNewline(text: string, to: number): number {
  return text.charCodeAt(to) === NEWLINE_CODE ? to + 1 : to;
}
