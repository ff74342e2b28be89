/** `kill -9` of `npm start` at any moment, and a start on the same state: nothing that was acknowledged is lost. */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { isRecord } from '../../schemas/describe.ts';
import { earthquakeFeatures } from '../../streams/sources/vega.ts';
import { createRandom } from '../simulation/random.ts';
import { checkBooks, countedRecords } from '../support/local/check-books.ts';
import { PROCESSED_BUCKET } from '../support/local/physical-names.ts';
import { reconcilePipeline } from '../support/local/reconcile-pipeline.ts';
import { type ResendingProducer, startResendingProducer } from '../support/local/resending-producer.ts';
import { freePort, type StartProcess, startProcess } from '../support/local/start-process.ts';
import { startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';

/** Other moments each time; CRASH_SEED takes those of a failure again. */
const SEED = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 1_000_000));
const REGION = 'us-east-1';
const TIMEOUT_MS = 300_000;
const EVENTS_MAX = 20_000;
/** Partitions, and so objects that Firehose writes when it flushes. */
const DAYS = 30;
const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2024, 4, 17);

const [feature = {}] = (await Array.fromAsync(earthquakeFeatures())).filter(isRecord);

const earthquake = (number: number) => {
  const time = FIRST_DAY + (number % DAYS) * DAY_MS + number;
  return { ...feature, id: String(number), properties: { ...Object(feature.properties), time, updated: time } };
};

async function until(holds: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  for (const endMs = performance.now() + timeoutMs; !(await holds()) && performance.now() < endMs; ) await sleep(5);
}

/** Until the processor, on its way through what is put, has counted something. */
async function untilAtWork({ endpoint }: StartProcess): Promise<void> {
  const before = await countedRecords({ endpoint, region: REGION });
  await until(async () => (await countedRecords({ endpoint, region: REGION })) > before, 20_000);
}

/** What a test that fails leaves behind. */
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Round {
  readonly start: StartProcess;
  readonly producer: ResendingProducer;
  readonly stateFolder: string;
  /** A moment of so many milliseconds. */
  readonly moment: (msMax: number) => Promise<void>;
}

/** What is awaited before the kill. */
const ROUNDS: Readonly<Record<string, (round: Round) => Promise<void>>> = {
  'while it starts': ({ moment }) => moment(4_000),
  async 'in mid-batch'({ start, moment }) {
    await start.running();
    await untilAtWork(start);
    await moment(600);
  },
  async 'while Firehose flushes'({ start, stateFolder, moment }) {
    await start.running();
    await untilAtWork(start);
    const objects = path.join(stateFolder, 's3', PROCESSED_BUCKET, 'earthquakes', '**', '*.parquet');
    const before = globSync(objects).length;
    start.terminate();
    await until(() => globSync(objects).length > before, 5_000);
    await moment(60);
  },
  async 'while nothing is put'({ start, producer, moment }) {
    await start.running();
    await producer.stop();
    await moment(2_500);
  },
};

async function expectAcknowledged(run: TestPipeline, acknowledged: ReadonlyMap<string, number>): Promise<number> {
  const { rows } = await run.sql('SELECT DISTINCT substr(_position, 1, length(_position) - 8), id FROM earthquakes');
  const numbers = new Map(rows.map(([position = '', id]) => [position, Number(id)]));
  const lost = [...acknowledged].filter(([position, number]) => numbers.get(position) !== number);
  const sent = new Set(acknowledged.values());
  const others = [...numbers].filter(([, number]) => !sent.has(number));
  expect({ seed: SEED, lost, others }).toEqual({ seed: SEED, lost: [], others: [] });
  expect([...sent].sort((a, b) => a - b)).toEqual(Array.from({ length: sent.size }, (_, number) => number));
  return rows.length;
}

it(
  'kill -9 of npm start at any moment, and a start on the same state, lose nothing and leave no process behind',
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'crash-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const stateFolder = path.join(folder, 'state');
    const random = createRandom(SEED, 'crash');
    const port = await freePort();
    const givingUp = new AbortController();
    cleanups.push(() => givingUp.abort());
    const producer = startResendingProducer({
      endpoint: `http://127.0.0.1:${port}`,
      region: REGION,
      event: earthquake,
      key: (number) => `key-${number % 50}`,
      eventsMax: EVENTS_MAX,
      signal: givingUp.signal,
    });
    for (const [killed, wait] of Object.entries(ROUNDS)) {
      const start = startProcess(port, stateFolder);
      cleanups.push(() => start.kill().catch(() => []));
      await wait({ start, producer, stateFolder, moment: (msMax) => sleep(random.int(0, msMax)) });
      expect({ seed: SEED, killed, orphans: await start.kill() }).toEqual({ seed: SEED, killed, orphans: [] });
    }

    const run = await startTestPipeline(stateFolder);
    cleanups.push(() => run.stop());
    await run.pipeline.drain(TIMEOUT_MS);
    const books = await checkBooks(run.pipeline);
    const reconciled = await reconcilePipeline(run.pipeline);
    const records = await expectAcknowledged(run, producer.acknowledged);

    expect(producer.acknowledged.size).toBeGreaterThan(200);
    expect({ seed: SEED, findings: books.findings }).toEqual({ seed: SEED, findings: [] });
    expect(books.events).toEqual({ delivered: records, quarantined: 0, dropped: 0, duplicate: 0 });
    expect(books.records).toBe(records);
    const { residual, findings } = reconciled;
    const others = findings.filter(({ kind }) => kind !== 'duplicates_at_rest');
    expect({ seed: SEED, residual, others }).toEqual({ seed: SEED, residual: 0, others: [] });
    expect(reconciled.tapeRecords).toBe(records);
    expect(reconciled.duplicatesAtRest).toBe(books.duplicateRows);
  },
  TIMEOUT_MS,
);
