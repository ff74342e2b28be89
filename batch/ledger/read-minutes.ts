/** Reads the figures by the minute, merged over shards. */
import { minutesPartition } from '../../processors/books/keys.ts';
import { numberOf, type StateItem, type StateTablePort } from '../../processors/books/state-table.ts';
import { emptyMinute, mergeMinute, minuteOf, readMinute } from './minute-gain.ts';

/** What batches that were committed in a minute came to, of one dataset. */
export interface MinuteFigures {
  /** `2026-11-25T07:31`, UTC */
  readonly minute: string;
  /** `?` for what could not be told to belong to one. */
  readonly dataset: string;
  readonly received: number;
  readonly delivered: number;
  readonly quarantined: number;
  readonly dropped: number;
  readonly duplicate: number;
  /** Of what was delivered, 0 to 1; undefined when nothing was. */
  readonly meanScore: number | undefined;
  /** Kinesis records of the batches that held events of the dataset. */
  readonly records: number;
  /** Milliseconds from arrival to commit of those records; quantiles are right to within 1%. */
  readonly latency: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly min: number;
    readonly max: number;
  };
}

/** Hours that one call reads: 31 days, as long as the items are kept. */
const HOURS_MAX = 31 * 24;
const MINUTE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;
const HOUR_MS = 3_600_000;

/**
 * Minutes without a batch have no figures.
 * @param fromMinute `2026-11-25T07:31`, UTC, included
 * @param toMinute the same, included; at most 31 days later
 * @returns in the order of minute and dataset
 * @throws RangeError when a minute is none, or they are too far apart
 */
export async function readMinutes(
  table: StateTablePort,
  fromMinute: string,
  toMinute: string,
): Promise<readonly MinuteFigures[]> {
  const figures: MinuteFigures[] = [];
  for (const hour of hoursBetween(fromMinute, toMinute)) {
    const items = await table.query(minutesPartition(hour), {
      ...(fromMinute.startsWith(hour) && { from: fromMinute.slice(14) }),
      // Behind every item of the minute.
      ...(toMinute.startsWith(hour) && { to: `${toMinute.slice(14)}~` }),
    });
    for (const [name, ofShards] of Map.groupBy(items, ({ sk }) => sk.split('#', 2).join('#'))) {
      const [minute = '', dataset = ''] = name.split('#');
      figures.push(figuresOf(`${hour}:${minute}`, dataset, ofShards));
    }
  }
  return figures;
}

/** `2026-11-25T07` of every hour. */
function hoursBetween(fromMinute: string, toMinute: string): readonly string[] {
  const from = hourOf(fromMinute);
  const count = Math.max(0, hourOf(toMinute) - from + 1);
  if (count > HOURS_MAX) throw new RangeError(`minutes: received ${count} hours, allowed: ${HOURS_MAX}`);
  return Array.from({ length: count }, (_, index) => minuteOf((from + index) * HOUR_MS).slice(0, 13));
}

/** Since the epoch. */
function hourOf(minute: string): number {
  const atMs = MINUTE.test(minute) ? Date.parse(`${minute}Z`) : Number.NaN;
  if (Number.isNaN(atMs)) throw new RangeError(`minute: received ${minute}, allowed: such as 2026-11-25T07:31`);
  return Math.floor(atMs / HOUR_MS);
}

function figuresOf(minute: string, dataset: string, items: readonly StateItem[]): MinuteFigures {
  const sum = (name: string) => items.reduce((total, item) => total + numberOf(item, name), 0);
  const all = emptyMinute();
  for (const item of items) mergeMinute(all, readMinute(item));
  const delivered = sum('delivered');
  const quantile = (share: number) =>
    // The sketch rounds to within 1%, which must not lie outside of what was seen.
    Math.min(all.latencyMaxMs, Math.max(all.latencyMinMs, all.latency.getValueAtQuantile(share)));
  return {
    minute,
    dataset,
    received: sum('received'),
    delivered,
    quarantined: sum('quarantined'),
    dropped: sum('dropped'),
    duplicate: sum('duplicate'),
    meanScore: delivered > 0 ? all.score / delivered : undefined,
    records: sum('records'),
    latency: {
      p50: quantile(0.5),
      p95: quantile(0.95),
      p99: quantile(0.99),
      min: all.latencyMinMs,
      max: all.latencyMaxMs,
    },
  };
}
