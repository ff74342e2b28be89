/** Runs one seed and says in plain data what came of it: what a worker sends back. */
import { type RunReport, runScenario } from './run-scenario.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { shrink } from './shrink.ts';

export interface SeedReport extends Omit<RunReport, 'violation'> {
  readonly seed: number;
  readonly broken:
    | {
        readonly invariant: string;
        readonly message: string;
        /** The smallest scenario that breaks the same promise. */
        readonly scenario: Scenario;
      }
    | undefined;
}

export async function reportSeed(seed: number): Promise<SeedReport> {
  const scenario = scenarioOf(seed);
  const { violation, ...counts } = await runScenario(scenario);
  if (violation === undefined) return { seed, ...counts, broken: undefined };
  const shrunk = await shrink(scenario, violation);
  const { invariant, message } = shrunk.violation;
  return { seed, ...counts, broken: { invariant, message, scenario: shrunk.scenario } };
}
