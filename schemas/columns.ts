/** The columns that the pipeline itself writes: on every dataset's table, and of the table `failed_events`. */
import type { Column, PartitionGranularity } from './dataset.ts';

const SHARED: Readonly<Record<string, Column>> = {
  recordId: column(
    '_record_id',
    'string',
    'Physical identity: hash of stream, shard, sequence number and subsequence, 32 hex digits',
  ),
  ingestedAt: column('_ingested_at', 'timestamp', 'Arrival on the stream, UTC'),
  processedAt: column('_processed_at', 'timestamp', 'When the attempt that delivered it began, UTC'),
  source: column('_source', 'string', 'Source of the event, as its producer names itself'),
  runId: column('_run_id', 'string', 'Run that brought the record, if any'),
  traceId: column('_trace_id', 'string', 'W3C trace id, 32 hex digits, if any'),
  position: column(
    '_position',
    'string',
    'Shard, sequence number (56 digits) and subsequence (7 digits), joined by colons: text order is stream order',
  ),
};

function column(name: string, type: string, comment: string): Column {
  return Object.freeze({ name, type, comment });
}

function shared(...names: string[]): Column[] {
  return names.flatMap((name) => SHARED[name] ?? []);
}

/** Added to every dataset's table, after the dataset's own columns, in this order. */
export const PIPELINE_COLUMNS: readonly Column[] = Object.freeze([
  ...shared('recordId'),
  column('_event_id', 'string', 'Business identity: UUIDv5 of source and id'),
  column('_event_time', 'timestamp', 'When the event happened, UTC; decides the partition'),
  ...shared('ingestedAt', 'processedAt', 'source', 'runId', 'traceId'),
  column('_schema_version', 'string', 'CRC-64-AVRO of the schema that the record was written with, 16 hex digits'),
  column('_quality_score', 'double', 'Share of quality rules that passed, 0 to 1'),
  column('_failed_rules', 'array<string>', 'Quality rules that failed, as written in the ruleset'),
  ...shared('position'),
]);

/** All columns of the table `failed_events`, which is partitioned by arrival. */
export const FAILED_EVENTS_COLUMNS: readonly Column[] = Object.freeze([
  ...shared('recordId', 'ingestedAt', 'processedAt', 'source', 'runId', 'traceId', 'position'),
  column('dataset', 'string', 'Dataset, where it could be told'),
  column('stage', 'string', 'Stage that found the failure: decode, validate, transform or score'),
  column('code', 'string', 'Failure code; docs/failure-codes.md describes each'),
  column('path', 'string', 'Path of the offending value; empty for the record itself'),
  column('expected', 'string', 'What is allowed there'),
  column('received', 'string', 'What was found there, shortened'),
  column('message', 'string', 'One sentence for a person'),
  column('payload', 'string', 'Original bytes, base64; null when kept in S3'),
  column('payload_bytes', 'bigint', 'Length of the original bytes'),
  column('payload_uri', 'string', 'Where the original bytes are kept in S3; null when they are in payload'),
]);

const DAY = column('dt', 'string', 'Partition: day, yyyy-MM-dd, UTC');
const HOUR = column('hour', 'string', 'Partition: hour, HH, UTC');

/** Partition keys of a table, by granularity: of event time for datasets, of arrival (`hour`) for `failed_events`. */
export const PARTITION_KEYS: Readonly<Record<PartitionGranularity, readonly Column[]>> = Object.freeze({
  day: Object.freeze([DAY]),
  hour: Object.freeze([DAY, HOUR]),
});
