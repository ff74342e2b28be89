/** Runs seeds until one breaks a promise, and prints that one: what the mutation check asks of a tree with a planted bug. */
import { runScenario } from './run-scenario.ts';
import { scenarioOf } from './scenario.ts';

// Thousands of errors are made a second, of faults that are meant.
Error.stackTraceLimit = 0;

const [from = 1, seeds = 1] = process.argv.slice(2).map(Number);

for (let seed = from; seed < from + seeds; seed++) {
  const { violation } = await runScenario(scenarioOf(seed));
  if (violation === undefined) continue;
  console.log(JSON.stringify({ seed, invariant: violation.invariant, message: violation.message }));
  process.exit(1);
}
