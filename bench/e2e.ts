/**
 * End to end: every row of `flights-3m.parquet` through the whole local pipeline, and what came out compared with what
 * went in, row by row. The producer is a process of its own, as are the functions; all share this machine's cores.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { createClients } from '../cli/start/clients.ts';
import { type LocalPipeline, startLocalPipeline } from '../cli/start/local-pipeline.ts';
import type { BenchmarkResult } from './benchmark.ts';
import { type Comparison, compareFlights } from './compare-flights.ts';
import { functionCpuSeconds } from './function-cpu.ts';
import { produceFlights } from './produce-flights.ts';

export interface E2eOptions {
  /** Rows of the input that are put, from the first; undefined: all 3 million. */
  readonly rows?: number;
  readonly say: (line: string) => void;
}

export interface E2eReport {
  readonly benchmark: 'e2e';
  readonly events: number;
  /** Events divided by the seconds from the first put until all was at rest. */
  readonly eventsPerSecond: number;
  /** Since the start: when all was put, processed, and at rest in Parquet with its partitions registered. */
  readonly seconds: { readonly put: number; readonly processed: number; readonly atRest: number };
  /** CPU seconds by process, which tell what limits the rate. `functions` is undefined where there is no /proc. */
  readonly cpuSeconds: { readonly services: number; readonly producer: number; readonly functions: number | undefined };
  readonly files: number;
  readonly errorFiles: number;
  readonly comparison: Comparison;
  readonly node: string;
  readonly cpu: string;
  readonly date: string;
}

const TIMEOUT_MS = 900_000;
const PROGRESS_MS = 5_000;

export async function runE2e({ rows = 0, say }: E2eOptions): Promise<E2eReport> {
  const stateFolder = mkdtempSync(path.join(tmpdir(), 'e2e-'));
  const pipeline = await startLocalPipeline({ stateFolder, port: 0, warn: say });
  const clients = createClients(pipeline.endpoint, pipeline.region);
  const startedAtMs = performance.now();
  const since = (): number => Math.round((performance.now() - startedAtMs) / 100) / 10;
  const progress = setInterval(() => say(progressLine(pipeline, since())), PROGRESS_MS);
  try {
    const cpuBefore = process.cpuUsage();
    const producer = await produceFlights(pipeline, rows);
    const put = since();
    say(`${put} s: ${producer.userRecordsAccepted} events put`);
    await pipeline.settle(TIMEOUT_MS);
    const processed = since();
    await pipeline.drain(TIMEOUT_MS);
    const atRest = since();
    const { user, system } = process.cpuUsage(cpuBefore);
    const functions = functionCpuSeconds();
    say(`${atRest} s: at rest; comparing with the input`);
    const { files, errorFiles } = pipeline.files();
    return {
      benchmark: 'e2e',
      events: producer.userRecordsAccepted,
      eventsPerSecond: Math.round(producer.userRecordsAccepted / atRest),
      seconds: { put, processed, atRest },
      cpuSeconds: { services: (user + system) / 1e6, producer: producer.cpuSeconds, functions },
      files,
      errorFiles,
      comparison: await compareFlights({ athena: clients.athena, stateFolder, rows }),
      node: process.version,
      cpu: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
      date: new Date().toISOString().slice(0, 10),
    };
  } finally {
    clearInterval(progress);
    clients.close();
    await pipeline.stop();
    rmSync(stateFolder, { recursive: true });
  }
}

/** As `npm run bench -- e2e`. @throws Error when what came out is not what went in */
export default async function e2e(progress: (line: string) => void): Promise<BenchmarkResult> {
  const report = await runE2e({ say: progress });
  const { comparison, cpuSeconds, seconds } = report;
  if (!comparison.equal) throw new Error(`the output differs from the input: ${JSON.stringify(comparison)}`);
  const cpuOf = (value: number | undefined) =>
    value === undefined ? 'not measured here' : `${((value / report.events) * 1e6).toFixed(1)} µs an event`;
  const text = [
    `${report.events} events, ${report.eventsPerSecond} a second until at rest`,
    `  put after ${seconds.put} s, processed after ${seconds.processed} s, at rest after ${seconds.atRest} s`,
    `  CPU: producer ${cpuOf(cpuSeconds.producer)}, functions ${cpuOf(cpuSeconds.functions)}, services ${cpuOf(cpuSeconds.services)}`,
    `  ${report.files} Parquet files, ${report.errorFiles} error files`,
    `  ${comparison.rows} rows, ${comparison.records} distinct records; ${comparison.missing} missing, ${comparison.surplus} too many`,
    `  count, sums, minima and maxima equal those of the input: ${comparison.output.join(', ')}`,
    `  ${report.node}, ${report.cpu}, ${report.date}`,
  ].join('\n');
  return { json: report, text };
}

function progressLine(pipeline: LocalPipeline, seconds: number): string {
  const lags = pipeline.services.lambda.lag().flatMap(({ shards }) => shards.map(({ millisBehind }) => millisBehind));
  const { files, fileBytes } = pipeline.files();
  return `${seconds} s: lag ${(Math.max(0, ...lags) / 1000).toFixed(1)} s, ${files} files, ${fileBytes} bytes`;
}
