/** The ledger as it stands, and whether it is what the folded part of the journal comes to. */
import { cursorKey, ledgerPartition, type ShardRef } from '../../processors/books/keys.ts';
import { integerOf, type StateItem, type StateTablePort } from '../../processors/books/state-table.ts';
import { type Cursor, readCursor } from '../ledger/cursor.ts';
import type { Gains } from '../ledger/gains.ts';
import type { Sum } from './ports.ts';
import type { Finding } from './report.ts';

export interface LedgerSnapshot {
  /** By `<pk>\n<sk>`: items by hour of arrival, and by partition of a table. */
  readonly items: ReadonlyMap<string, StateItem>;
  /** By `<pk>\n<sk>` of the cursor. */
  readonly cursors: ReadonlyMap<string, Cursor>;
  /** False when the ledger was folded while it was read, each time. */
  readonly isStill: boolean;
}

const READS_MAX = 5;

/** Reads it at one moment between two folds. @throws StateUnavailable */
export async function readLedger(
  table: StateTablePort,
  shards: readonly ShardRef[],
  datasets: readonly string[],
): Promise<LedgerSnapshot> {
  for (let read = 1; ; read++) {
    const cursors = await readCursors(table, shards);
    const items = new Map<string, StateItem>();
    for (const dataset of datasets) {
      for (const item of await table.query(ledgerPartition(dataset))) items.set(`${item.pk}\n${item.sk}`, item);
    }
    const isStill = sameCursors(cursors, await readCursors(table, shards));
    if (isStill || read === READS_MAX) return { items, cursors, isStill };
  }
}

export function cursorOf({ cursors }: LedgerSnapshot, shard: ShardRef): Cursor {
  const { pk, sk } = cursorKey(shard);
  return cursors.get(`${pk}\n${sk}`) ?? readCursor(undefined);
}

/** What the ledger says is delivered to, and has landed in, a table's partitions. */
export function partitionsOf(
  { items }: LedgerSnapshot,
  table: string,
): ReadonlyMap<string, { readonly delivered: Sum; readonly landed: number }> {
  const prefix = `${ledgerPartition(table)}\npartition#`;
  const partitions = new Map<string, { delivered: Sum; landed: number }>();
  for (const [key, item] of items) {
    if (!key.startsWith(prefix)) continue;
    const count = Number(integerOf(item, 'delivered'));
    const delivered = { count, fingerprint: integerOf(item, 'delivered_fingerprint') };
    partitions.set(key.slice(prefix.length), { delivered, landed: Number(integerOf(item, 'landed')) });
  }
  return partitions;
}

const COUNTS = ['received', 'delivered', 'quarantined', 'dropped', 'duplicate'] as const;
const FINGERPRINTS = ['delivered', 'quarantined', 'dropped', 'duplicate'].map((name) => `${name}_fingerprint`);

/** @param folded what the journal comes to, up to the cursors; items of runs among it are read now */
export async function compareLedger(
  table: StateTablePort,
  ledger: LedgerSnapshot,
  folded: Gains,
  shards: readonly ShardRef[],
): Promise<readonly Finding[]> {
  if (!ledger.isStill) return [];
  const items = new Map(ledger.items);
  for (const [name, { key }] of folded) {
    const item = key.pk.startsWith('run#') ? await table.get(key) : undefined;
    if (item) items.set(name, item);
  }
  // Runs are read later than the rest: what was folded meanwhile is theirs already.
  const areRunsStill = sameCursors(ledger.cursors, await readCursors(table, shards));
  const findings: Finding[] = [];
  for (const name of [...new Set([...items.keys(), ...folded.keys()])].sort()) {
    if (name.startsWith('run#') && !areRunsStill) continue;
    const finding = compareItem(name, items.get(name), folded.get(name)?.amounts ?? new Map());
    if (finding) findings.push(finding);
  }
  return findings;
}

function compareItem(
  name: string,
  item: StateItem | undefined,
  amounts: ReadonlyMap<string, bigint>,
): Finding | undefined {
  const differing = [...COUNTS, ...FINGERPRINTS].flatMap((attribute) => {
    const difference = integerOf(item, attribute) - (amounts.get(attribute) ?? 0n);
    return difference === 0n ? [] : [{ attribute, difference }];
  });
  if (differing.length === 0) return undefined;
  const events = differing
    .filter(({ attribute }) => !attribute.endsWith('_fingerprint'))
    .reduce((most, { difference }) => Math.max(most, Math.abs(Number(difference))), 1);
  const told = differing.map(({ attribute, difference }) => `${attribute} ${difference > 0n ? '+' : ''}${difference}`);
  const [pk = '', sk = ''] = name.split('\n');
  const message = `the ledger's item ${pk} ${sk} is not what the journal comes to: ${told.join(', ')}`;
  const [, dataset, partition] = /^ledger#([^\n]+)\npartition#(.+)$/.exec(name) ?? [];
  const place = dataset === undefined || partition === undefined ? {} : { table: dataset, partition };
  return { kind: 'ledger_differs', message, count: events, residual: events, recordIds: [], ...place };
}

async function readCursors(table: StateTablePort, shards: readonly ShardRef[]): Promise<ReadonlyMap<string, Cursor>> {
  const cursors = new Map<string, Cursor>();
  for (const shard of shards) {
    const key = cursorKey(shard);
    cursors.set(`${key.pk}\n${key.sk}`, readCursor(await table.get(key)));
  }
  return cursors;
}

function sameCursors(a: ReadonlyMap<string, Cursor>, b: ReadonlyMap<string, Cursor>): boolean {
  return [...a].every(([key, { position, part }]) => {
    const other = b.get(key);
    return other?.position === position && other.part === part;
  });
}
