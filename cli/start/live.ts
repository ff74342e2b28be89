/** `npm start`: the pipeline with a live feed and a view of what it does, until Ctrl-C. */
import { SHOWCASE } from './books.ts';
import { type Clients, createClients } from './clients.ts';
import { createDisplay } from './display.ts';
import { createFeed } from './feed.ts';
import { createFigures } from './figures.ts';
import { type LocalPipeline, startLocalPipeline } from './local-pipeline.ts';
import { API, PROCESSOR_LOG_GROUP, STREAM } from './names.ts';
import type { StartOptions } from './options.ts';
import { type QueryResult, query } from './query.ts';
import type { FailureLine, Snapshot } from './view.ts';

const REFRESH_MS = 1_000;
/** A query costs a good deal more than a look at counters, and the more the more files there are. */
const QUERY_EVERY_MS = 10_000;
/** Queries take a twentieth of the time at most. */
const QUERY_PAUSES = 20;
const FAILURES_SHOWN = 5;

/** Resolves after the signal, once everything accepted is on disk. */
export async function runLive(options: StartOptions, signal: AbortSignal): Promise<void> {
  const figures = createFigures();
  const display = createDisplay({ json: options.json });
  const pipeline = await startLocalPipeline({
    stateFolder: options.state,
    port: options.port,
    fresh: options.fresh,
    onLog: (group, message) => group === PROCESSOR_LOG_GROUP && figures.take(message),
    warn: display.warn,
  });
  const clients = createClients(pipeline.endpoint, pipeline.region);
  const apiUrl = pipeline.services.apigateway.urlOf(API.name, API.stage).replace(/\/$/, '');
  display.say(`the pipeline runs on ${pipeline.endpoint}, its API on ${apiUrl}, state in ${options.state}`);
  const startedAtMs = performance.now();
  const queries = createQueries(clients, pipeline, display.warn);
  let put = (): number => 0;
  let note = options.feed ? 'feeding real records' : 'waiting for records';
  let lastReceived = 0;
  let lastLookMs = startedAtMs;

  const look = (): Snapshot => {
    const nowMs = performance.now();
    const eventsPerSecond = (figures.sums.received - lastReceived) / Math.max(0.001, (nowMs - lastLookMs) / 1000);
    lastReceived = figures.sums.received;
    lastLookMs = nowMs;
    const lags = pipeline.services.lambda.lag().flatMap(({ shards }) => shards.map(({ millisBehind }) => millisBehind));
    const { files, fileBytes } = pipeline.files();
    return {
      endpoint: pipeline.endpoint,
      apiUrl,
      streamName: STREAM,
      stateFolder: options.state,
      uptimeSeconds: (nowMs - startedAtMs) / 1000,
      put: put(),
      received: figures.sums.received,
      delivered: figures.sums.delivered,
      quarantined: figures.sums.quarantined,
      eventsPerSecond,
      streamBytes: pipeline.services.kinesis.figures(STREAM).bytes,
      lagMs: Math.max(0, ...lags),
      files,
      fileBytes,
      failures: queries.failures(),
      result: queries.result(),
      resultTitle: SHOWCASE.title,
      note,
    };
  };

  const timer = setInterval(() => {
    queries.refresh();
    display.show(look());
  }, REFRESH_MS);
  try {
    if (options.feed) {
      const feed = await createFeed(clients);
      put = feed.put;
      await feed.live(signal);
    } else if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    note = 'stopping: writing what is buffered';
    display.show(look());
  } finally {
    clearInterval(timer);
    await queries.settled();
    clients.close();
    await pipeline.stop();
    display.close();
  }
  display.say(`stopped; everything accepted is kept in ${options.state}. Run npm start to go on.`);
}

/** What the view shows of SQL: asked anew when files were added, and once more when their partitions are registered too. */
function createQueries(clients: Clients, pipeline: LocalPipeline, warn: (line: string) => void) {
  let failures: readonly FailureLine[] = [];
  let result: QueryResult | undefined;
  let filesSeen = 0;
  let answeredFor = 0;
  let askAgainAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const showcase = await query(clients.athena, SHOWCASE.sql);
    if (showcase.rows.length > 0) result = showcase;
    const recent = await query(
      clients.athena,
      `SELECT coalesce(dataset, ''), stage, code, message FROM failed_events ORDER BY _processed_at DESC LIMIT ${FAILURES_SHOWN}`,
    );
    failures = recent.rows.map(([dataset = '', stage = '', code = '', message = '']) => ({
      ...{ dataset, stage, code, message },
    }));
  }

  return {
    failures: () => failures,
    result: () => result,
    refresh() {
      if (underWay || performance.now() < askAgainAtMs) return;
      const { files } = pipeline.files();
      if (files === answeredFor) return;
      if (files === filesSeen) answeredFor = files;
      filesSeen = files;
      const askedAtMs = performance.now();
      underWay = ask()
        .catch((error: unknown) => warn(`the view's query: ${String(error)}`))
        .finally(() => {
          underWay = undefined;
          const tookMs = performance.now() - askedAtMs;
          askAgainAtMs = askedAtMs + Math.max(QUERY_EVERY_MS, QUERY_PAUSES * tookMs);
        });
    },
    settled: async () => underWay,
  };
}
