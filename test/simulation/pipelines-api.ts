/** The pipelines API in a run: the real handler, and clients who ask again with the same key until they are answered. */
import { createKinesisReplay } from '../../batch/adapters/kinesis-replay.ts';
import { runRequestText } from '../../batch/ingestion/run-request.ts';
import { type ApiResponse, createOrchestratorHandler } from '../../batch/pipelines/handler.ts';
import { type Once, StillInProgress, Unavailable } from '../../batch/pipelines/ports.ts';
import { createRuns } from '../../batch/runs/create-runs.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { isRecord } from '../../schemas/describe.ts';
import { chunkValues } from '../../streams/ingest/chunk-values.ts';
import type { SourceEvents } from './chunk-content.ts';
import type { Conditions } from './conditions.ts';
import { orders } from './datasets.ts';
import { createFunctionHost, type SimulatedProcess } from './function-host.ts';
import { CHUNK_RECORDS_MAX, RAW_BUCKET } from './ingestion.ts';
import { putPort } from './put-port.ts';
import type { SimulatedQueue } from './queue.ts';
import type { ApiRunPlan } from './source-plans.ts';
import { createStatePort } from './state-ports.ts';
import { type SimulatedStream, STREAM_NAME } from './stream.ts';
import { Violation } from './violation.ts';

export interface PipelinesApiOptions {
  readonly conditions: Conditions;
  readonly table: StateTablePort;
  readonly stream: SimulatedStream;
  readonly events: SourceEvents;
  readonly runsQueue: SimulatedQueue;
}

export interface SimulatedPipelinesApi {
  /** Of each run that was made, its plan, by id. */
  readonly made: ReadonlyMap<string, ApiRunPlan>;
  start(): void;
}

const TIMEOUT_MS = 29_000;
const CALL_MS_MAX = 60;
const WAIT_MS_MAX = 500;
const ASK_AGAIN_MS = 3_000;
/** What a client is answered when it is to ask again. */
const AGAIN: ReadonlySet<unknown> = new Set([409, 429, 500, 503]);

export function createPipelinesApi(options: PipelinesApiOptions): SimulatedPipelinesApi {
  const { conditions, table, stream, events, runsQueue } = options;
  const { scenario, time, startMs, say } = conditions;
  const random = conditions.random('pipelines api ports');
  const made = new Map<string, ApiRunPlan>();
  const remembered = new Map<string, { result: string | undefined; untilMs: number }>();
  let ids = 0;

  function start(process: SimulatedProcess<object>) {
    const table_ = createStatePort({ table, conditions, random, process });
    const put = createKinesisReplay({
      port: putPort({ process, conditions, stream, random, contentOf: ({ data }) => events.contentOf(data) }),
      streamName: STREAM_NAME,
      wait: () => process.sleep(random.int(1, WAIT_MS_MAX)),
    });
    return createOrchestratorHandler(
      {
        datasets: new Set([orders.name]),
        defaultDataset: orders.name,
        rawBucket: RAW_BUCKET,
        chunkRecordsMax: CHUNK_RECORDS_MAX,
      },
      {
        runs: createRuns({ table: table_, clock: process }),
        stream: {
          cut: (records, limits) => chunkValues(records, limits),
          async put(chunks) {
            await put(chunks).catch((cause: unknown) => {
              throw new Unavailable('the stream', { cause });
            });
          },
        },
        runsQueue: {
          send: (request) =>
            process.call({
              name: 'ask for a run',
              latencyMs: random.int(1, CALL_MS_MAX),
              effect: () => runsQueue.send(runRequestText(request)),
            }),
        },
        objects: { find: async () => undefined },
        once: onceOf(process, remembered, conditions),
        newId: () => String(ids++).padStart(32, '0'),
        clock: process,
        log: (line) => {
          if (!process.isDead) say(() => `${process.invocation?.requestId} logs ${line}`);
        },
      },
    );
  }

  const host = createFunctionHost<object>({
    name: 'orchestrator',
    conditions,
    timeoutMs: TIMEOUT_MS,
    start,
    onInvoke: () => undefined,
    onAnswer: () => undefined,
  });

  /** Asks until it is answered. */
  async function ask(httpMethod: string, path: string, key: string, body: object): Promise<Record<string, unknown>> {
    const event = { httpMethod, path, headers: { 'Idempotency-Key': key }, body: JSON.stringify(body) };
    for (;;) {
      const answer = await new Promise<ApiResponse | undefined>((resolve) =>
        host.invoke(event, (result) => resolve(result.kind === 'returned' ? JSON.parse(result.payload) : undefined)),
      );
      const parsed: unknown = answer && JSON.parse(answer.body);
      if (answer !== undefined && isRecord(parsed) && answer.statusCode < 300) return parsed;
      const isEnded = answer?.body.includes('RUN_ENDED') === true;
      if (answer !== undefined && (isEnded || !AGAIN.has(answer.statusCode))) {
        throw new Violation(
          'the API takes what it should',
          `${httpMethod} ${path}: ${answer.statusCode} ${answer.body}`,
        );
      }
      await time.sleep(random.int(1, ASK_AGAIN_MS));
    }
  }

  async function use(plan: ApiRunPlan): Promise<void> {
    const { name, requests, end } = plan;
    const run = await ask('POST', '/pipelines', name, { source: 'api', dataset: orders.name });
    const id = String(run.pipeline_id);
    made.set(id, plan);
    for (const [index, kinds] of requests.entries()) {
      const records = events.plan(`${name}.${index}`, kinds, startMs + plan.atMs);
      await ask('POST', `/pipelines/${id}/records`, `${name}.${index}`, { records });
    }
    if (end === 'complete') await ask('POST', `/pipelines/${id}/complete`, `${name}.end`, {});
    else await ask('DELETE', `/pipelines/${id}`, `${name}.end`, {});
  }

  return {
    made,
    start() {
      for (const plan of scenario.sources.apiRuns) {
        time.after(plan.atMs, () => void use(plan).catch((error: unknown) => failWith(conditions, error)));
      }
    },
  };
}

function failWith(conditions: Conditions, error: unknown): void {
  conditions.fail(error instanceof Violation ? error : new Violation('clients are answered', String(error)));
}

/** As Powertools keeps it: in progress for as long as the work may take, and then what it came to. */
function onceOf(
  process: SimulatedProcess<object>,
  remembered: Map<string, { result: string | undefined; untilMs: number }>,
  { time }: Conditions,
): Once {
  const call = <Value>(name: string, effect: () => Value) => process.call({ name, latencyMs: 5, effect });
  return {
    async once({ key }, remainingTimeMs, work) {
      const untilMs = time.now() + remainingTimeMs();
      const known = await call('begin once', () => {
        const before = remembered.get(key);
        if (before?.result !== undefined) return before.result;
        if (before !== undefined && before.untilMs > time.now()) throw new StillInProgress('in progress');
        remembered.set(key, { result: undefined, untilMs });
        return undefined;
      });
      if (known !== undefined) return known;
      let result: string;
      try {
        result = await work();
      } catch (error) {
        await call('forget once', () => remembered.delete(key));
        throw error;
      }
      await call('end once', () => void remembered.set(key, { result, untilMs }));
      return result;
    },
  };
}
