import { describe, expect, test } from '@jest/globals';
import { auditTrace } from './audit-trace.ts';
import { runScenario } from './run-scenario.ts';
import { scenarioOf } from './scenario.ts';
import type { Fate } from './traced-truth.ts';

const EVENTS = 1_000;
const EVENTS_OF_WORLD = 32;
const CONVERSIONS_FAILED = 8;
/** Events of each fate, at least. */
const FATE_MIN = 5;
const FATES: readonly Fate[] = [
  ...(['delivered', 'quarantined', 'dropped', 'duplicate', 'killed', 'parked', 'misdelivered'] as const),
];

/** Some in which Firehose cannot convert what it took, then all. */
function* seeds(): Generator<number> {
  let found = 0;
  for (let seed = 1; found < CONVERSIONS_FAILED; seed++) {
    if ((scenarioOf(seed).faults.conversionFailed ?? 0) < 0.1) continue;
    found += 1;
    yield seed;
  }
  for (let seed = 1; ; seed++) yield seed;
}

describe('tracing', () => {
  test(`answers for ${EVENTS} random events as the world knows them, by identity, place and row`, async () => {
    const counts = new Map<Fate, number>();
    const sum = () => [...counts.values()].reduce((total, count) => total + count, 0);

    for (const seed of seeds()) {
      if (sum() >= EVENTS) break;
      const { violation } = await runScenario(scenarioOf(seed), {
        async onRest(world) {
          for (const { fate } of await auditTrace(world, EVENTS_OF_WORLD)) {
            counts.set(fate, (counts.get(fate) ?? 0) + 1);
          }
        },
      });
      expect([seed, violation?.message]).toEqual([seed, undefined]);
    }

    for (const fate of FATES)
      expect({ fate, isAsked: (counts.get(fate) ?? 0) >= FATE_MIN }).toEqual({ fate, isAsked: true });
  }, 240_000);
});
