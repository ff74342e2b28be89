/** Makes a scenario that breaks a promise as small as it can be while it breaks the same one. */
import { type RunOptions, runScenario } from './run-scenario.ts';
import type { Fault, Scenario } from './scenario.ts';
import type { Violation } from './violation.ts';

export interface Shrunk {
  readonly scenario: Scenario;
  readonly violation: Violation;
}

/** Runs that are spent on one scenario. */
const RUNS_MAX = 200;

export async function shrink(scenario: Scenario, violation: Violation, options: RunOptions = {}): Promise<Shrunk> {
  let best: Shrunk = { scenario, violation };
  let runs = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const smaller of smallerOnes(best.scenario)) {
      if (++runs > RUNS_MAX) return best;
      const { violation: found } = await runScenario(smaller, options);
      if (found?.invariant !== violation.invariant) continue;
      best = { scenario: smaller, violation: found };
      isSmaller = true;
      break;
    }
  }
  return best;
}

/** The boldest first. */
function* smallerOnes(scenario: Scenario): Generator<Scenario> {
  const { puts, faults, sources } = scenario;
  for (const drops of fewer(sources.drops)) yield { ...scenario, sources: { ...sources, drops } };
  for (const messages of fewer(sources.messages)) yield { ...scenario, sources: { ...sources, messages } };
  for (const apiRuns of fewer(sources.apiRuns)) yield { ...scenario, sources: { ...sources, apiRuns } };
  for (const part of halves(puts)) yield { ...scenario, puts: part };
  for (const reshards of fewer(scenario.reshards)) yield { ...scenario, reshards };
  for (const deploys of fewer(scenario.deploys)) yield { ...scenario, deploys };
  for (const restarts of fewer(scenario.restarts)) yield { ...scenario, restarts };
  for (const outages of fewer(scenario.outages)) yield { ...scenario, outages };
  for (const redrives of fewer(scenario.redrives)) yield { ...scenario, redrives };
  for (const [fault, share] of Object.entries(faults)) {
    if (share === undefined) continue;
    yield { ...scenario, faults: without(faults, fault) };
  }
  if (scenario.realProducer) yield { ...scenario, realProducer: false };
  if (scenario.recordAgeMsMax >= 0) yield { ...scenario, recordAgeMsMax: -1 };
  if (scenario.batchingWindowMs > 0) yield { ...scenario, batchingWindowMs: 0 };
  if (scenario.shards > 1) yield { ...scenario, shards: 1 };
  for (const part of withoutOne(puts)) yield { ...scenario, puts: part };
  for (const [at, drop] of sources.drops.entries()) {
    for (const lines of [...halves(drop.lines), ...withoutOne(drop.lines)]) {
      yield { ...scenario, sources: { ...sources, drops: sources.drops.with(at, { ...drop, lines }) } };
    }
    for (const toldAgainAtMs of withoutOne(drop.toldAgainAtMs)) {
      yield { ...scenario, sources: { ...sources, drops: sources.drops.with(at, { ...drop, toldAgainAtMs }) } };
    }
  }
  for (const [at, put] of puts.entries()) {
    for (const records of [...halves(put.records), ...withoutOne(put.records)]) {
      yield { ...scenario, puts: puts.with(at, { ...put, records }) };
    }
    for (const [index, record] of put.records.entries()) {
      if (record.isTwice) {
        yield {
          ...scenario,
          puts: puts.with(at, { ...put, records: put.records.with(index, { ...record, isTwice: false }) }),
        };
      }
      for (const events of withoutOne(record.events)) {
        if (events.length === 0) continue;
        const records = put.records.with(index, { ...record, events });
        yield { ...scenario, puts: puts.with(at, { ...put, records }) };
      }
    }
  }
}

function halves<Value>(values: readonly Value[]): (readonly Value[])[] {
  if (values.length < 4) return [];
  const middle = Math.ceil(values.length / 2);
  return [values.slice(0, middle), values.slice(middle)];
}

function fewer<Value>(values: readonly Value[]): (readonly Value[])[] {
  return values.length > 1 ? [[], ...withoutOne(values)] : withoutOne(values);
}

function withoutOne<Value>(values: readonly Value[]): (readonly Value[])[] {
  return values.map((_, index) => values.toSpliced(index, 1));
}

function without(faults: Scenario['faults'], name: string): Partial<Record<Fault, number>> {
  return Object.fromEntries(Object.entries(faults).filter(([fault]) => fault !== name));
}
