/** Journals as a test plans them, written as the processor would, and what the ledger must come to by them. */
import { encodeCounts, type JournalGroup, journalPut, type Outcome } from '../../../processors/books/journal-entry.ts';
import {
  arrivalLedgerKey,
  checkpointKey,
  minuteKey,
  partitionLedgerKey,
  runLedgerKey,
  runPartitionKey,
  type ShardRef,
  type StreamRef,
} from '../../../processors/books/keys.ts';
import type { StateKey, StateTablePort } from '../../../processors/books/state-table.ts';
import { padSequence } from '../../../streams/position.ts';
import { sequenceOf } from '../processors/kinesis-event.ts';

export const STREAM: StreamRef = {
  streamArn: 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream',
  createdAtMs: 1_700_000_000_000,
};
export const COMMITTED_AT_MS = Date.UTC(2026, 10, 25, 7, 30);

export interface PlannedGroup {
  readonly dataset: string;
  readonly runId: string;
  readonly outcome: Outcome;
  /** Of the partition, for what is delivered; since 2026-01-01. */
  readonly day: number;
  /** Of arrival, on 2026-11-25. */
  readonly hour: number;
  readonly events: number;
  readonly fingerprint: bigint;
  /** Score, in eighths: sums of them are exact. */
  readonly eighths: number;
}

export interface PlannedEntry {
  readonly groups: readonly PlannedGroup[];
  readonly records: number;
  readonly latencyMs: number;
  /** Than the entry before. */
  readonly secondsLater: number;
}

export const shardOf = (index: number): ShardRef => ({
  ...STREAM,
  shardId: `shardId-${String(index).padStart(12, '0')}`,
});

/** Last sequence number of a shard's entry. */
export const endOf = (entry: number): string => padSequence(sequenceOf(entry * 1_000 + 999));

/** @param shards the entries of each */
export async function writeJournal(table: StateTablePort, shards: readonly (readonly PlannedEntry[])[]): Promise<void> {
  for (const [index, entries] of shards.entries()) {
    const shard = shardOf(index);
    let [atMs, records] = [COMMITTED_AT_MS, 0];
    for (const [number, planned] of entries.entries()) {
      atMs += planned.secondsLater * 1_000;
      records += planned.records;
      const put = journalPut(
        {
          shard,
          after: number === 0 ? '' : endOf(number - 1),
          from: padSequence(sequenceOf(number * 1_000)),
          to: endOf(number),
          requestId: 'request',
          attempts: 1,
          version: 'v1',
          committedAtMs: atMs,
          records: planned.records,
          fingerprint: 1n,
          arrivedFromMs: atMs - planned.latencyMs,
          arrivedToMs: atMs - planned.latencyMs,
        },
        encodeCounts({ groups: planned.groups.map(groupOf), latencies: [[planned.latencyMs, planned.records]] }),
      );
      const set = { position: endOf(number), entries: number + 1, records, updated_at: atMs };
      await table.transact([put, { kind: 'update', key: checkpointKey(shard), set }]);
    }
  }
}

function groupOf(planned: PlannedGroup): JournalGroup {
  const { dataset, runId, outcome, events, fingerprint } = planned;
  const isDelivered = outcome === 'delivered';
  const partition = isDelivered ? dayOf(planned) : '';
  const score = isDelivered ? planned.eighths / 8 : 0;
  return { dataset, runId, outcome, partition, hour: hourOf(planned), events, fingerprint, score };
}

const hourOf = ({ hour }: PlannedGroup): string => `2026-11-25T${String(hour).padStart(2, '0')}`;
const dayOf = ({ day }: PlannedGroup): string => new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);

/** Every item of the ledger by `<pk> <sk>`, added up one event group after the other. */
export function summed(shards: readonly (readonly PlannedEntry[])[]): Record<string, Record<string, unknown>> {
  const items: Record<string, Record<string, number | bigint>> = {};
  const itemOf = ({ pk, sk }: StateKey) => {
    const item = items[`${pk} ${sk}`] ?? {};
    items[`${pk} ${sk}`] = item;
    return item;
  };
  const add = (key: StateKey, name: string, amount: number | bigint) => {
    const item = itemOf(key);
    const total = BigInt(item[name] ?? 0) + BigInt(amount);
    item[name] = Number.isSafeInteger(Number(total)) ? Number(total) : total;
  };
  for (const [index, entries] of shards.entries()) {
    let atMs = COMMITTED_AT_MS;
    for (const { groups, records, latencyMs, secondsLater } of entries) {
      atMs += secondsLater * 1_000;
      const minute = new Date(atMs).toISOString().slice(0, 16);
      for (const dataset of new Set(groups.map((each) => each.dataset))) {
        const key = minuteKey(shardOf(index), dataset, minute);
        const item = itemOf(key);
        item.score ??= 0;
        item.latency_min = Math.min(Number(item.latency_min ?? latencyMs), latencyMs);
        item.latency_max = Math.max(Number(item.latency_max ?? latencyMs), latencyMs);
        add(key, 'records', records);
      }
      for (const group of groups) {
        const { dataset, runId, outcome, events, fingerprint, eighths } = group;
        const minuteItem = minuteKey(shardOf(index), dataset, minute);
        const keys = [arrivalLedgerKey(dataset, hourOf(group)), ...(runId === '' ? [] : [runLedgerKey(runId)])];
        for (const key of [...keys, minuteItem]) {
          add(key, 'received', events);
          add(key, outcome, events);
        }
        for (const key of keys) add(key, `${outcome}_fingerprint`, fingerprint);
        const tables: Record<string, StateKey | undefined> = {
          delivered: partitionLedgerKey(dataset, dayOf(group)),
          quarantined: partitionLedgerKey('failed_events', '*'),
        };
        const table = tables[outcome];
        if (runId !== '' && outcome === 'delivered') {
          add(runLedgerKey(runId), 'score_millionths', eighths * 125_000);
          add(runPartitionKey(runId, dataset, dayOf(group)), 'delivered', events);
        }
        if (runId !== '' && outcome === 'quarantined') {
          add(runPartitionKey(runId, 'failed_events', '*'), 'delivered', events);
        }
        if (table) add(table, 'delivered', events);
        if (table) add(table, 'delivered_fingerprint', fingerprint);
        if (outcome === 'delivered') itemOf(minuteItem).score = Number(itemOf(minuteItem).score) + eighths / 8;
      }
    }
  }
  return items;
}
