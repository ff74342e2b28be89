/**
 * Figures of a minute that do not simply add up: the sum of scores, and how long records took, as a DDSketch. They are
 * merged with what the item holds, and written on the condition that it still holds that.
 */
import { DDSketch } from '@datadog/sketches-js';
import type { JournalEntry, JournalGroup } from '../../processors/books/journal-entry.ts';
import { LATENCY_ACCURACY, sketchLatencies } from '../../processors/books/latency.ts';
import { numberOf, type StateItem, type StateKey, type StateUpdate } from '../../processors/books/state-table.ts';
import { formatTimestamp } from '../../schemas/timestamp.ts';

/** How long figures by the minute are kept. */
export const MINUTES_KEPT_S = 30 * 86_400;

export interface MinuteGain {
  /** Sum of the quality scores of what was delivered. */
  score: number;
  /** Milliseconds from arrival to commit, a value a Kinesis record. */
  readonly latency: DDSketch;
  /** Shortest and longest, which a sketch in protobuf loses. */
  latencyMinMs: number;
  latencyMaxMs: number;
}

/** `2026-11-25T07:31`, UTC */
export function minuteOf(atMs: number): string {
  return formatTimestamp(atMs).slice(0, 16).replace(' ', 'T');
}

export function emptyMinute(): MinuteGain {
  return {
    score: 0,
    latency: new DDSketch({ relativeAccuracy: LATENCY_ACCURACY }),
    latencyMinMs: Number.POSITIVE_INFINITY,
    latencyMaxMs: 0,
  };
}

/**
 * What a batch comes to in its minute. The latency is that of all its records: one may hold events of several datasets.
 * @param groups of one dataset
 */
export function minuteGain(entry: JournalEntry, groups: readonly JournalGroup[]): MinuteGain {
  const sinceMs = (arrivedAtMs: number) => Math.max(0, entry.committedAtMs - arrivedAtMs);
  return {
    score: groups.reduce((sum, { score }) => sum + score, 0),
    latency: sketchLatencies(entry.latencies),
    latencyMinMs: sinceMs(entry.arrivedToMs),
    latencyMaxMs: sinceMs(entry.arrivedFromMs),
  };
}

/** Adds `more` to `minute`. */
export function mergeMinute(minute: MinuteGain, more: MinuteGain): void {
  minute.score += more.score;
  minute.latency.merge(more.latency);
  minute.latencyMinMs = Math.min(minute.latencyMinMs, more.latencyMinMs);
  minute.latencyMaxMs = Math.max(minute.latencyMaxMs, more.latencyMaxMs);
}

/** @throws TypeError when the item holds none */
export function readMinute(item: StateItem): MinuteGain {
  const { latency } = item.attributes;
  if (!(latency instanceof Uint8Array)) throw new TypeError(`${item.pk} ${item.sk}: latency is no bytes`);
  return {
    score: numberOf(item, 'score'),
    latency: DDSketch.fromProto(latency),
    latencyMinMs: numberOf(item, 'latency_min'),
    latencyMaxMs: numberOf(item, 'latency_max'),
  };
}

/**
 * @param key of `minuteKey`
 * @param before the item as it was read
 */
export function minuteWrite(
  key: StateKey,
  amounts: ReadonlyMap<string, bigint>,
  minute: MinuteGain,
  before: StateItem | undefined,
): StateUpdate {
  const merged = emptyMinute();
  if (before) mergeMinute(merged, readMinute(before));
  mergeMinute(merged, minute);
  return {
    kind: 'update',
    key,
    // It grows with every write: the item is as it was read.
    expect: { records: before?.attributes.records },
    set: {
      score: merged.score,
      latency: merged.latency.toProto(),
      latency_min: merged.latencyMinMs,
      latency_max: merged.latencyMaxMs,
      expires_at: expiresAt(key),
    },
    add: Object.fromEntries(amounts),
  };
}

/** Epoch seconds, the same for every shard, so that a minute goes as a whole. */
function expiresAt({ pk, sk }: StateKey): number {
  return Date.parse(`${pk.slice(pk.indexOf('#') + 1)}:${sk.slice(0, 2)}Z`) / 1_000 + MINUTES_KEPT_S;
}
