/** One run: put and processed under failures, brought to rest, checked, and damaged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Comparison, compareFlights } from '../../bench/compare-flights.ts';
import { produceFlights } from '../../bench/produce-flights.ts';
import { type Clients, createClients } from '../../cli/start/clients.ts';
import { type LocalPipeline, startLocalPipeline } from '../../cli/start/local-pipeline.ts';
import { STREAM } from '../../cli/start/names.ts';
import { createKinesisNamedStream } from '../../processors/adapters/kinesis-stream-info.ts';
import { type CheckedBooks, checkBooks } from '../support/local/check-books.ts';
import { reconcilePipeline } from '../support/local/reconcile-pipeline.ts';
import { createDamages } from './damage.ts';
import { FAULTS, switchFaults } from './fault-settings.ts';

export interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** What came of it, in words. */
  readonly outcome: string;
}

export interface MillionReport {
  readonly events: number;
  readonly phases: readonly Phase[];
  /** What is not as it should be; none when all holds. */
  readonly missed: readonly string[];
  readonly comparison: Comparison;
  readonly functions: FunctionFigures;
  readonly node: string;
  readonly cpu: string;
  readonly loadAverage: number;
  readonly date: string;
}

/** Of all functions. */
export interface FunctionFigures {
  readonly invocations: number;
  /** Invocations that failed because their process was killed. */
  readonly killed: number;
}

const TIMEOUT_MS = 1_800_000;
const POLL_MS = 100;
const ENDED = /platform\.report|^REPORT RequestId/;
const KILLED = 'Runtime exited with error: signal: SIGKILL';

interface Run {
  readonly pipeline: LocalPipeline;
  readonly clients: Clients;
  readonly stateFolder: string;
  readonly events: number;
  readonly missed: string[];
  readonly functions: FunctionFigures;
  /** Does it as a phase, with a line when it has ended. */
  phase<Result>(name: string, act: () => Promise<Result>, tell?: (result: Result) => string): Promise<Result>;
}

/** @param say gets a line a phase */
export async function runMillion(events: number, say: (line: string) => void): Promise<MillionReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'million-'));
  const stateFolder = path.join(folder, 'state');
  const [phases, missed]: [Phase[], string[]] = [[], []];
  const [loadAverage = 0] = loadavg();
  const functions = { invocations: 0, killed: 0 };
  const pipeline = await startLocalPipeline({
    stateFolder,
    port: 0,
    onLog(_group, message) {
      if (ENDED.test(message)) functions.invocations += 1;
      if (message.includes(KILLED)) functions.killed += 1;
    },
    warn: (line) => say(`  warned: ${line}`),
  });
  const clients = createClients(pipeline.endpoint, pipeline.region);
  const run: Run = {
    ...{ pipeline, clients, stateFolder, events, missed, functions },
    async phase(name, act, tell = () => '') {
      const startedAtMs = performance.now();
      const result = await act();
      const seconds = (performance.now() - startedAtMs) / 1000;
      const phase = { name, seconds, eventsPerSecond: Math.round(events / seconds), outcome: tell(result) };
      phases.push(phase);
      say(
        `${name.padEnd(34)}${seconds.toFixed(1).padStart(7)} s ${String(phase.eventsPerSecond).padStart(8)}/s  ${phase.outcome}`,
      );
      return result;
    },
  };
  try {
    await fill(run);
    const comparison = await check(run);
    await damage(run);
    return {
      ...{ events, phases, missed, comparison, functions, loadAverage },
      node: process.version,
      cpu: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
      date: new Date().toISOString().slice(0, 10),
    };
  } finally {
    clients.close();
    await pipeline.stop();
    rmSync(folder, { recursive: true });
  }
}

async function fill({ pipeline, events, missed, functions, phase }: Run): Promise<void> {
  await switchFaults(pipeline.endpoint, FAULTS);
  await phase(
    'put, with failures',
    () => produceFlights(pipeline, events),
    ({ userRecordsAccepted }) => {
      if (userRecordsAccepted !== events) missed.push(`the stream accepted ${userRecordsAccepted} of ${events} events`);
      return `${userRecordsAccepted} events accepted`;
    },
  );
  await phase('processed, with failures', () => untilProcessed(pipeline));
  await phase('at rest, with failures', () => pipeline.drain(TIMEOUT_MS));
  await switchFaults(pipeline.endpoint, undefined);
  await phase(
    'at rest',
    () => pipeline.drain(TIMEOUT_MS),
    () => {
      const { files, errorFiles } = pipeline.files();
      return `${files} Parquet files, ${errorFiles} error files; ${functions.killed} of ${functions.invocations} invocations killed`;
    },
  );
}

/** Waits in the machine's own time, in which batches are tried again and functions are killed. */
async function untilProcessed({ services }: LocalPipeline): Promise<void> {
  const isBehind = () =>
    services.lambda.lag().some(({ shards }) => shards.some(({ behindRecords }) => behindRecords !== 0));
  for (const endMs = performance.now() + TIMEOUT_MS; isBehind(); await sleep(POLL_MS)) {
    if (performance.now() > endMs) throw new Error(`not processed after ${TIMEOUT_MS / 1000} s`);
  }
}

async function check(run: Run): Promise<Comparison> {
  const { pipeline, clients, stateFolder, events, missed, phase } = run;
  const books = await phase('books checked from outside', () => checkBooks(pipeline), describe);
  missed.push(...books.findings);
  const reconciled = await phase(
    'reconciled',
    () => reconcilePipeline(pipeline),
    ({ residual, tapeRecords, duplicatesAtRest }) =>
      `residual ${residual}; ${tapeRecords} records on the tape, ${duplicatesAtRest} duplicate rows`,
  );
  if (reconciled.residual !== 0) missed.push(`the residual is ${reconciled.residual}`);
  if (reconciled.tapeRecords !== books.records)
    missed.push(`${reconciled.tapeRecords} of ${books.records} are on the tape`);
  for (const { kind, message } of reconciled.findings) if (kind !== 'duplicates_at_rest') missed.push(message);
  const { copies } = books;
  const comparison = await phase(
    'compared with the source',
    () => compareFlights({ athena: clients.athena, stateFolder, rows: events, copies }),
    (compared) => `${compared.missing} missing, ${compared.surplus} too many; by column ${compared.output.join(', ')}`,
  );
  if (!comparison.equal)
    missed.push(`the source has ${comparison.input.join(', ')}, the table ${comparison.output.join(', ')}`);
  return comparison;
}

function describe({ records, copies, entries, retriedEntries, events, duplicateRows }: CheckedBooks): string {
  const outcomes = Object.entries(events).map(([outcome, count]) => `${count} ${outcome}`);
  return `${records} Kinesis records (${copies.length} put twice), ${entries} journal entries (${retriedEntries} after several attempts): ${outcomes.join(', ')}; ${duplicateRows} duplicate rows`;
}

async function damage(run: Run): Promise<void> {
  const { pipeline, clients, missed, phase } = run;
  const stream = await createKinesisNamedStream(clients.kinesis).refOf(STREAM);
  const shardIds = pipeline.services.kinesis.shards(stream.streamArn).map(({ shardId }) => shardId);
  const { endpoint, region } = pipeline;
  const damages = createDamages({ endpoint, region, athena: clients.athena, stream, shardIds });
  try {
    for (const take of damages.all) {
      const { what, naming, undo } = await take();
      const named = await phase(
        'taken away',
        async () => naming(await reconcilePipeline(pipeline)),
        (name) => `${what} -> ${name ?? 'NOT NAMED'}`,
      );
      if (named === undefined) missed.push(`${what} was taken away, and is not named`);
      await undo();
      const { residual } = await reconcilePipeline(pipeline);
      if (residual !== 0) missed.push(`the residual is ${residual} after ${what} was put back`);
    }
  } finally {
    damages.close();
  }
}
