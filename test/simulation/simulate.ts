/**
 * `npm run simulate -- --seeds 2000`: runs the pipeline's own code over a simulated AWS, a seed at a time, and stops at the
 * first broken promise, which it makes small and says how to repeat.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { runScenario } from './run-scenario.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import type { SeedReport } from './seed-report.ts';

const HELP = `Usage: npm run simulate -- [options]

Runs the pipeline's own code over a simulated AWS with a virtual clock: same seed, same run.

  --seeds N          how many seeds to run (default 200)
  --from S           the first seed (default 1)
  --seed N           runs one seed and prints its trace
  --scenario JSON    runs one scenario, as a failure prints it, and prints its trace
  --keep-going       does not stop at the first broken promise
  --workers N        processes (default: one a core, 2 at most)
  --json             one JSON report on stdout
  --help             this text

Exits with 1 when a promise is broken, with 2 when an option is wrong.`;

const WORKERS_MAX = 2;
const PROGRESS_MS = 5_000;

interface Options {
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
  readonly isJson: boolean;
  readonly keepsGoing: boolean;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '200' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      scenario: { type: 'string' },
      workers: { type: 'string', default: String(Math.min(WORKERS_MAX, availableParallelism())) },
      'keep-going': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.scenario !== undefined) {
    const scenario: Scenario = JSON.parse(values.scenario);
    return trace(scenario);
  }
  if (values.seed !== undefined) return trace(scenarioOf(integer('--seed', values.seed, 0)));
  return runSeeds({
    from: integer('--from', values.from, 0),
    seeds: integer('--seeds', values.seeds, 1),
    workers: integer('--workers', values.workers, 1),
    isJson: values.json,
    keepsGoing: values['keep-going'],
  });
}

function integer(name: string, text: string, min: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min && text.trim() !== '') return value;
  throw new RangeError(`${name}: received ${JSON.stringify(text)}, allowed: an integer of at least ${min}`);
}

async function trace(scenario: Scenario): Promise<number> {
  console.log(JSON.stringify(scenario));
  const report = await runScenario(scenario, { onLine: (line) => console.log(line) });
  const { violation, ...counts } = report;
  console.log(JSON.stringify(counts));
  if (violation === undefined) return 0;
  console.error(`seed ${scenario.seed}: ${violation.message}`);
  return 1;
}

async function runSeeds(options: Options): Promise<number> {
  const { from, seeds, isJson } = options;
  const startedAtMs = performance.now();
  const sums = { seeds: 0, records: 0, events: 0, invocations: 0, rowsTwice: 0, parked: 0, lastedMs: 0 };
  const broken: SeedReport[] = [];
  const progress = setInterval(() => {
    const perSecond = (sums.seeds / (performance.now() - startedAtMs)) * 1_000;
    const leftS = Math.ceil((seeds - sums.seeds) / perSecond);
    console.error(`${sums.seeds} of ${seeds} seeds, ${perSecond.toFixed(1)} a second, ${leftS} s left`);
  }, PROGRESS_MS);
  await work(options, (report) => {
    sums.seeds += 1;
    for (const name of ['records', 'events', 'invocations', 'rowsTwice', 'parked', 'lastedMs'] as const) {
      sums[name] += report[name];
    }
    if (report.broken === undefined) return;
    broken.push(report);
    if (!isJson) say(report);
  });
  clearInterval(progress);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  if (isJson)
    console.log(JSON.stringify({ from, ...sums, seconds, broken: broken.toSorted((a, b) => a.seed - b.seed) }));
  else if (broken.length === 0) {
    const hours = Math.round(sums.lastedMs / 3_600_000);
    console.log(
      `${sums.seeds} seeds in ${seconds.toFixed(1)} s: ${sums.events} events in ${sums.records} records, ` +
        `${sums.invocations} invocations, ${hours} hours of their time; every promise was kept.`,
    );
  } else console.error(`${broken.length} of ${sums.seeds} seeds broke a promise.`);
  return broken.length === 0 ? 0 : 1;
}

function say({ seed, broken }: SeedReport): void {
  if (broken === undefined) return;
  console.error(`seed ${seed}: ${broken.message}`);
  console.error(`  again:       npm run simulate -- --seed ${seed}`);
  console.error(`  made small:  npm run simulate -- --scenario '${JSON.stringify(broken.scenario)}'`);
}

/** Hands out the seeds in order; resolves when all are run, or when a promise is broken. */
function work({ from, seeds, workers, keepsGoing }: Options, onReport: (report: SeedReport) => void): Promise<void> {
  const end = from + seeds;
  let next = from;
  let isStopped = false;
  const runWorker = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('./simulate-worker.ts', import.meta.url), {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        // Most of what a run makes is gone when it ends.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
      });
      let seed = -1;
      const give = () => {
        if (next >= end || isStopped) {
          void worker.terminate().then(() => resolve());
          return;
        }
        seed = next++;
        worker.postMessage(seed);
      };
      worker.on('message', (report: SeedReport) => {
        if (!isStopped) onReport(report);
        if (report.broken !== undefined && !keepsGoing) isStopped = true;
        give();
      });
      worker.on('error', (error) => reject(new Error(`seed ${seed}: ${String(error)}`, { cause: error })));
      give();
    });
  return Promise.all(Array.from({ length: Math.min(workers, seeds) }, runWorker)).then(() => undefined);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(Error.isError(error) ? error.message : String(error));
    process.exitCode = error instanceof RangeError || error instanceof TypeError ? 2 : 1;
  },
);
