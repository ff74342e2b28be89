/**
 * What the items of the ledger gain by journal entries. Pure: the same entry gives the same gains in the same order, which
 * is what lets a fold go on in the middle of one.
 */
import type { JournalEntry, JournalGroup } from '../../processors/books/journal-entry.ts';
import {
  ANY_PARTITION,
  arrivalLedgerKey,
  FAILED_EVENTS,
  minuteKey,
  partitionLedgerKey,
  runLedgerKey,
  runPartitionKey,
} from '../../processors/books/keys.ts';
import type { StateKey } from '../../processors/books/state-table.ts';
import { emptyMinute, type MinuteGain, mergeMinute, minuteGain, minuteOf } from './minute-gain.ts';

/** Quality scores of a run are summed as integers, so that they add up by themselves: so many are a score of 1. */
export const SCORE_UNITS = 1_000_000;

/** What one item gains. */
export interface Gain {
  readonly key: StateKey;
  /** By attribute: integers, added to what is there. */
  readonly amounts: Map<string, bigint>;
  /** Of an item of figures by the minute: what does not add up by itself. */
  readonly minute?: MinuteGain;
}

/** By `<pk>\n<sk>`. */
export type Gains = Map<string, Gain>;

export function gainsOf(entry: JournalEntry): Gains {
  const gains: Gains = new Map();
  for (const group of entry.groups) {
    addArrival(gainOf(gains, arrivalLedgerKey(group.dataset, group.hour)), group);
    if (group.runId !== '') addRun(gains, group);
    if (group.outcome === 'delivered') addDelivered(gains, group.dataset, group.partition, group);
    if (group.outcome === 'quarantined') addDelivered(gains, FAILED_EVENTS, ANY_PARTITION, group);
  }
  const minute = minuteOf(entry.committedAtMs);
  for (const [dataset, groups] of Map.groupBy(entry.groups, (group) => group.dataset)) {
    const gain = gainOf(gains, minuteKey(entry.shard, dataset, minute), minuteGain(entry, groups));
    for (const group of groups) addCounts(gain, group);
    add(gain, 'records', BigInt(entry.records));
  }
  return gains;
}

/** Adds `more` to `gains`. */
export function mergeGains(gains: Gains, more: Gains): void {
  for (const { key, amounts, minute } of more.values()) {
    const gain = gainOf(gains, key, minute && emptyMinute());
    for (const [name, amount] of amounts) add(gain, name, amount);
    if (gain.minute && minute) mergeMinute(gain.minute, minute);
  }
}

/** How many items gain in `more` alone. */
export function newItems(gains: Gains, more: Gains): number {
  let count = 0;
  for (const key of more.keys()) if (!gains.has(key)) count += 1;
  return count;
}

/** In the order of their keys. */
export function sortedGains(gains: Gains): readonly Gain[] {
  return [...gains].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, gain]) => gain);
}

function gainOf(gains: Gains, key: StateKey, minute?: MinuteGain): Gain {
  const name = `${key.pk}\n${key.sk}`;
  const known = gains.get(name);
  if (known) return known;
  const gain: Gain = { key, amounts: new Map(), ...(minute && { minute }) };
  gains.set(name, gain);
  return gain;
}

function addCounts(gain: Gain, { outcome, events }: JournalGroup): void {
  add(gain, 'received', BigInt(events));
  add(gain, outcome, BigInt(events));
}

function addArrival(gain: Gain, group: JournalGroup): void {
  addCounts(gain, group);
  add(gain, `${group.outcome}_fingerprint`, group.fingerprint);
}

/** Its own ledger, and the rows that it waits for until they have landed. */
function addRun(gains: Gains, group: JournalGroup): void {
  const { runId, dataset, outcome, partition, events, score } = group;
  const ledger = gainOf(gains, runLedgerKey(runId));
  addArrival(ledger, group);
  if (outcome === 'quarantined') addRows(gains, runPartitionKey(runId, FAILED_EVENTS, ANY_PARTITION), events);
  if (outcome !== 'delivered') return;
  add(ledger, 'score_millionths', BigInt(Math.round(score * SCORE_UNITS)));
  addRows(gains, runPartitionKey(runId, dataset, partition), events);
}

function addRows(gains: Gains, key: StateKey, events: number): void {
  add(gainOf(gains, key), 'delivered', BigInt(events));
}

function addDelivered(gains: Gains, table: string, partition: string, group: JournalGroup): void {
  const gain = gainOf(gains, partitionLedgerKey(table, partition));
  add(gain, 'delivered', BigInt(group.events));
  add(gain, 'delivered_fingerprint', group.fingerprint);
}

function add(gain: Gain, name: string, amount: bigint): void {
  gain.amounts.set(name, (gain.amounts.get(name) ?? 0n) + amount);
}
