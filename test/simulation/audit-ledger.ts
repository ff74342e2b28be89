/** The ledger is the truth: what was put, by hour of arrival, by partition of the table, by run and in all minutes. */
import { ledgerPartition, minutesPartition, runPartition } from '../../processors/books/keys.ts';
import { integerOf, type StateItem } from '../../processors/books/state-table.ts';
import type { World } from './audit-at-rest.ts';
import { type CountedEvent, countedEvents } from './expected-groups.ts';
import { Violation } from './violation.ts';

/** Amounts by `<pk> <sk> <attribute>`. */
type Amounts = Map<string, bigint>;

const OUTCOMES = ['delivered', 'quarantined', 'dropped', 'duplicate'] as const;
const DATASETS = ['orders', 'readings', 'payments', '?', 'failed_events'];
const RUN_ID = 'run-a';
/** Hours in which a run commits, at most. */
const HOURS = Array.from({ length: 24 }, (_, hour) => `2026-06-01T${String(hour).padStart(2, '0')}`);

/** @throws Violation */
export async function auditLedger(world: World): Promise<void> {
  const { table, stream, audit } = world;
  const events = stream.records.flatMap((record) => {
    const { decision } = audit.accountOf(record);
    return decision === undefined ? [] : countedEvents([record], decision, audit.judge);
  });
  const items = (await Promise.all(DATASETS.map((dataset) => table.query(ledgerPartition(dataset))))).flat();
  const runIds = new Set([RUN_ID, ...events.map(({ runId }) => runId)]);
  const run = (await Promise.all([...runIds].map((runId) => table.query(runPartition(runId))))).flat();
  compare('ledger', expectedAmounts(events), amountsOf([...items, ...run]));
  const minutes = (await Promise.all(HOURS.map((hour) => table.query(minutesPartition(hour))))).flat();
  compare('minutes', expectedMinutes(events), minutesOf(minutes));
}

function compare(what: string, expected: Amounts, said: Amounts): void {
  for (const key of new Set([...expected.keys(), ...said.keys()])) {
    if ((expected.get(key) ?? 0n) === (said.get(key) ?? 0n)) continue;
    throw new Violation('ledger = truth', `${what}: ${key} is ${said.get(key)}, and should be ${expected.get(key)}`);
  }
}

function expectedAmounts(events: readonly CountedEvent[]): Amounts {
  const amounts: Amounts = new Map();
  for (const { dataset, runId, outcome, partition, hour, fingerprint } of events) {
    const places = [`ledger#${dataset} arrival#${hour}`, ...(runId === '' ? [] : [`run#${runId} ledger`])];
    for (const place of places) {
      add(amounts, `${place} received`, 1n);
      add(amounts, `${place} ${outcome}`, 1n);
      add(amounts, `${place} ${outcome}_fingerprint`, BigInt(fingerprint));
    }
    const at =
      outcome === 'delivered' ? `ledger#${dataset} partition#${partition}` : 'ledger#failed_events partition#*';
    if (outcome !== 'delivered' && outcome !== 'quarantined') continue;
    add(amounts, `${at} delivered`, 1n);
    add(amounts, `${at} delivered_fingerprint`, BigInt(fingerprint));
    if (runId === '') continue;
    const to = outcome === 'delivered' ? `${dataset}#${partition}` : 'failed_events#*';
    add(amounts, `run#${runId} partition#${to} delivered`, 1n);
  }
  return amounts;
}

function amountsOf(items: readonly StateItem[]): Amounts {
  const amounts: Amounts = new Map();
  for (const item of items) {
    for (const name of ['received', ...OUTCOMES.flatMap((outcome) => [outcome, `${outcome}_fingerprint`])]) {
      add(amounts, `${item.pk} ${item.sk} ${name}`, integerOf(item, name));
    }
  }
  return amounts;
}

/** By dataset and outcome, whatever the minute. */
function expectedMinutes(events: readonly CountedEvent[]): Amounts {
  const amounts: Amounts = new Map();
  for (const { dataset, outcome } of events) add(amounts, `${dataset} ${outcome}`, 1n);
  return amounts;
}

function minutesOf(items: readonly StateItem[]): Amounts {
  const amounts: Amounts = new Map();
  for (const item of items) {
    const dataset = item.sk.split('#')[1];
    for (const outcome of OUTCOMES) add(amounts, `${dataset} ${outcome}`, integerOf(item, outcome));
  }
  return amounts;
}

function add(amounts: Amounts, key: string, amount: bigint): void {
  amounts.set(key, (amounts.get(key) ?? 0n) + amount);
}
