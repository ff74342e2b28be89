/** A dataset: what flows, as declared in `schemas/<name>/dataset.ts` and as compiled for the runtime. */
import type { Schema } from 'avsc';
import type { Failure } from './failure.ts';

/** What a transform may know besides its record. It has no clock, so that a retry and a replay decide the same. */
export interface TransformContext {
  /** Arrival of the Kinesis record, epoch milliseconds: the same on every attempt and replay. */
  readonly ingestedAtMs: number;
}

/** A transform's word that a record is not wanted: counted as dropped, with its reason, and not delivered. */
export interface Drop {
  readonly drop: string;
}

/** How fine a dataset's partitions are. Firehose holds at most 500 active partitions per delivery stream. */
export type PartitionGranularity = 'day' | 'hour';

/** Epoch milliseconds between which an event time is accepted; both ends belong to it. */
export interface EventTimeWindow {
  /** First accepted day, `yyyy-MM-dd`, UTC. */
  readonly from: string;
  /** How far after its arrival an event may lie: ISO 8601 duration of days and hours, such as `P1D` or `PT6H`. */
  readonly aheadOfNow: string;
}

/** What a dataset folder declares. `In` and `Out` are generated from `schema.avsc` and `output.avsc`. */
export interface DatasetDefinition<In, Out> {
  /** Folder name, table name, delivery stream suffix and CloudEvents type: `[a-z][a-z0-9_]{0,62}`. */
  readonly name: string;
  /** The input contract. */
  readonly schema: Schema;
  /** What lands in Parquet. Field names are lower case and do not start with `_`. */
  readonly output: Schema;
  /** DQDL ruleset, row-level rules only. */
  readonly quality: string;
  /** Event time, epoch milliseconds; decides `dt` and `hour`. */
  readonly eventTime: (record: In) => number;
  readonly eventTimeWindow: EventTimeWindow;
  readonly partition: PartitionGranularity;
  /** Business identity within the source. */
  readonly id: (record: In) => string;
  /** Partition key: order is kept per key. 1 to 256 characters. */
  readonly key: (record: In) => string;
  /**
   * Where the text stands that `key` gives, property names joined by dots, for who cannot call it: API Gateway. A record
   * without it, or with other characters than letters, digits, spaces and `._:;,/+=@-` there, gets a key of its own.
   * Default: each does.
   */
  readonly keyField?: string;
  readonly transform: (record: In, context: TransformContext) => Out | Drop;
  /** Fields that the schema does not know: `report` quarantines the record, `ignore` lets them pass. Default `ignore`. */
  readonly unknownFields?: 'report' | 'ignore';
  /**
   * `position`: each place on the stream counts once, which is free. `event`: so does each `_event_id` of what is to be
   * delivered, which costs a write to DynamoDB an event. Default `position`.
   */
  readonly deduplicate?: 'position' | 'event';
  /** Share of passed checks, 0 to 1, below which a record is quarantined. Default: the pipeline's setting. */
  readonly qualityThreshold?: number;
  /** How files of the dataset are read where their content leaves it open. */
  readonly files?: FileOptions;
  /** What is pulled by itself, each entry a run at each of its times. */
  readonly schedules?: readonly DatasetSchedule[];
}

export interface FileOptions {
  /** Where the records of a JSON document are, property names joined by dots, such as `features`. Default: the document is an array of them. */
  readonly recordPath?: string;
  /** Names of the columns of a CSV file without a header. Default: its first line has them. */
  readonly csvColumns?: readonly string[];
  /** One character of ASCII that is no quote, letter, digit or end of line. Default `,`. */
  readonly csvDelimiter?: string;
}

export interface DatasetSchedule {
  /** Told apart within the dataset: `[a-z][a-z0-9-]{0,30}`. */
  readonly name: string;
  /** `rate(…)`, `cron(…)` in UTC: scheduler/latest/UserGuide/schedule-types.html */
  readonly expression: string;
  readonly pull: /** Objects of the raw bucket below a prefix. */
    | { readonly kind: 's3'; readonly prefix: string }
    /** A document, asked for with the ETag and Last-Modified of the last one. */
    | {
        readonly kind: 'http';
        /** https, or http on loopback. */
        readonly url: string;
        /** Default 100 MiB; more fails the run. */
        readonly bytesMax?: number;
        /** For the whole answer. Default 60,000. */
        readonly timeoutMs?: number;
      };
  /** Default true. */
  readonly enabled?: boolean;
}

/** A column of a Glue table. */
export interface Column {
  readonly name: string;
  /** Hive type, such as `bigint` or `struct<lat:double,lon:double>`. */
  readonly type: string;
  readonly comment: string;
}

/** Checks a value against an Avro schema. Returns the first failure, or `undefined` when the value conforms. */
export type Validate = (value: unknown) => Failure | undefined;

/** The outcome of a record's row-level quality rules. */
export interface QualityScore {
  /** Share of rules that passed, 0 to 1; 1 for a dataset without rules. */
  readonly score: number;
  /** The rules that failed, as written in the ruleset. */
  readonly failedRules: readonly string[];
}

/** A compiled dataset: everything the stages need, computed once. */
export interface Dataset<In = unknown, Out = unknown> {
  readonly definition: DatasetDefinition<In, Out>;
  readonly name: string;
  /** CRC-64-AVRO of the input schema's Parsing Canonical Form, 16 hex digits: `_schema_version`. */
  readonly schemaVersion: string;
  /** The 10-byte header of Avro single-object encoding for the input schema: `C3 01` and the little-endian fingerprint. */
  readonly singleObjectHeader: Uint8Array;
  /** Decodes one Avro binary body; throws on anything but exactly one datum within the caps. */
  readonly decodeAvro: (body: Uint8Array) => In;
  /** Encodes one record in Avro binary, without header. Throws when the record does not conform. */
  readonly encodeAvro: (record: In) => Uint8Array;
  /**
   * Validates a JSON value against the input schema and turns its logical types into their canonical form in place
   * (timestamps to epoch milliseconds, and so on: see `schemas/validate.ts`). The value must be the caller's own.
   */
  readonly validateInput: Validate;
  /** Validates a transform's output before it is sent, so that Firehose never fails to convert it. */
  readonly validateOutput: Validate;
  /** Scores an output record by the quality rules. */
  readonly score: (output: Out) => QualityScore;
  /** Accepted event times, epoch milliseconds: from this on, */
  readonly eventTimeFromMs: number;
  /** and until the record's arrival plus this. */
  readonly eventTimeAheadMsMax: number;
  /** Glue columns of the table: the output's, then the pipeline's own (`_record_id`, …). */
  readonly columns: readonly Column[];
  /** Names of output fields whose values are sent as `yyyy-MM-dd HH:mm:ss.SSS` (timestamps are epoch ms in records). */
  readonly timestampFields: readonly string[];
}
