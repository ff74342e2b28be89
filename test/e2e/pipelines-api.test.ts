/** The pipelines API through the local API Gateway: what users' commands ask of it, and a run that ends by itself. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { run as runVerb } from '../../cli/pipeline/run.ts';
import { runs as runsVerb } from '../../cli/pipeline/runs.ts';
import { isRecord } from '../../schemas/describe.ts';
import { earthquakeFeatures } from '../../streams/sources/vega.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';

const EVENTS = 50;
/** As the documentation has it, character by character. */
const EXAMPLE =
  '{"source":"api","data_type":"json","priority":"normal","metadata":{"source_system":"external_api","batch_id":"batch_001"}}';

let pipeline: TestPipeline;
let api = '';
beforeAll(async () => {
  pipeline = await startTestPipeline();
  api = pipeline.pipeline.services.apigateway.urlOf('data-pipeline-api', 'prod');
}, 120_000);
afterAll(() => pipeline.stop());

async function call(method: string, path: string, body?: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`${api}${path}`, {
    method,
    ...(body !== undefined && { body }),
    headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
  });
  const value: unknown = await answer.json();
  if (!isRecord(value)) throw new Error(`${method} ${path}: ${JSON.stringify(value)}`);
  return { status: answer.status, location: answer.headers.get('location'), body: value };
}

async function verb({ run }: typeof runVerb, ...args: readonly string[]) {
  const lines: string[] = [];
  const output = { print: (line: string) => void lines.push(line), note: () => {}, progress: () => {} };
  const code = await run([...args, '--endpoint-url', pipeline.pipeline.endpoint], output);
  return { code, lines };
}

it('makes, shows, lists page by page, and stops runs', async () => {
  const made = await call('POST', '/pipelines', EXAMPLE);
  const id = String(made.body.pipeline_id);
  expect(made).toMatchObject({ status: 201, location: `/prod/pipelines/${id}`, body: JSON.parse(EXAMPLE) });

  await call('POST', `/pipelines/${id}/records`, '{"records":[{}]}');
  const other = await call('POST', '/pipelines', '{"source":"api","records":[{},{}]}', { 'Idempotency-Key': 'k' });
  const again = await call('POST', '/pipelines', '{"source":"api","records":[{},{}]}', { 'Idempotency-Key': 'k' });
  expect(again.body.pipeline_id).toBe(other.body.pipeline_id);
  expect((await call('POST', '/pipelines', '{"source":"api"}', { 'Idempotency-Key': 'k' })).status).toBe(422);

  expect(await call('GET', `/pipelines/${id}`)).toMatchObject({
    status: 200,
    body: { status: 'running', produced: 1 },
  });
  const first = await call('GET', '/pipelines?status=running&limit=1');
  const second = await call('GET', `/pipelines?status=running&limit=1&next=${first.body.next}`);
  const listed = [first, second].flatMap(({ body }) => (Array.isArray(body.pipelines) ? body.pipelines : []));
  expect(listed.map(({ pipeline_id }) => pipeline_id)).toEqual([other.body.pipeline_id, id]);

  expect(await call('DELETE', `/pipelines/${id}`)).toMatchObject({ status: 202, body: { all_produced: true } });
  expect((await call('POST', `/pipelines/${id}/records`, '{"records":[{}]}')).status).toBe(409);
  expect((await call('PUT', '/pipelines')).status).toBe(405);
  expect((await call('GET', '/pipelines/none')).status).toBe(404);
  expect((await verb(runsVerb, '--status', 'running', '--json')).lines).toHaveLength(2);
}, 60_000);

/** Runs are looked at once a minute. */
const MINUTE_MS = 61_000;
const MINUTES_MAX = 10;

async function ended(id: string) {
  for (let minutes = 0; ; minutes++) {
    await pipeline.pipeline.drain(DRAIN_TIMEOUT_MS);
    const { body } = await call('GET', `/pipelines/${id}`);
    if (body.ended_at !== null || minutes >= MINUTES_MAX) return body;
    pipeline.pipeline.clock.advance(MINUTE_MS);
  }
}

it('ends a run by itself once all of its records have landed', async () => {
  const records = (await Array.fromAsync(earthquakeFeatures())).slice(0, EVENTS);

  const made = await call('POST', '/pipelines', JSON.stringify({ source: 'api', dataset: 'earthquakes', records }));
  expect(made).toMatchObject({ status: 201, body: { produced: EVENTS, all_produced: true } });
  const id = String(made.body.pipeline_id);
  expect(await ended(id)).toMatchObject({ status: 'succeeded', delivered: EVENTS, landed: EVENTS });

  const [[rows] = []] = (
    await pipeline.sql(`SELECT count(DISTINCT _event_id) FROM earthquakes WHERE _run_id = '${id}'`)
  ).rows;
  expect(rows).toBe(String(EVENTS));
  const shown = await verb(runVerb, id, '--follow', '--json');
  expect(JSON.parse(shown.lines.join(''))).toMatchObject({ produced: EVENTS, status: 'succeeded' });
}, 120_000);
