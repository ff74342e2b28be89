/** The handlers as they are deployed: built, and loaded by Node itself. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HANDLERS } from '../infra/handlers.ts';
import { RunningDynamoDb, TABLE } from '../test/support/local/running-dynamodb.ts';
import { ACCOUNT, type RunningKinesis, startKinesis, temporaryFolder } from '../test/support/local/running-kinesis.ts';
import { type Answer, type AwsJsonServer, startAwsJsonServer } from '../test/support/processors/aws-json-server.ts';
import { kinesisEvent, sequenceOf } from '../test/support/processors/kinesis-event.ts';
import { parquetOf } from '../test/support/processors/parquet-file.ts';
import { type BuiltHandler, buildHandlers } from './build.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** A handler binds ports and exports; what is longer, its imports aside, decides something. */
const HANDLER_LINES_MAX = 20;
const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  DEFAULT_DATASET: 'flights',
  DELIVERY_STREAM_PREFIX: 'data-pipeline-',
  PAYLOAD_BUCKET: 'archive',
  QUALITY_THRESHOLD: '0.85',
  MAX_RETRIES: '5',
  CODE_VERSION: 'v1',
  PROCESSED_BUCKET: 'processed',
  ARCHIVE_BUCKET: 'archive',
  DATABASE_NAME: 'data_pipeline_catalog',
  STATE_TABLE: 'data-pipeline-state',
  IDEMPOTENCY_TABLE: 'data-pipeline-idempotency',
  STREAM_NAME: 'data-pipeline-stream',
  TAPE_FUNCTION: 'ServerlessDataPipeline-TapeFunction',
  WORKGROUP: 'data-pipeline-workgroup',
  RAW_BUCKET: 'raw',
  RUNS_QUEUE_URL: 'http://127.0.0.1/000000000000/data-pipeline-runs',
  INGEST_QUEUE_URL: 'http://127.0.0.1/000000000000/data-pipeline-ingest',
  BATCH_SIZE: '1000',
  OBJECT_BYTES_MAX: '1000000',
};

let outdir = '';
let built: readonly BuiltHandler[] = [];
let server: AwsJsonServer;
/** Its client speaks HTTP/2. */
let kinesis: RunningKinesis;
let dynamoDb: RunningDynamoDb;
const kinesisFolder = temporaryFolder();
let parquet: Buffer;

/** Glue and Firehose, as far as a handler asks them. */
const ANSWERS: Readonly<Record<string, (request: Record<string, unknown>) => Answer>> = {
  GetTable: () => ({ body: { Table: { Name: 'flights', StorageDescriptor: {} } } }),
  PutRecordBatch: ({ Records }) => ({
    body: {
      FailedPutCount: 0,
      RequestResponses: Array.isArray(Records) ? Records.map(() => ({ RecordId: 'accepted' })) : [],
    },
  }),
};

beforeAll(async () => {
  outdir = mkdtempSync(path.join(tmpdir(), 'handlers-'));
  built = await buildHandlers({ outdir: path.join(outdir, 'lambda') });
  parquet = await parquetOf('SELECT 1 AS n');
  server = await startAwsJsonServer(({ method, operation, body }) => {
    if (method === 'GET') return { status: 206, body: parquet };
    return ANSWERS[operation]?.(JSON.parse(body.toString())) ?? {};
  });
  kinesis = await startKinesis(kinesisFolder.folder);
  await kinesis.makeStream({ ShardCount: 1 }, ENVIRONMENT.STREAM_NAME);
  dynamoDb = await RunningDynamoDb.start();
  dynamoDb.declare({ ...TABLE, TableName: ENVIRONMENT.STATE_TABLE });
}, 120_000);

afterAll(async () => {
  await server.close();
  await kinesis.stop();
  await dynamoDb.stop();
  kinesisFolder.remove();
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
    `handler(${JSON.stringify(event)}, { awsRequestId: 'request', getRemainingTimeInMillis: () => 30_000 })
      .then((answer) => process.stdout.write(JSON.stringify(answer)));`,
    {
      ...ENVIRONMENT,
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_ENDPOINT_URL_KINESIS: kinesis.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint,
    },
  );

describe.each(Object.entries(HANDLERS))('the handler %s', (name, entry) => {
  it('binds ports and exports, in under 20 lines besides its imports', () => {
    const lines = readFileSync(path.join(ROOT, entry), 'utf8')
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('import '));

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
    const streamArn = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/${ENVIRONMENT.STREAM_NAME}`;
    for (const record of event.Records) record.eventSourceARN = streamArn;

    const { stdout, stderr } = await invoke('realtime', event);

    const [line = '', answer] = stdout.split('\n');
    expect({ stderr, answer }).toEqual({ stderr: '', answer: '{"batchItemFailures":[]}' });
    expect(JSON.parse(line)).toMatchObject({ Delivered: 1, Quarantined: 1, to: sequenceOf(1) });
    expect(Object.keys(JSON.parse(line))[0]).toBe('_aws');
    const streams = server.requests.map(({ body }) => JSON.parse(body.toString()).DeliveryStreamName);
    expect(streams.sort()).toEqual(['data-pipeline-failed_events', 'data-pipeline-flights']);
  });

  it('register a partition by the SDK, and count what has landed in it', async () => {
    const object = { key: 'flights/dt=2001-01-01/a.parquet', size: parquet.length, etag: 'e' };
    const detail = { bucket: { name: 'processed' }, object };

    const { stdout, stderr } = await invoke('catalog', {
      Records: [{ messageId: 'm', eventSource: 'aws:sqs', body: JSON.stringify({ detail }) }],
    });

    expect(stderr).toBe('');
    expect(stdout.split('\n').at(-1)).toBe('{"batchItemFailures":[]}');
    const asked = server.requests.slice(-3).map(({ method, operation }) => operation || method);
    expect(asked).toEqual(['GetTable', 'BatchCreatePartition', 'GET']);
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ landed: 1, rows: 1 });
  });

  it('fold what the batch came to by the SDK, and print the metrics as they stand', async () => {
    const { stdout, stderr } = await invoke('ledger', {});

    const [line = '', answer = ''] = stdout.split('\n');
    expect(stderr).toBe('');
    expect(JSON.parse(line)).toMatchObject({ level: 'INFO', message: 'journal folded', LedgerEntriesFolded: 1 });
    expect(Object.keys(JSON.parse(line))[0]).toBe('_aws');
    expect(JSON.parse(answer)).toMatchObject({ entries: 1, records: 2, lagEntries: 0, stopped: 0 });
  });
});
