/** Keys of the items in the state table: the one place that knows how they are spelt. `docs/books.md` lists them. */
import { padSequence } from '../../streams/position.ts';
import type { StateKey } from './state-table.ts';

/** A stream, told from an earlier one of the same name by when it was made. */
export interface StreamRef {
  readonly streamArn: string;
  /** `StreamCreationTimestamp`, epoch milliseconds: kinesis/latest/APIReference/API_StreamDescriptionSummary.html */
  readonly createdAtMs: number;
}

export interface ShardRef extends StreamRef {
  /** `shardId-000000000006` */
  readonly shardId: string;
}

/** Holds the checkpoint and the ledger's cursor of every shard. */
export const streamPartition = ({ streamArn, createdAtMs }: StreamRef): string => `stream#${streamArn}#${createdAtMs}`;

export const CHECKPOINTS = { from: 'checkpoint#', to: 'checkpoint#~' } as const;

/** How far the shard is processed, and what `begin` pins. */
export const checkpointKey = (shard: ShardRef): StateKey => ({
  pk: streamPartition(shard),
  sk: `checkpoint#${shard.shardId}`,
});

/** How far the shard's journal is folded into the ledger. */
export const cursorKey = (shard: ShardRef): StateKey => ({ pk: streamPartition(shard), sk: `cursor#${shard.shardId}` });

export const journalPartition = (shard: ShardRef): string =>
  `journal#${shard.streamArn}#${shard.createdAtMs}#${shard.shardId}`;

/** @param to last sequence number that the entry covers, padded or not: text order is the order of the shard */
export const journalKey = (shard: ShardRef, to: string): StateKey => ({
  pk: journalPartition(shard),
  sk: padSequence(to),
});

/** The dataset of what could not be told to belong to one. */
export const UNKNOWN_DATASET = '?';

/** @param dataset a dataset's name, `failed_events`, or `?` */
export const ledgerPartition = (dataset: string): string => `ledger#${dataset}`;

/** The table of what was quarantined: a row an event. */
export const FAILED_EVENTS = 'failed_events';
/** Its partition goes by when Firehose takes a row in, which is known when it has landed. */
export const ANY_PARTITION = '*';

/**
 * What was delivered to a table's partition, and what has landed in it.
 * @param partition `2026-01-01`, or `2026-01-01T05` in a table by hour; `*` for `failed_events` as delivered
 */
export const partitionLedgerKey = (dataset: string, partition: string): StateKey => ({
  pk: ledgerPartition(dataset),
  sk: `partition#${partition}`,
});

/** What arrived in an hour, by outcome. @param hour `2026-11-25T07`, UTC */
export const arrivalLedgerKey = (dataset: string, hour: string): StateKey => ({
  pk: ledgerPartition(dataset),
  sk: `arrival#${hour}`,
});

/** Holds all that is known of a run. */
export const runPartition = (runId: string): string => `run#${runId}`;

/** A run as its producer and those who asked for it have it. */
export const runKey = (runId: string): StateKey => ({ pk: runPartition(runId), sk: 'run' });

/** A request that brought records to a run. @param requestHash of the request's identity, hex digits */
export const runRequestKey = (runId: string, requestHash: string): StateKey => ({
  pk: runPartition(runId),
  sk: `request#${requestHash}`,
});

/** What a run has come to. */
export const runLedgerKey = (runId: string): StateKey => ({ pk: runPartition(runId), sk: 'ledger' });

/** Records of a run that Lambda gave up. @param entryHash of the chunk and of the record that carried it, hex digits */
export const runParkedKey = (runId: string, entryHash: string): StateKey => ({
  pk: runPartition(runId),
  sk: `parked#${entryHash}`,
});

/** Rows that a run waits for, once all of it is accounted for. */
export const runLandingKey = (runId: string): StateKey => ({ pk: runPartition(runId), sk: 'landing' });

/** What a run has delivered to a table's partition. @param partition as of `partitionLedgerKey` */
export const runPartitionKey = (runId: string, table: string, partition: string): StateKey => ({
  pk: runPartition(runId),
  sk: `partition#${table}#${partition}`,
});

/** Real-time figures of an hour: an item a minute, shard and dataset. @param hour `2026-11-25T07`, UTC */
export const minutesPartition = (hour: string): string => `minutes#${hour}`;

/** @param minute `2026-11-25T07:31`, UTC: when the batch was committed */
export const minuteKey = (shard: ShardRef, dataset: string, minute: string): StateKey => ({
  pk: minutesPartition(minute.slice(0, 13)),
  sk: `${minute.slice(14)}#${dataset}#${shard.streamArn}#${shard.createdAtMs}#${shard.shardId}`,
});

/** Sort keys that begin so. @param prefix such as `partition#` */
export const beginningWith = (prefix: string) => ({ from: prefix, to: `${prefix}~` }) as const;

/** A Parquet object that was counted. @param objectKey key in the processed bucket */
export const landedKey = (table: string, objectKey: string): StateKey => ({ pk: `landed#${table}`, sk: objectKey });

/** Objects that hold what came back: an on-failure document of Lambda, or an error object of Firehose. */
export const PARKED = 'parked';
export const parkedKey = (objectKey: string): StateKey => ({ pk: PARKED, sk: objectKey });
export const MISDELIVERED = 'misdelivered';
export const misdeliveredKey = (objectKey: string): StateKey => ({ pk: MISDELIVERED, sk: objectKey });

/** A claim on something that may be processed once. @param subject such as `event#flights#<_event_id>` */
export const claimKey = (subject: string): StateKey => ({ pk: `claim#${subject}`, sk: 'claim' });

/** What the last pull of a schedule left for the next. */
export const pullKey = (dataset: string, schedule: string): StateKey => ({ pk: `pull#${dataset}`, sk: schedule });
