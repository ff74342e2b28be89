/** What Lambda gave up, and what Firehose could not deliver, comes back by redrive, and the books balance. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, expect, it } from '@jest/globals';
import { invokeFunction } from '../../cli/pipeline/invoke-function.ts';
import { ReconcileReport } from '../../cli/pipeline/reconcile-report.ts';
import { redrive } from '../../cli/pipeline/redrive.ts';
import { STREAM } from '../../cli/start/names.ts';
import { isRecord } from '../../schemas/describe.ts';
import { createKinesisPutRecords, createProducer } from '../../streams/index.ts';
import { earthquakeFeatures } from '../../streams/sources/vega.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';

const EVENTS = 300;
/** Records are given up after 72 hours: infra/settings.ts. */
const PAST_RECORD_AGE_MS = 73 * 3_600_000;

let run: TestPipeline;
afterEach(() => run.stop());

async function put(features: readonly unknown[]): Promise<void> {
  const port = createKinesisPutRecords(run.clients.kinesis);
  const producer = await createProducer({ port, streamName: STREAM });
  for (const [index, feature] of features.entries()) {
    await producer.putBytes(Buffer.from(JSON.stringify(feature)), `key-${index % 7}`);
  }
  await producer.close();
}

async function redriven(...args: readonly string[]) {
  const lines: string[] = [];
  const output = { print: (line: string) => void lines.push(line), note: () => {}, progress: () => {} };
  const code = await redrive.run([...args, '--json', '--endpoint-url', run.pipeline.endpoint], output);
  return { code, report: JSON.parse(lines.join('')) };
}

async function reconciled(): Promise<ReconcileReport> {
  const answer = await invokeFunction({ name: 'Reconcile', event: {}, doing: '' }, run.clients.settings, {
    progress: () => {},
  });
  return ReconcileReport.parse(answer);
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + DRAIN_TIMEOUT_MS;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error('it has not come to that in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const earthquakes = (await Array.fromAsync(earthquakeFeatures())).filter(isRecord).slice(0, EVENTS);

it('plays again what was parked in an outage of three days, with the identity of its first place', async () => {
  run = await startTestPipeline();
  run.pipeline.faults('firehose').set({ errorRate: 1 });
  await put(earthquakes);
  await until(() => run.log.some((line) => line.includes('batch done in part')));

  run.pipeline.clock.advance(PAST_RECORD_AGE_MS);
  await run.pipeline.drain(DRAIN_TIMEOUT_MS);
  run.pipeline.faults('firehose').clear();

  const parked = await reconciled();
  const sum = (field: 'tapeRecords' | 'journalRecords' | 'parkedRecords') =>
    parked.shards.reduce((total, shard) => total + shard[field], 0);
  expect(sum('parkedRecords')).toBeGreaterThan(0);
  expect(sum('tapeRecords')).toBe(sum('journalRecords') + sum('parkedRecords'));

  const first = await redriven('parked');
  expect(first).toMatchObject({ code: 0, report: { played: sum('parkedRecords'), counted: 0, failures: [] } });
  await run.pipeline.drain(DRAIN_TIMEOUT_MS);

  const [[rows, records, positions] = []] = (
    await run.sql('SELECT count(*), count(DISTINCT _record_id), count(DISTINCT _position) FROM earthquakes')
  ).rows;
  expect({ rows, records, positions }).toEqual({
    rows: String(EVENTS),
    records: String(EVENTS),
    positions: String(EVENTS),
  });
  expect(await redriven()).toMatchObject({ code: 0, report: { objects: 0 } });
  const { residual, findings } = await reconciled();
  expect({ residual, findings: findings.filter((finding) => finding.residual > 0) }).toEqual({
    residual: 0,
    findings: [],
  });
}, 180_000);

it('puts to Firehose again what it could not deliver', async () => {
  run = await startTestPipeline();
  const { endpoint, region } = run.pipeline;
  const s3 = new S3Client({ ...run.clients.settings, endpoint, region, forcePathStyle: true });
  const document = {
    date: '2001-01-14 21:55:00.000',
    delay_minutes: 5,
    distance_km: 1,
    origin: 'ABC',
    destination: 'DEF',
  };
  const row = { ...document, _record_id: 'f'.repeat(32), _event_time: document.date };
  const line = { attemptsMade: 1, lastErrorCode: 'x', rawData: Buffer.from(JSON.stringify(row)).toString('base64') };
  await s3.send(
    new PutObjectCommand({
      Bucket: 'data-pipeline-processed-000000000000-us-east-1',
      Key: 'errors/flights/format-conversion-failed/object',
      Body: `${JSON.stringify(line)}\n`,
    }),
  );
  s3.destroy();
  await run.pipeline.drain(DRAIN_TIMEOUT_MS);

  expect(await redriven()).toMatchObject({ code: 0, report: { delivered: 1, objects: 1, failures: [] } });
  await run.pipeline.drain(DRAIN_TIMEOUT_MS);

  expect((await run.sql('SELECT _record_id, dt FROM flights')).rows).toEqual([['f'.repeat(32), '2001-01-14']]);
}, 120_000);
