/**
 * The kernel: the real processor with ports that accept at once, so all of it but the network, over batches of 1,000
 * records in the shape that Lambda gives. It is measured against the floor, the least that JSON costs on the same
 * events: per record base64 to a buffer, `JSON.parse`, `JSON.stringify` and a buffer again, and one concatenation.
 *
 * The two run in turns in one process, and ratios are taken within a turn, so that a machine that slows down slows both.
 */
import { cpus, loadavg } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual, styleText } from 'node:util';
import type { KinesisStreamEvent } from 'aws-lambda';
import { createRealtimeHandler, type RealtimeHandler } from '../processors/realtime.ts';
import { datasets } from '../schemas/index.ts';
import type { BenchmarkResult } from './benchmark.ts';
import { BATCH_RECORDS, type Batch, FORMATS, type Format, makeBatches, RECORD_BYTES } from './kernel-events.ts';
import { type BooksCost, createMeasuredBooks } from './measured-books.ts';
import { medianOf, quartilesOf } from './statistics.ts';

const BATCHES = 7;
/** Batches that each side of a pair takes in a turn: enough for it to collect most of its own garbage. */
const BATCHES_A_TURN = 3;
const WARM_UP_ROUNDS = 10;
const ROUNDS = 120;
/** On a machine that others load too, fewer rounds than planned are measured. */
const MEASURE_MS_MAX = 60_000;

const FORMAT_NAMES: Readonly<Record<Format, string>> = {
  json: 'JSON',
  avro: 'Avro single-object',
  kpl: 'KPL aggregates of 50 JSON',
  kpl_avro: 'KPL aggregates of 50 Avro',
};

/** The processor, and what it has delivered. */
interface Kernel {
  readonly handler: RealtimeHandler;
  /** Documents and bytes accepted since the last call, by table. */
  take(): ReadonlyMap<string, { readonly documents: number; readonly bytes: number }>;
  /** What was accepted since then, record by record. */
  readonly keep: Buffer[];
  /** What the books cost since the last call. */
  takeBooks(): BooksCost;
}

function createKernel(): Kernel {
  let accepted = new Map<string, { documents: number; bytes: number }>();
  const keep: Buffer[] = [];
  const measuredBooks = createMeasuredBooks();
  const handler = createRealtimeHandler(
    {
      datasets: datasets.values(),
      defaultDataset: 'earthquakes',
      metricsNamespace: 'DataPipeline',
      payloadBucket: 'archive',
      retriesMax: 5,
    },
    {
      books: measuredBooks.books,
      delivery: {
        async deliver({ table, records }) {
          const sum = accepted.get(table) ?? { documents: 0, bytes: 0 };
          accepted.set(table, sum);
          for (const { documents, data } of records) {
            sum.documents += documents;
            sum.bytes += data.length;
            keep.push(data);
          }
          return [];
        },
      },
      payloads: {
        keep: async () => {
          throw new Error('a payload was kept: the records of this benchmark are small and valid');
        },
      },
      claims: {
        claim: async () => {
          throw new Error('something was claimed: the datasets of this benchmark claim nothing');
        },
      },
      clock: { now: Date.now },
      log: () => {},
    },
  );
  return {
    handler,
    keep,
    takeBooks: measuredBooks.take,
    take() {
      const taken = accepted;
      accepted = new Map();
      keep.length = 0;
      return taken;
    },
  };
}

/** @returns bytes, so that nothing is optimised away */
function floor({ Records }: KinesisStreamEvent): number {
  const documents: Buffer[] = [];
  for (const { kinesis } of Records) {
    const value: unknown = JSON.parse(Buffer.from(kinesis.data, 'base64').toString());
    documents.push(Buffer.from(`${JSON.stringify(value)}\n`));
  }
  return Buffer.concat(documents).length;
}

interface Measured {
  readonly ratios: number[];
  readonly kernelMs: number[];
  /** Share of the processor's time that begin and commit take. */
  readonly booksShares: number[];
}

const CONTEXT = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 300_000 };

export default async function kernelBenchmark(progress: (line: string) => void): Promise<BenchmarkResult> {
  const batches = await makeBatches(BATCHES);
  const kernel = createKernel();
  await checkOutput(kernel, batches);

  const floorMs: number[] = [];
  let measuringSince = performance.now();
  const measured = new Map<Format, Measured>(
    FORMATS.map((format) => [format, { ratios: [], kernelMs: [], booksShares: [] }]),
  );
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    if (round === 0) measuringSince = performance.now();
    if (round > 0 && performance.now() - measuringSince > MEASURE_MS_MAX) break;
    const chosen = Array.from({ length: BATCHES_A_TURN }, (_, at) => batches.at((round + at) % batches.length)).filter(
      (batch) => batch !== undefined,
    );
    for (const format of FORMATS) {
      const { before, during, after, books } = await turn(kernel, chosen, format);
      if (round < 0) continue;
      floorMs.push(before, after);
      measured.get(format)?.ratios.push((2 * during) / (before + after));
      measured.get(format)?.kernelMs.push(during);
      measured.get(format)?.booksShares.push(books / during);
    }
    if (round % 20 === 0) progress(`round ${round} of ${ROUNDS}`);
  }
  return summarize(measured, floorMs, batches);
}

/** The floor, the processor and the floor again: milliseconds a batch. */
async function turn(kernel: Kernel, batches: readonly Batch[], format: Format) {
  kernel.takeBooks();
  const runFloor = () => batches.map((batch) => floor(batch.json));
  const runKernel = async () => {
    let failures = 0;
    for (const batch of batches) failures += (await kernel.handler(batch[format], CONTEXT)).batchItemFailures.length;
    return failures;
  };
  const before = await timed(runFloor);
  const kernelRun = await timed(runKernel);
  const after = await timed(runFloor);
  const books = kernel.takeBooks();
  if (books.updates !== batches.length || books.transactions !== batches.length) {
    throw new Error(
      `${format}: ${books.updates} updates and ${books.transactions} transactions, allowed: one of each a batch`,
    );
  }

  const delivered = kernel.take();
  const documents = batches.length * BATCH_RECORDS;
  const isWhole = delivered.size === 1 && delivered.get('earthquakes')?.documents === documents;
  if (!isWhole || kernelRun.value > 0 || !isDeepStrictEqual(before.value, after.value)) {
    throw new Error(`${format}: delivered ${JSON.stringify([...delivered])}, allowed: ${documents} earthquakes`);
  }
  return {
    before: before.ms / batches.length,
    during: kernelRun.ms / batches.length,
    after: after.ms / batches.length,
    books: books.ms / batches.length,
  };
}

/**
 * What the engine has put off, such as parts of a garbage collection, is done before: only the processor waits for
 * events, so all of it would else be done on its account.
 */
async function timed<Value>(
  run: () => Value | Promise<Value>,
): Promise<{ readonly value: Value; readonly ms: number }> {
  await setImmediate();
  const startedAt = performance.now();
  const value = await run();
  return { value, ms: performance.now() - startedAt };
}

/** Before anything is timed: every format delivers the same events, each whole and with an identity of its own. */
async function checkOutput(kernel: Kernel, batches: readonly Batch[]): Promise<void> {
  for (const batch of batches) {
    const outputs: unknown[][] = [];
    for (const format of FORMATS) {
      await kernel.handler(batch[format], CONTEXT);
      const rows: Record<string, unknown>[] = Buffer.concat(kernel.keep)
        .toString()
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text));
      kernel.take();
      const identities = new Set(rows.map((row) => row._record_id));
      if (identities.size !== BATCH_RECORDS)
        throw new Error(`${format}: ${identities.size} identities of ${BATCH_RECORDS}`);
      outputs.push(rows.map(({ _record_id, _position, _processed_at, ...row }) => row));
    }
    if (!outputs.every((output) => isDeepStrictEqual(output, outputs[0]))) {
      throw new Error('the formats do not deliver the same rows');
    }
  }
}

function summarize(
  measured: ReadonlyMap<Format, Measured>,
  floorMs: readonly number[],
  batches: readonly Batch[],
): BenchmarkResult {
  const perSecond = (ms: number) => Math.round((BATCH_RECORDS * 1_000) / ms / 100) * 100;
  const rounded = (value: number) => Math.round(value * 1_000) / 1_000;
  const entries = [...measured];
  const json = {
    ratio_to_floor: Object.fromEntries(entries.map(([format, { ratios }]) => [format, rounded(medianOf(ratios))])),
    ratio_quartiles: Object.fromEntries(
      entries.map(([format, { ratios }]) => [format, quartilesOf(ratios).map(rounded)]),
    ),
    books_share: Object.fromEntries(
      entries.map(([format, { booksShares }]) => [format, rounded(medianOf(booksShares))]),
    ),
    records_per_second: {
      floor: perSecond(medianOf(floorMs)),
      ...Object.fromEntries(entries.map(([format, { kernelMs }]) => [format, perSecond(medianOf(kernelMs))])),
    },
    record_bytes: Object.fromEntries(FORMATS.map((format) => [format, recordBytes(batches, format)])),
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    rounds: entries[0]?.[1].ratios.length ?? 0,
    load_average: rounded(loadavg()[0] ?? 0),
    date: new Date().toISOString().slice(0, 10),
  };
  return { json, text: textOf(measured, json) };
}

/** Mean bytes of a user record on the stream. */
function recordBytes(batches: readonly Batch[], format: Format): number {
  const lengths = batches.flatMap((batch) =>
    batch[format].Records.map(({ kinesis }) => Buffer.from(kinesis.data, 'base64').length),
  );
  return Math.round(lengths.reduce((sum, length) => sum + length, 0) / (batches.length * BATCH_RECORDS));
}

function textOf(
  measured: ReadonlyMap<Format, Measured>,
  json: {
    readonly records_per_second: Readonly<Record<string, number>>;
    readonly record_bytes: Readonly<Record<string, number>>;
    readonly node: string;
    readonly cpu: string;
    readonly rounds: number;
    readonly load_average: number;
    readonly date: string;
  },
): string {
  const row = (name: string, bytes: string, rate: string, ratio: string) =>
    `${name.padEnd(28)}${bytes.padStart(6)}${rate.padStart(12)}  ${ratio}`;
  const show = (value: number) => value.toFixed(2);
  const share = (value: number) => `${(value * 100).toFixed(1)} %`;
  const lines = [...measured].map(([format, { ratios, booksShares }]) => {
    const [low = 0, high = 0] = quartilesOf(ratios);
    return row(
      FORMAT_NAMES[format],
      String(json.record_bytes[format]),
      String(json.records_per_second[format]),
      `${show(medianOf(ratios))}  (half of the rounds between ${show(low)} and ${show(high)}), ${share(medianOf(booksShares))} of it begin and commit`,
    );
  });
  return [
    styleText('bold', row('input', 'bytes', 'records/s', '× floor')),
    row('floor', String(RECORD_BYTES), String(json.records_per_second.floor), '1.00'),
    ...lines,
    '',
    'Floor: per record base64 to a buffer, JSON.parse, JSON.stringify and a buffer; one concatenation a batch.',
    'Avro and KPL are compared with the floor over the same events as JSON records.',
    `Medians of ${json.rounds} paired rounds of ${BATCHES_A_TURN} × ${BATCH_RECORDS} records.`,
    `Node ${json.node}, ${json.cpu}, load average ${json.load_average}, ${json.date}.`,
  ].join('\n');
}
