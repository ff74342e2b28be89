/**
 * An entry of the journal: what one batch of one shard came to. Entries are only ever added; each says where the
 * checkpoint stood before it (`after`), so that those of a shard are a chain, and a missing link shows.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { isRecord } from '../../schemas/describe.ts';
import { journalKey, type ShardRef } from './keys.ts';
import type { LatencyCount } from './latency.ts';
import { integerOf, numberOf, type StateItem, type StatePut, textOf } from './state-table.ts';

export const OUTCOMES = ['delivered', 'quarantined', 'dropped', 'duplicate'] as const;
/** Every event has exactly one. */
export type Outcome = (typeof OUTCOMES)[number];

/** Events of a batch that are alike in all of this. */
export interface JournalGroup {
  /** `?` where it could not be told. */
  readonly dataset: string;
  /** `''` for events of no run. */
  readonly runId: string;
  readonly outcome: Outcome;
  /** Of the table, for what was delivered: `2026-01-01` or `2026-01-01T05`. `''` for the other outcomes. */
  readonly partition: string;
  /** Of arrival on the stream: `2026-11-25T07`, UTC. */
  readonly hour: string;
  readonly events: number;
  /** Sum of the first 8 hex digits of each `_record_id`. */
  readonly fingerprint: bigint;
  /** Sum of the quality scores, of what was delivered. */
  readonly score: number;
}

export interface JournalEntry {
  readonly shard: ShardRef;
  /** Where the checkpoint stood, padded; `''` at the start of the shard. */
  readonly after: string;
  /** First and last sequence number of the Kinesis records that it counts, padded. */
  readonly from: string;
  readonly to: string;
  /** Of Lambda, for its log. */
  readonly requestId: string;
  /** Attempts that were begun since the entry before, this one included. */
  readonly attempts: number;
  /** Of the code and settings that decided the outcomes. */
  readonly version: string;
  readonly committedAtMs: number;
  /** Kinesis records. */
  readonly records: number;
  /** Sum of the first 8 hex digits of the `_record_id` of subsequence 0 of each. */
  readonly fingerprint: bigint;
  /** Arrival of the first and the last, epoch milliseconds. */
  readonly arrivedFromMs: number;
  readonly arrivedToMs: number;
  /** From arrival to commit, a value a Kinesis record. */
  readonly latencies: readonly LatencyCount[];
  readonly groups: readonly JournalGroup[];
}

/** Bytes from which on an entry is split: an item holds 400 KB (amazondynamodb/latest/developerguide/Constraints.html). */
export const COUNTS_BYTES_MAX = 350_000;

/** Bytes from which on the counts are compressed: most entries have a few groups, and stay readable. */
const PLAIN_BYTES_MAX = 16_384;

/** What an entry counts, as its item holds it. */
export interface JournalCounts {
  readonly groups: readonly JournalGroup[];
  readonly latencies: readonly LatencyCount[];
}

type Row = readonly [
  dataset: string,
  runId: string,
  outcome: number,
  partition: string,
  hour: string,
  events: number,
  fingerprint: string,
  score: number,
];

/** JSON `{groups, latencies}`, a row a group; gzip of it where it is long. */
export function encodeCounts({ groups, latencies }: JournalCounts): Uint8Array {
  const rows = groups.map(
    (group): Row => [
      group.dataset,
      group.runId,
      OUTCOMES.indexOf(group.outcome),
      group.partition,
      group.hour,
      group.events,
      String(group.fingerprint),
      group.score,
    ],
  );
  const text = JSON.stringify({ groups: rows, latencies });
  return text.length <= PLAIN_BYTES_MAX ? Buffer.from(text) : gzipSync(text, { level: 1 });
}

const GZIP_MAGIC = 0x1f;

/** @throws Error when the bytes are none that `encodeCounts` gave */
export function decodeCounts(bytes: Uint8Array): JournalCounts {
  const text = bytes[0] === GZIP_MAGIC ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString();
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || !Array.isArray(value.groups) || !Array.isArray(value.latencies)) {
    throw new Error('counts of a journal entry: received no groups and latencies');
  }
  return { groups: value.groups.map(readGroup), latencies: value.latencies.map(readLatency) };
}

function readGroup(row: unknown): JournalGroup {
  const [dataset, runId, outcome, partition, hour, events, fingerprint, score] = Array.isArray(row) ? row : [];
  const known = typeof outcome === 'number' ? OUTCOMES[outcome] : undefined;
  if (
    ![dataset, runId, partition, hour, fingerprint].every((text) => typeof text === 'string') ||
    known === undefined ||
    ![events, score].every((value) => typeof value === 'number')
  ) {
    throw new Error('counts of a journal entry: received a row that is no group');
  }
  return { dataset, runId, outcome: known, partition, hour, events, fingerprint: BigInt(fingerprint), score };
}

function readLatency(pair: unknown): LatencyCount {
  const [latencyMs, records] = Array.isArray(pair) ? pair : [];
  if (typeof latencyMs !== 'number' || typeof records !== 'number') {
    throw new Error('counts of a journal entry: received a latency that is no pair of numbers');
  }
  return [latencyMs, records];
}

/** @param counts `encodeCounts`, which the caller has measured */
export function journalPut(entry: Omit<JournalEntry, 'groups' | 'latencies'>, counts: Uint8Array): StatePut {
  return {
    kind: 'put',
    key: journalKey(entry.shard, entry.to),
    when: 'new',
    attributes: {
      after: entry.after,
      from: entry.from,
      request_id: entry.requestId,
      attempts: entry.attempts,
      version: entry.version,
      committed_at: entry.committedAtMs,
      records: entry.records,
      fingerprint: entry.fingerprint,
      arrived_from: entry.arrivedFromMs,
      arrived_to: entry.arrivedToMs,
      counts,
    },
  };
}

/** @throws TypeError or Error when the item is no journal entry */
export function readJournalEntry(shard: ShardRef, item: StateItem): JournalEntry {
  const { counts } = item.attributes;
  if (!(counts instanceof Uint8Array)) {
    throw new TypeError(`${item.pk} ${item.sk}: counts is of type ${typeof counts}, allowed: bytes`);
  }
  return {
    shard,
    after: textOf(item, 'after'),
    from: textOf(item, 'from'),
    to: item.sk,
    requestId: textOf(item, 'request_id'),
    attempts: numberOf(item, 'attempts'),
    version: textOf(item, 'version'),
    committedAtMs: numberOf(item, 'committed_at'),
    records: numberOf(item, 'records'),
    fingerprint: integerOf(item, 'fingerprint'),
    arrivedFromMs: numberOf(item, 'arrived_from'),
    arrivedToMs: numberOf(item, 'arrived_to'),
    ...decodeCounts(counts),
  };
}
