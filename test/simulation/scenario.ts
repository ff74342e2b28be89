/**
 * What happens in one run: plain data that follows from a seed, so that it can be printed, made smaller and run again.
 * Times are milliseconds since the run's start.
 */
import type { EventKind } from './event-kind.ts';
import { createRandom, type Random } from './random.ts';
import { NO_SOURCES, type SourcePlans, sourcePlansOf } from './source-plans.ts';

/** How one Kinesis record carries its events: those with one event take the first. */
export type RecordForm = 'json' | 'avro' | 'event' | 'gzip' | 'batch' | 'aggregate' | 'payment' | 'chunk';

export interface RecordPlan {
  readonly form: RecordForm;
  readonly key: string;
  readonly events: readonly EventKind[];
  /** It is put a second time, by someone who does not know of the first. */
  readonly isTwice: boolean;
}

/** Records that a producer puts at one time, in one call. */
export interface PutPlan {
  readonly atMs: number;
  readonly records: readonly RecordPlan[];
}

export interface ReshardPlan {
  readonly atMs: number;
  readonly kind: 'split' | 'merge';
}

export interface DeployPlan {
  readonly atMs: number;
  readonly qualityThreshold: number;
}

/** Every poller begins anew, from a checkpoint that may be older than the last. */
export interface RestartPlan {
  readonly atMs: number;
  /** Checkpoints that the stored one lags behind. */
  readonly lag: number;
}

export const OUTAGES = ['state', 'orders', 'readings', 'failed_events', 'payments', 'payloads', 'invocations'] as const;
export interface OutagePlan {
  readonly what: (typeof OUTAGES)[number];
  readonly atMs: number;
  readonly untilMs: number;
}

/** Faults that come at random: shares, 0 to 1, of what they befall. */
export const FAULTS = [
  'putRejected',
  'putFailed',
  'putAnswerLost',
  'stateThrottled',
  'stateAnswerLost',
  'stateSlow',
  'entryRejected',
  'deliveryFailed',
  'deliveryAnswerLost',
  'deliverySilent',
  'deliveryRefused',
  'deliveredTwice',
  'conversionFailed',
  'payloadFailed',
  'payloadAnswerLost',
  'killed',
  'zombie',
  'coldStart',
  'invocationThrottled',
  'invocationAnswerLost',
  'notifiedTwice',
  'notifiedLate',
  'registrationFailed',
  'objectFailed',
  'clockSkewed',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Scenario {
  /** Of the randomness within the run. */
  readonly seed: number;
  /** Faults end here; what is left then drains. */
  readonly durationMs: number;
  readonly shards: number;
  /** Whether the producer of `streams/producer` puts the records, instead of a plain one. */
  readonly realProducer: boolean;
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  /** -1: no limit. */
  readonly recordAgeMsMax: number;
  readonly timeoutMs: number;
  readonly retriesMax: number;
  readonly qualityThreshold: number;
  readonly puts: readonly PutPlan[];
  /** What comes in by other ways than a producer's. */
  readonly sources: SourcePlans;
  readonly reshards: readonly ReshardPlan[];
  readonly deploys: readonly DeployPlan[];
  readonly restarts: readonly RestartPlan[];
  readonly outages: readonly OutagePlan[];
  /** When somebody redrives what has waited for long enough, milliseconds. What waits at the end is redriven anyway. */
  readonly redrives: readonly number[];
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
}

/** Thresholds that are deployed: the score of an odd record lies between them. */
export const THRESHOLDS = [0.5, 0.85] as const;

/** One seed of this many has no fault at all: nothing may come twice in it. */
const CALM_ONE_OF = 8;

/** One seed of this many deploys again and again while pollers begin anew and a table is away. */
const UPHEAVAL_ONE_OF = 8;
/** One seed of this many gives records up for their age. */
const AGING_ONE_OF = 8;
/** And one of this many of the others has a crowd of events. */
const CROWD_ONE_OF = 12;
const CROWD_RECORDS = 60;

export function scenarioOf(seed: number): Scenario {
  const scenario = plainScenarioOf(seed);
  const random = createRandom(seed, 'upheaval');
  const aging = createRandom(seed, 'aging');
  if (aging.chance(1 / AGING_ONE_OF)) return withSources({ ...scenario, ...agingOf(aging, scenario) });
  if (random.chance(1 / UPHEAVAL_ONE_OF)) return withSources({ ...scenario, ...upheavalOf(random, scenario) });
  return withSources(random.chance(1 / CROWD_ONE_OF) ? { ...scenario, ...crowdOf(random, scenario) } : scenario);
}

function withSources(scenario: Scenario): Scenario {
  return { ...scenario, sources: sourcePlansOf(scenario.seed, scenario.durationMs) };
}

/** Outages for longer than records may wait: they are given up, and played again while faults go on. */
function agingOf(random: Random, { faults, reshards, outages }: Scenario): Partial<Scenario> {
  const [durationMs, recordAgeMsMax] = [240_000, random.int(8_000, 20_000)];
  const early = () => random.int(0, durationMs / 4);
  const away = random.pick(AGING_OUTAGES).map((what): OutagePlan => {
    const atMs = early();
    return { what, atMs, untilMs: atMs + recordAgeMsMax + random.int(1_000, 30_000) };
  });
  return {
    durationMs,
    recordAgeMsMax,
    timeoutMs: 15_000,
    batchingWindowMs: random.pick([0, 0, 1_000]),
    puts: putsOf(random, durationMs / 2),
    reshards: reshards.map((reshard) => ({ ...reshard, atMs: random.int(0, durationMs) })),
    deploys: several(random.pick([0, 0, 1]), () => ({
      atMs: random.int(0, durationMs),
      qualityThreshold: random.pick(THRESHOLDS),
    })),
    outages: [...outages, ...away],
    redrives: Array.from({ length: random.int(1, 5) }, () => random.int(durationMs / 3, durationMs)).sort(
      (a, b) => a - b,
    ),
    faults: random.chance(0.3) ? {} : { ...faults, ...agingFaultsOf(random) },
  };
}

const AGING_OUTAGES: readonly (readonly OutagePlan['what'][])[] = [
  ['state'],
  ['invocations'],
  ['orders'],
  ['payments', 'failed_events'],
  ['state', 'invocations'],
  ['payloads', 'readings'],
];

/** Of what redriving is made of. */
function agingFaultsOf(random: Random): Scenario['faults'] {
  const likely: readonly Fault[] = ['putAnswerLost', 'putRejected', 'putFailed', 'killed', 'stateAnswerLost'];
  return { [random.pick(likely)]: 0.2, [random.pick(likely)]: 0.1, conversionFailed: random.pick([0, 0.2]) };
}

/** One batch of more events than go through the stages together, while the state table throttles. */
function crowdOf(random: Random, { puts, durationMs, faults }: Scenario): Partial<Scenario> {
  const atMs = random.int(0, durationMs / 2);
  const records = Array.from({ length: CROWD_RECORDS }, (): RecordPlan => {
    const form = random.pick(FORMS);
    const events = Array.from({ length: SEVERAL.has(form) ? 6 : 1 }, (): EventKind => 'good');
    return { form, key: `key-${random.int(0, 5)}`, events, isTwice: false };
  });
  return {
    puts: [...puts, { atMs, records }].toSorted((a, b) => a.atMs - b.atMs),
    shards: 1,
    batchSize: 100,
    batchingWindowMs: 1_000,
    faults: { ...faults, stateThrottled: 0.2 },
  };
}

/** What a batch was decided by must outlive attempts that overlap, and settings that change between them. */
function upheavalOf(random: Random, { durationMs, outages, puts }: Scenario): Partial<Scenario> {
  const atMs = random.int(0, durationMs / 2);
  const away: OutagePlan = { what: random.pick(['orders', 'readings', 'payments']), atMs, untilMs: durationMs };
  const odder = (event: EventKind) => (event === 'good' && random.chance(0.5) ? 'odd' : event);
  return {
    puts: puts.map((put) => ({
      ...put,
      records: put.records.map((record) => ({ ...record, events: record.events.map(odder) })),
    })),
    outages: [...outages, away],
    restarts: several(3, () => ({ atMs: random.int(0, durationMs), lag: random.int(0, 3) })),
    deploys: several(6, () => ({ atMs: random.int(0, durationMs) })).map((deploy, index) => ({
      ...deploy,
      qualityThreshold: THRESHOLDS[index % THRESHOLDS.length] ?? THRESHOLDS[0],
    })),
  };
}

function plainScenarioOf(seed: number): Scenario {
  const random = createRandom(seed, 'scenario');
  const durationMs = random.pick([20_000, 60_000, 180_000]);
  const isCalm = random.chance(1 / CALM_ONE_OF);
  const timeIn = () => random.int(0, durationMs);
  return {
    seed,
    durationMs,
    shards: random.pick([1, 1, 2, 3]),
    realProducer: random.chance(0.25),
    batchSize: random.pick([1, 2, 5, 10, 25, 100]),
    batchingWindowMs: random.pick([0, 0, 1_000, 5_000]),
    recordAgeMsMax: random.chance(0.1) ? 60_000 : -1,
    timeoutMs: random.pick([15_000, 30_000, 60_000]),
    retriesMax: random.pick([1, 2, 3, 5]),
    qualityThreshold: random.pick(THRESHOLDS),
    puts: putsOf(random, durationMs),
    sources: NO_SOURCES,
    reshards: several(random.pick([0, 0, 1, 1, 2, 4]), () => ({
      atMs: timeIn(),
      kind: random.chance(0.6) ? ('split' as const) : ('merge' as const),
    })),
    deploys: several(random.pick([0, 0, 0, 1, 2, 6]), () => ({
      atMs: timeIn(),
      qualityThreshold: random.pick(THRESHOLDS),
    })),
    restarts: isCalm ? [] : several(random.pick([0, 0, 0, 1, 2]), () => ({ atMs: timeIn(), lag: random.int(0, 3) })),
    outages: isCalm ? [] : several(random.pick([0, 0, 1, 2]), () => outageOf(random, durationMs)),
    redrives: [],
    faults: isCalm ? {} : faultsOf(random),
  };
}

/** In the order of time. */
function several<Value extends { readonly atMs: number }>(count: number, make: () => Value): Value[] {
  return Array.from({ length: count }, make).sort((a, b) => a.atMs - b.atMs);
}

function outageOf(random: Random, durationMs: number): OutagePlan {
  const atMs = random.int(0, durationMs);
  return { what: random.pick(OUTAGES), atMs, untilMs: atMs + random.int(1_000, durationMs) };
}

function faultsOf(random: Random): Partial<Record<Fault, number>> {
  const faults: Partial<Record<Fault, number>> = {};
  const count = random.int(1, 7);
  for (let i = 0; i < count; i++) faults[random.pick(FAULTS)] = random.pick([0.02, 0.1, 0.3]);
  return faults;
}

const FORMS: readonly RecordForm[] = [
  ...(['json', 'json', 'json', 'avro', 'avro', 'event', 'gzip', 'batch', 'aggregate'] as const),
  ...(['payment', 'payment', 'chunk'] as const),
];
const SEVERAL: ReadonlySet<RecordForm> = new Set(['batch', 'aggregate', 'chunk']);

/** Seeds with an event that does not fit its row: it takes as long as a hundred others. */
const LARGE_SHARE = 0.08;

function putsOf(random: Random, durationMs: number): PutPlan[] {
  const keys = Array.from({ length: random.int(1, 6) }, (_, index) => `key-${index}`);
  const badShare = random.pick([0, 0.1, 0.4]);
  let poisons = random.pick([0, 0, 0, 1, 2]);
  let larges = random.chance(LARGE_SHARE) ? 1 : 0;

  function kindOf(): EventKind {
    if (poisons > 0 && random.chance(0.05)) {
      poisons -= 1;
      return 'poison';
    }
    if (larges > 0 && random.chance(0.3)) {
      larges -= 1;
      return 'large';
    }
    return random.chance(badShare)
      ? random.pick(['odd', 'odd', 'odd', 'invalid', 'throws', 'garbage', 'drop'])
      : 'good';
  }

  return several(random.int(1, 15), () => ({
    atMs: Math.floor(random.int(0, durationMs) * 0.9),
    records: Array.from({ length: random.pick([1, 1, 2, 3, 8]) }, () => {
      const form = random.pick(FORMS);
      const events = Array.from({ length: SEVERAL.has(form) ? random.int(1, 6) : 1 }, kindOf);
      return { form, key: random.pick(keys), events, isTwice: random.chance(0.1) };
    }),
  }));
}
