/** The partitions that a run touched, with what has landed in them, and what the run waits for as its item holds it. */
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  ANY_PARTITION,
  beginningWith,
  FAILED_EVENTS,
  ledgerPartition,
  partitionLedgerKey,
  runLandingKey,
  runPartition,
} from '../../processors/books/keys.ts';
import { numberOf, type StateItem, type StateTablePort, type StateUpdate } from '../../processors/books/state-table.ts';
import { isRecord } from '../../schemas/describe.ts';
import type { RunStep, TouchedPartition } from './advance-run.ts';

/** Partitions that are told apart in what a run waits for: of a run that touched more, each table is waited for as a whole. */
export const PARTITIONS_NOTED_MAX = 10_000;

const PREFIX = 'partition#';

/** Rows by table and partition. */
type Rows = Map<string, Map<string, number>>;

export interface LandedReader {
  /** @throws StateUnavailable */
  touched(runId: string): Promise<readonly TouchedPartition[]>;
}

/** Reads tables as wholes once, for all runs of an invocation. */
export function createLandedReader(table: StateTablePort): LandedReader {
  const landedByTable = new Map<string, Promise<number>>();

  function landedOf(name: string): Promise<number> {
    const known = landedByTable.get(name) ?? sumOf(name, 'landed');
    landedByTable.set(name, known);
    return known;
  }

  async function sumOf(name: string, attribute: string): Promise<number> {
    const items = await table.query(ledgerPartition(name), beginningWith(PREFIX));
    return items.reduce((sum, item) => sum + numberOf(item, attribute), 0);
  }

  /** Of the table as a whole; what is delivered is read anew each time, since it must not be behind the run's ledger. */
  async function whole(name: string) {
    const delivered =
      name === FAILED_EVENTS
        ? numberOf(await table.get(partitionLedgerKey(name, ANY_PARTITION)), 'delivered')
        : await sumOf(name, 'delivered');
    return { delivered, landed: await landedOf(name) };
  }

  async function touchedOf(
    name: string,
    ofRun: ReadonlyMap<string, number>,
    noted: ReadonlyMap<string, number>,
  ): Promise<readonly TouchedPartition[]> {
    const partitions = [...new Set([...ofRun.keys(), ...noted.keys()])].sort();
    if (partitions.includes(ANY_PARTITION) || partitions.length > PARTITIONS_NOTED_MAX) {
      const rows = [...ofRun.values()].reduce((sum, each) => sum + each, 0);
      return [
        { table: name, partition: ANY_PARTITION, ofRun: rows, noted: noted.get(ANY_PARTITION), ...(await whole(name)) },
      ];
    }
    const [first = '', last = ''] = [partitions[0], partitions.at(-1)];
    const items = await table.query(ledgerPartition(name), { from: PREFIX + first, to: PREFIX + last });
    const ledger = new Map<string, StateItem>(items.map((item) => [item.sk.slice(PREFIX.length), item]));
    return partitions.map((partition) => ({
      table: name,
      partition,
      ofRun: ofRun.get(partition) ?? 0,
      noted: noted.get(partition),
      delivered: numberOf(ledger.get(partition), 'delivered'),
      landed: numberOf(ledger.get(partition), 'landed'),
    }));
  }

  return {
    async touched(runId) {
      const ofRun = rowsOfRun(await table.query(runPartition(runId), beginningWith(PREFIX)));
      const noted = readNote(await table.get(runLandingKey(runId)));
      const names = new Set([...ofRun.keys(), ...noted.keys()]);
      const found: TouchedPartition[] = [];
      for (const name of names) {
        found.push(...(await touchedOf(name, ofRun.get(name) ?? new Map(), noted.get(name) ?? new Map())));
      }
      return found;
    },
  };
}

function rowsOfRun(items: readonly StateItem[]): Rows {
  const rows: Rows = new Map();
  for (const item of items) {
    const [, name = '', partition = ''] = item.sk.split('#');
    const ofTable = rows.get(name) ?? new Map<string, number>();
    rows.set(name, ofTable.set(partition, numberOf(item, 'delivered')));
  }
  return rows;
}

/** gzip of JSON: rows by partition, by table. */
export function noteUpdate(runId: string, note: NonNullable<RunStep['note']>): StateUpdate {
  const byTable = [...Map.groupBy(note, ({ table }) => table)].map(([table, partitions]) => [
    table,
    Object.fromEntries(partitions.map(({ partition, delivered }) => [partition, delivered])),
  ]);
  return {
    kind: 'update',
    key: runLandingKey(runId),
    set: { rows: gzipSync(JSON.stringify(Object.fromEntries(byTable))) },
  };
}

function readNote(item: StateItem | undefined): Rows {
  const rows: Rows = new Map();
  const bytes = item?.attributes.rows;
  if (!(bytes instanceof Uint8Array)) return rows;
  const byTable: unknown = JSON.parse(gunzipSync(bytes).toString());
  for (const [name, partitions] of isRecord(byTable) ? Object.entries(byTable) : []) {
    const ofTable = new Map<string, number>();
    for (const [partition, delivered] of isRecord(partitions) ? Object.entries(partitions) : []) {
      if (typeof delivered === 'number') ofTable.set(partition, delivered);
    }
    rows.set(name, ofTable);
  }
  return rows;
}
