/** The handlers as they are deployed: built, and loaded by Node itself. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HANDLERS } from '../infra/handlers.ts';
import { type AwsJsonServer, startAwsJsonServer } from '../test/support/processors/aws-json-server.ts';
import { kinesisEvent, sequenceOf } from '../test/support/processors/kinesis-event.ts';
import { type BuiltHandler, buildHandlers } from './build.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** A handler binds ports and exports; what is longer decides something. */
const HANDLER_LINES_MAX = 20;
const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  DEFAULT_DATASET: 'flights',
  DELIVERY_STREAM_PREFIX: 'data-pipeline-',
  PAYLOAD_BUCKET: 'archive',
  QUALITY_THRESHOLD: '0.85',
  PROCESSED_BUCKET: 'processed',
  DATABASE_NAME: 'data_pipeline_catalog',
};

let outdir = '';
let built: readonly BuiltHandler[] = [];
let server: AwsJsonServer;

beforeAll(async () => {
  outdir = mkdtempSync(path.join(tmpdir(), 'handlers-'));
  built = await buildHandlers({ outdir: path.join(outdir, 'lambda') });
  server = await startAwsJsonServer(({ operation, body }) => {
    if (operation === 'GetTable') return { body: { Table: { Name: 'flights', StorageDescriptor: {} } } };
    if (operation !== 'PutRecordBatch') return {};
    const records: object[] = JSON.parse(body.toString()).Records;
    return { body: { FailedPutCount: 0, RequestResponses: records.map(() => ({ RecordId: 'accepted' })) } };
  });
});

afterAll(async () => {
  await server.close();
  rmSync(outdir, { recursive: true });
});

/** Runs `script` in a Node of its own; `handler` is the bundle's. */
async function run(name: string, script: string, environment: Readonly<Record<string, string>>) {
  const file = built.find((each) => each.name === name)?.file;
  const child = spawn(process.execPath, ['-e', `const { handler } = require(${JSON.stringify(file)});\n${script}`], {
    env: environment,
    cwd: outdir,
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await closed, stdout, stderr };
}

/** Invokes a handler, and prints its answer as the last line. */
const invoke = (name: string, event: object) =>
  run(
    name,
    `handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 30_000 })
      .then((answer) => process.stdout.write(JSON.stringify(answer)));`,
    { ...ENVIRONMENT, AWS_ENDPOINT_URL: server.endpoint },
  );

describe.each(Object.entries(HANDLERS))('the handler %s', (name, entry) => {
  it('binds ports and exports, in under 20 lines', () => {
    const lines = readFileSync(path.join(ROOT, entry), 'utf8').trimEnd().split('\n');

    expect(lines.length).toBeLessThan(HANDLER_LINES_MAX);
  });

  it('loads as a bundle in Node 24, without node_modules', async () => {
    const script = "console.log(typeof handler, handler.length < 3, process.version.split('.')[0]);";

    expect(await run(name, script, ENVIRONMENT)).toEqual({ status: 0, stdout: 'function true v24\n', stderr: '' });
  });

  it('fails at its start where the environment is incomplete, and says what is missing', async () => {
    const { status, stderr } = await run(name, '', { AWS_REGION: 'us-east-1' });

    expect(status).not.toBe(0);
    expect(stderr).toMatch(/environment [A-Z_]+: received nothing, allowed: a text/);
  });
});

describe('the bundles at work', () => {
  it('deliver a batch by the SDK, and print its metrics as they stand', async () => {
    const flight = { date: '2001/01/01 06:55', delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };
    const event = kinesisEvent([Buffer.from(JSON.stringify(flight)), Buffer.from('{')]);

    const { stdout, stderr } = await invoke('realtime', event);

    const [line = '', answer] = stdout.split('\n');
    expect({ stderr, answer }).toEqual({ stderr: '', answer: '{"batchItemFailures":[]}' });
    expect(JSON.parse(line)).toMatchObject({ Delivered: 1, Quarantined: 1, to: sequenceOf(1) });
    expect(Object.keys(JSON.parse(line))[0]).toBe('_aws');
    const streams = server.requests.map(({ body }) => JSON.parse(body.toString()).DeliveryStreamName);
    expect(streams.sort()).toEqual(['data-pipeline-failed_events', 'data-pipeline-flights']);
  });

  it('register a partition by the SDK', async () => {
    const detail = { bucket: { name: 'processed' }, object: { key: 'flights/dt=2001-01-01/a.parquet' } };

    const { stdout, stderr } = await invoke('catalog', {
      Records: [{ messageId: 'm', eventSource: 'aws:sqs', body: JSON.stringify({ detail }) }],
    });

    expect(stderr).toBe('');
    expect(stdout.split('\n').at(-1)).toBe('{"batchItemFailures":[]}');
    expect(server.requests.map(({ operation }) => operation)).toContain('BatchCreatePartition');
  });
});
