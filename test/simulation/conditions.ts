/** What everything in a run shares: its time, its randomness, its faults, its trace. */
import { createRandom, type Random } from './random.ts';
import type { Fault, OutagePlan, Scenario } from './scenario.ts';
import type { Violation } from './violation.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Conditions {
  readonly scenario: Scenario;
  readonly time: VirtualTime;
  /** When the run begins, epoch milliseconds. */
  readonly startMs: number;
  /** A stream of numbers of its own a concern. */
  random(concern: string): Random;
  /** Whether this fault comes now. Asked once a thing that it may befall. */
  befalls(fault: Fault): boolean;
  isAway(what: OutagePlan['what']): boolean;
  /** Adds a line to the trace, if there is one. */
  say(line: () => string): void;
  /** Ends the run: a promise is broken. The first counts. */
  fail(violation: Violation): void;
}

export interface ConditionsOptions {
  readonly scenario: Scenario;
  readonly time: VirtualTime;
  readonly say: (line: () => string) => void;
  readonly fail: (violation: Violation) => void;
}

export function createConditions({ scenario, time, say, fail }: ConditionsOptions): Conditions {
  const startMs = time.now();
  const endMs = startMs + scenario.durationMs;
  const randoms = new Map<Fault, Random>();
  const { outages, faults, seed } = scenario;
  return {
    scenario,
    time,
    startMs,
    say,
    fail,
    random: (concern) => createRandom(seed, concern),
    befalls(fault) {
      const share = faults[fault];
      if (share === undefined || time.now() >= endMs) return false;
      let random = randoms.get(fault);
      if (random === undefined) {
        random = createRandom(seed, fault);
        randoms.set(fault, random);
      }
      return random.chance(share);
    },
    isAway(what) {
      const sinceMs = time.now() - startMs;
      return outages.some((outage) => outage.what === what && outage.atMs <= sinceMs && sinceMs < outage.untilMs);
    },
  };
}
