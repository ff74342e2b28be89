import { describe, expect, test } from '@jest/globals';
import { auditTrace } from './audit-trace.ts';
import { runScenario } from './run-scenario.ts';
import { scenarioOf } from './scenario.ts';
import type { Fate } from './traced-truth.ts';

const EVENTS = 1_000;
const EVENTS_OF_WORLD = 20;
const FATES: readonly Fate[] = [
  ...(['delivered', 'quarantined', 'dropped', 'duplicate', 'killed', 'parked', 'misdelivered'] as const),
];

describe('tracing', () => {
  test(`answers for ${EVENTS} random events as the world knows them, by identity, place and row`, async () => {
    const counts = new Map<Fate, number>();
    const sum = () => [...counts.values()].reduce((total, count) => total + count, 0);

    for (let seed = 1; sum() < EVENTS; seed++) {
      const { violation } = await runScenario(scenarioOf(seed), {
        async onRest(world) {
          for (const { fate } of await auditTrace(world, EVENTS_OF_WORLD)) {
            counts.set(fate, (counts.get(fate) ?? 0) + 1);
          }
        },
      });
      expect([seed, violation?.message]).toEqual([seed, undefined]);
    }

    for (const fate of FATES) expect({ fate, isAsked: (counts.get(fate) ?? 0) >= 10 }).toEqual({ fate, isAsked: true });
  }, 60_000);
});
