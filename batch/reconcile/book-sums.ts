/**
 * What the journal comes to, gathered entry by entry: events by dataset, what each table's partition should hold, and what
 * the folded part of it makes of the ledger. As large as the ledger is, whatever the journal.
 */
import type { JournalEntry, JournalGroup, Outcome } from '../../processors/books/journal-entry.ts';
import { FAILED_EVENTS } from '../../processors/stages/route.ts';
import type { Cursor } from '../ledger/cursor.ts';
import { type Gain, type Gains, gainsOf, mergeGains, sortedGains } from '../ledger/gains.ts';
import type { Sum } from './ports.ts';
import type { DatasetFigures } from './report.ts';
import { holdsGroup, type Scope } from './scope.ts';

/** Of `failed_events`, whose partition is only known when it has landed. */
export const ANY_PARTITION = '*';

/** Sums by table and partition. */
export type TableSums = Map<string, Map<string, Sum>>;

export interface BookSums {
  add(entry: JournalEntry, cursor: Cursor): void;
  datasets(): readonly DatasetFigures[];
  /** What rows there should be of the entries in scope, and of those that are not folded yet. */
  readonly expected: TableSums;
  readonly unfolded: TableSums;
  /** What the ledger's items have gained. */
  readonly folded: Gains;
  readonly lagEntries: () => number;
}

export function createBookSums(scope: Scope): BookSums {
  const datasets = new Map<string, Record<Outcome, number>>();
  const expected: TableSums = new Map();
  const unfolded: TableSums = new Map();
  const folded: Gains = new Map();
  let lagEntries = 0;

  return {
    expected,
    unfolded,
    folded,
    lagEntries: () => lagEntries,
    add(entry, cursor) {
      const isFolded = entry.to <= cursor.position;
      for (const group of entry.groups) {
        const place = placeOf(group);
        if (place && !isFolded) addSum(unfolded, place, group);
        if (!holdsGroup(scope, group)) continue;
        if (place) addSum(expected, place, group);
        const counts = datasets.get(group.dataset) ?? { delivered: 0, quarantined: 0, dropped: 0, duplicate: 0 };
        counts[group.outcome] += group.events;
        datasets.set(group.dataset, counts);
      }
      if (isFolded) mergeGains(folded, withoutMinutes([...gainsOf(entry).values()]));
      else lagEntries += 1;
      // An entry that is folded in part has been begun right after the cursor.
      if (!isFolded && entry.after === cursor.position && cursor.part > 0) {
        const part = sortedGains(gainsOf(entry)).slice(0, cursor.part);
        mergeGains(folded, withoutMinutes(part));
        takeFromUnfolded(unfolded, part);
      }
    },
    datasets: () =>
      [...datasets]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([dataset, counts]) => {
          const { delivered, quarantined, dropped, duplicate } = counts;
          return { dataset, received: delivered + quarantined + dropped + duplicate, ...counts };
        }),
  };
}

export interface TablePlace {
  readonly table: string;
  readonly partition: string;
}

/** Where the rows of a group are; undefined for what has none. */
export function placeOf({ outcome, dataset, partition }: JournalGroup): TablePlace | undefined {
  if (outcome === 'delivered') return { table: dataset, partition };
  return outcome === 'quarantined' ? { table: FAILED_EVENTS, partition: ANY_PARTITION } : undefined;
}

export function addSum(
  sums: TableSums,
  { table, partition }: TablePlace,
  more: { events: number; fingerprint: bigint },
) {
  const partitions = sums.get(table) ?? new Map<string, Sum>();
  sums.set(table, partitions);
  const { count, fingerprint } = partitions.get(partition) ?? NOTHING;
  partitions.set(partition, { count: count + more.events, fingerprint: fingerprint + more.fingerprint });
}

export const NOTHING: Sum = { count: 0, fingerprint: 0n };

export function isSameSum(a: Sum, b: Sum): boolean {
  return a.count === b.count && a.fingerprint === b.fingerprint;
}

/** Figures by the minute expire, and are no part of the equation. */
function withoutMinutes(gains: readonly Gain[]): Gains {
  return new Map(
    gains.filter(({ minute }) => minute === undefined).map((gain) => [`${gain.key.pk}\n${gain.key.sk}`, gain]),
  );
}

const PARTITION_ITEM = /^ledger#([^\n]+)\npartition#(.+)$/;

/** The ledger has these parts already. */
function takeFromUnfolded(unfolded: TableSums, part: readonly Gain[]): void {
  for (const { key, amounts } of part) {
    const [, table, partition] = PARTITION_ITEM.exec(`${key.pk}\n${key.sk}`) ?? [];
    if (table === undefined || partition === undefined) continue;
    const events = -Number(amounts.get('delivered') ?? 0n);
    addSum(unfolded, { table, partition }, { events, fingerprint: -(amounts.get('delivered_fingerprint') ?? 0n) });
  }
}
