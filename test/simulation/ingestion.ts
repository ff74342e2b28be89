/** The Ingestion function in a run: the real handler behind its two queues, over dropped objects and the stream. */
import type { SQSEvent } from 'aws-lambda';
import { createKinesisReplay } from '../../batch/adapters/kinesis-replay.ts';
import { createIngestionHandler } from '../../batch/ingestion/handler.ts';
import { type CutObject, createObjectReader, createReadObjectRun } from '../../batch/ingestion/read-objects.ts';
import { runRequestText } from '../../batch/ingestion/run-request.ts';
import type { ObjectVersion, SourceObjectsPort } from '../../batch/ingestion/source-objects.ts';
import { createRuns } from '../../batch/runs/create-runs.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { chunkValues } from '../../streams/ingest/chunk-values.ts';
import { BadObject } from '../../streams/ingest/source-object.ts';
import type { SourceEvents } from './chunk-content.ts';
import type { Conditions } from './conditions.ts';
import { orders } from './datasets.ts';
import { createFunctionHost, type SimulatedProcess } from './function-host.ts';
import { putPort } from './put-port.ts';
import { createQueue, type SimulatedQueue } from './queue.ts';
import type { Random } from './random.ts';
import type { DropPlan } from './source-plans.ts';
import { createStatePort } from './state-ports.ts';
import { type SimulatedStream, STREAM_NAME } from './stream.ts';

export interface IngestionOptions {
  readonly conditions: Conditions;
  readonly table: StateTablePort;
  readonly stream: SimulatedStream;
  readonly events: SourceEvents;
}

export interface SimulatedIngestion {
  /** The queue that runs are asked for by. */
  readonly runsQueue: SimulatedQueue;
  /** Of each object that was dropped, its plan, by key. */
  readonly dropped: ReadonlyMap<string, DropPlan>;
  /** Drops what is planned, and sends the messages of users. */
  start(): void;
}

export const RAW_BUCKET = 'data-pipeline-raw';
export const CHUNK_RECORDS_MAX = 4;
const RUNS_QUEUE = 'data-pipeline-runs';
const INGEST_QUEUE = 'data-pipeline-ingest';
/** Mostly little more than what is kept back of an invocation's time, so that it is over in the midst of an object. */
const TIMEOUTS_MS = [90_100, 90_300, 120_000];
const CALL_MS_MAX = 60;
const WAIT_MS_MAX = 500;
const ENDS_TOO_EARLY = '!';

export function createIngestion({ conditions, table, stream, events }: IngestionOptions): SimulatedIngestion {
  const { scenario, time, startMs, say } = conditions;
  const random = conditions.random('ingestion ports');
  const contents = new Map<string, Buffer>();
  const dropped = new Map<string, DropPlan>();

  function start(process: SimulatedProcess<SQSEvent>) {
    const reader = createObjectReader({
      objects: objectsOf(process, contents, conditions, random),
      cut: cutLines,
      datasets: new Map([[orders.name, orders]]),
      bucket: RAW_BUCKET,
      objectBytesMax: Number.MAX_SAFE_INTEGER,
    });
    const readRun = createReadObjectRun(reader);
    const put = createKinesisReplay({
      port: putPort({ process, conditions, stream, random, contentOf: ({ data }) => events.contentOf(data) }),
      streamName: STREAM_NAME,
      wait: () => process.sleep(random.int(1, WAIT_MS_MAX)),
    });
    const handler = createIngestionHandler(
      {
        runsQueue: RUNS_QUEUE,
        ingestQueue: INGEST_QUEUE,
        metricsNamespace: 'Simulation',
        bucket: RAW_BUCKET,
        datasets: new Set([orders.name]),
        defaultDataset: orders.name,
        chunkRecordsMax: CHUNK_RECORDS_MAX,
      },
      {
        runs: createRuns({ table: createStatePort({ table, conditions, random, process }), clock: process }),
        async put(records) {
          if (conditions.befalls('putFailed')) {
            await process.sleep(random.int(1, WAIT_MS_MAX));
            throw new Error('the stream does not answer');
          }
          await put(records);
        },
        request: (request) =>
          process.call({
            name: 'ask for the rest',
            latencyMs: random.int(1, CALL_MS_MAX),
            refusal: conditions.befalls('putFailed') ? new Error('the queue does not answer') : undefined,
            answerLost: conditions.befalls('putAnswerLost') ? new Error('the queue did not answer') : undefined,
            effect: () => runsQueue.send(runRequestText(request)),
          }),
        readers: { s3: readRun, 's3-prefix': readRun, schedule: readRun },
        scheduledRun: () => {
          throw new Error('no schedule is simulated');
        },
        retryAfter: async () => undefined,
        clock: process,
        log: (line) => {
          if (!process.isDead) say(() => `${process.invocation?.requestId} logs ${line}`);
        },
      },
    );
    return handler;
  }

  const host = createFunctionHost<SQSEvent>({
    name: 'ingestion',
    conditions,
    timeoutMs: TIMEOUTS_MS[scenario.seed % TIMEOUTS_MS.length] ?? 0,
    start,
    onInvoke: () => undefined,
    onAnswer: () => undefined,
  });
  const queue = (name: string) => createQueue({ name, conditions, random: conditions.random(name), host });
  const runsQueue = queue(RUNS_QUEUE);
  const ingestQueue = queue(INGEST_QUEUE);

  function drop(plan: DropPlan): void {
    const key = `incoming/${plan.name}.ndjson`;
    const values = events.plan(plan.name, plan.lines, startMs + plan.atMs);
    const lines = values.slice(0, plan.endsAfter).map((value) => `${JSON.stringify(value)}\n`);
    const content = Buffer.from(`${lines.join('')}${plan.endsAfter === undefined ? '' : ENDS_TOO_EARLY}`);
    const tell = () =>
      runsQueue.send(
        JSON.stringify({
          source: 'aws.s3',
          'detail-type': 'Object Created',
          detail: { bucket: { name: RAW_BUCKET }, object: { key, size: content.length, etag: plan.name } },
        }),
      );
    time.after(plan.atMs, () => {
      contents.set(key, content);
      tell();
    });
    for (const atMs of plan.toldAgainAtMs) time.after(atMs + 1, tell);
    dropped.set(key, plan);
  }

  return {
    runsQueue,
    dropped,
    start() {
      for (const plan of scenario.sources.drops) drop(plan);
      for (const { atMs, name, events: kinds } of scenario.sources.messages) {
        const values = events.plan(name, kinds, startMs + atMs);
        time.after(atMs, () => ingestQueue.send(JSON.stringify(values.length === 1 ? values[0] : values)));
      }
    },
  };
}

function objectsOf(
  process: SimulatedProcess<unknown>,
  contents: ReadonlyMap<string, Buffer>,
  conditions: Conditions,
  random: Random,
): SourceObjectsPort {
  const call = <Value>(name: string, effect: () => Value) =>
    process.call({
      name,
      latencyMs: random.int(1, CALL_MS_MAX),
      refusal: conditions.befalls('objectFailed') ? new Error(`${name}: its store does not answer`) : undefined,
      effect,
    });
  const version = (key: string): ObjectVersion | undefined => {
    const content = contents.get(key);
    const name = key.slice('incoming/'.length, -'.ndjson'.length);
    return content && { bucket: RAW_BUCKET, key, etag: name, sizeBytes: content.length };
  };
  return {
    find: (_bucket, key) => call(`find ${key}`, () => version(key)),
    async *list(_bucket, prefix, after = '') {
      const list = () => [...contents.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      yield* await call('list', list);
    },
    open: ({ key, sizeBytes }) => ({
      key,
      sizeBytes,
      async *read(from, to) {
        const content = contents.get(key);
        if (content === undefined) throw new BadObject(`${key} is not there`);
        // In two pieces, so that the store may fail in the midst of it.
        const middle = Math.floor((from + (to ?? sizeBytes)) / 2);
        yield await call(`read ${key}`, () => content.subarray(from, middle));
        yield await call(`read ${key}`, () => content.subarray(middle, to));
      },
    }),
  };
}

/** Lines of JSON, cut at once: decompressing and reading by pieces works in threads, whose order no seed can fix. */
const cutLines: CutObject = async function* (object, { envelope, recordsMax, from }) {
  const pieces = await Array.fromAsync(object.read(0));
  const lines = Buffer.concat(pieces).toString().split('\n');
  const values = lines.slice(0, -1).map((line): unknown => JSON.parse(line));
  for (const chunk of chunkValues(values, { ...envelope, recordsMax })) {
    if (chunk.number >= from) yield chunk;
  }
  if (lines.at(-1) === ENDS_TOO_EARLY) throw new BadObject(`${object.key} ends too early`);
};
