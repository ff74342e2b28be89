/** A schedule of a whole pipeline: its time makes one run, which pulls a document, delivers it, and ends by itself. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createRuns } from '../../batch/runs/create-runs.ts';
import type { Run } from '../../batch/runs/run.ts';
import { type Clients, createClients } from '../../cli/start/clients.ts';
import { query } from '../../cli/start/query.ts';
import { buildApp } from '../../infra/build-app.ts';
import { type Runtime, startRuntime } from '../../local/runtime.ts';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import type { Dataset, DatasetSchedule } from '../../schemas/dataset.ts';
import { datasets } from '../../schemas/index.ts';
import { earthquakeFeatures } from '../../streams/sources/vega.ts';
import { buildHandlers } from '../../tools/build.ts';
import { DRAIN_TIMEOUT_MS } from '../support/local/test-pipeline.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const PLACE = { account: '000000000000', region: 'us-east-1' };
const HOUR_MS = 3_600_000;
const EVENTS = 40;

let folder: string;
let server: http.Server;
let runtime: Runtime;
let clients: Clients;
/** Conditions of each request for the document. */
let asked: (string | undefined)[];
const closing: (() => void)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'schedules-'));
  asked = [];
  const features = (await Array.fromAsync(earthquakeFeatures())).slice(0, EVENTS);
  server = http.createServer((request, response) => {
    const known = request.headers['if-none-match'];
    asked.push(known);
    if (known === '"v1"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"v1"' }).end(JSON.stringify({ type: 'FeatureCollection', features }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const schedules: readonly DatasetSchedule[] = [
    {
      name: 'feed',
      expression: 'rate(1 hour)',
      pull: { kind: 'http', url: `http://127.0.0.1:${port}/all_hour.geojson` },
    },
  ];
  const bundles = await bundlesWith(schedules);
  const assembly = path.join(folder, 'assembly');
  runtime = await startRuntime({
    synthesize() {
      const declared = [...datasets.values()].map((dataset) => withSchedules(dataset, schedules));
      const settings = { environment: 'local', outdir: assembly, context: PLACE, validate: false } as const;
      const app = buildApp({ ...settings, datasets: declared, bundles, overrides: {} });
      return app.synth().stacks.map(({ stackName, template }) => ({ stackName, template }));
    },
    assetFolder: (key) => path.join(assembly, `asset.${path.parse(key).name}`),
    stateFolder: path.join(folder, 'state'),
    port: 0,
    ...PLACE,
  });
  clients = createClients(runtime.endpoint, runtime.region);
  closing.push(() => clients.close());
}, 120_000);

afterAll(async () => {
  for (const close of closing) close();
  await runtime.stop();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true });
});

function withSchedules(dataset: Dataset, schedules: readonly DatasetSchedule[]): Dataset {
  return dataset.name === 'earthquakes' ? { ...dataset, definition: { ...dataset.definition, schedules } } : dataset;
}

/** The bundles of the repository, but that the Ingestion function knows these schedules. */
async function bundlesWith(schedules: readonly DatasetSchedule[]): Promise<string> {
  await buildHandlers();
  const bundles = path.join(folder, 'lambda');
  cpSync(path.join(ROOT, 'build', 'lambda'), bundles, { recursive: true });
  const entry = `
    import { createIngestionPorts, readIngestionSettings } from '${ROOT}/batch/adapters/ingestion-ports.ts';
    import { createIngestionHandler } from '${ROOT}/batch/ingestion/handler.ts';
    import { datasets } from '${ROOT}/schemas/index.ts';
    const schedules = ${JSON.stringify(schedules)};
    const declared = [...datasets].map(([name, dataset]) => [
      name,
      name === 'earthquakes' ? { ...dataset, definition: { ...dataset.definition, schedules } } : dataset,
    ]);
    const settings = readIngestionSettings();
    export const handler = createIngestionHandler(settings, createIngestionPorts(settings, new Map(declared)));
  `;
  writeFileSync(path.join(folder, 'ingestion.ts'), entry);
  await buildHandlers({ handlers: { ingestion: 'ingestion.ts' }, root: folder, outdir: bundles });
  return bundles;
}

async function ended(): Promise<readonly Run[]> {
  const client = new DynamoDBClient(clients.settings);
  const table = createDynamoDbStateTable({ client, tableName: 'data-pipeline-state' });
  const { runs } = await createRuns({ table, clock: runtime.clock }).list('succeeded', 10);
  client.destroy();
  return runs.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}

/** Drives the clock past a time, and a minute at a time until what follows from it has ended. */
async function pass(durationMs: number, runsEnded: number): Promise<readonly Run[]> {
  runtime.clock.advance(durationMs);
  const endMs = performance.now() + DRAIN_TIMEOUT_MS;
  for (;;) {
    await runtime.drain(DRAIN_TIMEOUT_MS);
    const runs = await ended();
    if (runs.length >= runsEnded) return runs;
    if (performance.now() > endMs) throw new Error(`received ${runs.length} runs that ended, expected ${runsEnded}`);
    // The ledger is folded once a minute, and a run ends by it.
    runtime.clock.advance(60_000);
  }
}

it('runs once for each of its times, delivers a document once, and asks for what is newer', async () => {
  const scheduler = new SchedulerClient(clients.settings);
  const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({ GroupName: 'data-pipeline' }));
  scheduler.destroy();
  expect(Schedules.map(({ Name, State }) => `${Name} ${State}`)).toEqual(['earthquakes-feed ENABLED']);
  expect(asked).toEqual([]);

  const [first] = await pass(HOUR_MS, 1);
  expect(first).toMatchObject({ dataset: 'earthquakes', status: 'succeeded', produced: EVENTS, error: undefined });
  expect(asked).toEqual([undefined]);

  // The same time again is the same run, which has ended.
  if (first?.source.kind !== 'schedule') throw new Error('no run of a schedule');
  const scheduledAt = new Date(first.source.scheduledAtMs).toISOString();
  const sqs = new SQSClient(clients.settings);
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: `${runtime.endpoint}/${PLACE.account}/data-pipeline-runs`,
      MessageBody: JSON.stringify({ kind: 'schedule', dataset: 'earthquakes', schedule: 'feed', scheduledAt }),
    }),
  );
  sqs.destroy();
  await runtime.drain(DRAIN_TIMEOUT_MS);
  expect(await ended()).toHaveLength(1);
  expect(asked).toHaveLength(1);

  const [, second] = await pass(HOUR_MS, 2);
  expect(second).toMatchObject({ status: 'succeeded', produced: 0 });
  expect(asked).toEqual([undefined, '"v1"']);

  const { rows } = await query(clients.athena, 'SELECT count(*), count(DISTINCT _run_id) FROM earthquakes');
  expect(rows).toEqual([[String(EVENTS), '1']]);
}, 240_000);
