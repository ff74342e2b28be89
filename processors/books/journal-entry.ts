/**
 * An entry of the journal: what one batch of one shard came to. Entries are only ever added; each says where the
 * checkpoint stood before it (`after`), so that those of a shard are a chain, and a missing link shows.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { journalKey, type ShardRef } from './keys.ts';
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
  /** Milliseconds from arrival to commit, a value a Kinesis record: a DDSketch in protobuf. */
  readonly latency: Uint8Array;
  readonly groups: readonly JournalGroup[];
}

/** Bytes from which on an entry is split: an item holds 400 KB (amazondynamodb/latest/developerguide/Constraints.html). */
export const GROUPS_BYTES_MAX = 350_000;

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

/** Groups as an item holds them: gzip of JSON rows. */
export function encodeGroups(groups: readonly JournalGroup[]): Uint8Array {
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
  return gzipSync(JSON.stringify(rows), { level: 1 });
}

/** @throws Error when the bytes are none that `encodeGroups` gave */
export function decodeGroups(bytes: Uint8Array): JournalGroup[] {
  const rows: unknown = JSON.parse(gunzipSync(bytes).toString());
  if (!Array.isArray(rows)) throw new Error('groups of a journal entry: received no list');
  return rows.map((row: unknown) => {
    const [dataset, runId, outcome, partition, hour, events, fingerprint, score] = Array.isArray(row) ? row : [];
    const known = typeof outcome === 'number' ? OUTCOMES[outcome] : undefined;
    if (
      ![dataset, runId, partition, hour, fingerprint].every((text) => typeof text === 'string') ||
      known === undefined ||
      ![events, score].every((value) => typeof value === 'number')
    ) {
      throw new Error('groups of a journal entry: received a row that is no group');
    }
    return { dataset, runId, outcome: known, partition, hour, events, fingerprint: BigInt(fingerprint), score };
  });
}

/** @param groups `encodeGroups(entry.groups)`, which the caller has measured */
export function journalPut(entry: Omit<JournalEntry, 'groups'>, groups: Uint8Array): StatePut {
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
      latency: entry.latency,
      groups,
    },
  };
}

/** @throws TypeError or Error when the item is no journal entry */
export function readJournalEntry(shard: ShardRef, item: StateItem): JournalEntry {
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
    latency: bytesOf(item, 'latency'),
    groups: decodeGroups(bytesOf(item, 'groups')),
  };
}

function bytesOf(item: StateItem, name: string): Uint8Array {
  const value = item.attributes[name];
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${item.pk} ${item.sk}: ${name} is of type ${typeof value}, allowed: bytes`);
}
