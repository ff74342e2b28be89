/** Files that are dropped and messages that are sent come out as rows, each once, whatever happens to the function between. */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRuns } from '../../batch/runs/create-runs.ts';
import type { Run } from '../../batch/runs/run.ts';
import type { RunsPort } from '../../batch/runs/runs-port.ts';
import { invokeFunction } from '../../cli/pipeline/invoke-function.ts';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import { isRecord } from '../../schemas/describe.ts';
import { objectRunId } from '../../streams/ingest/object-run-id.ts';
import { avroOf, csvOf, isFlight, parquetOf } from '../support/ingest/flight-files.ts';
import { STATE_TABLE } from '../support/local/physical-names.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';

const RAW_BUCKET = 'data-pipeline-raw-000000000000-us-east-1';
const FUNCTION = 'ServerlessDataPipeline-IngestionFunction';
const queueUrl = (endpoint: string, name: string): string => `${endpoint}/000000000000/${name}`;
const vega = (file: string): Promise<Buffer> =>
  readFile(new URL(`../data/${file}`, import.meta.resolve('vega-datasets')));

const earthquakes = await vega('earthquakes.json');
const collection: unknown = JSON.parse(earthquakes.toString());
const features = isRecord(collection) && Array.isArray(collection.features) ? collection.features : [];
const flights = await vega('flights-2k.json');
const flown: unknown = JSON.parse(flights.toString());
const rows = Array.isArray(flown) ? flown.filter(isFlight) : [];
const ndjson = Buffer.from(features.map((feature) => `${JSON.stringify(feature)}\n`).join(''));
const sample = await readFile(new URL('../../sample_data.json', import.meta.url));

/** By key: the content, and how many records it has. */
const DROPS: Readonly<Record<string, readonly [content: Buffer, records: number]>> = {
  'incoming/earthquakes/earthquakes.json': [earthquakes, features.length],
  'incoming/earthquakes/earthquakes.ndjson.gz': [gzipSync(ndjson), features.length],
  'incoming/flights/flights-2k.json': [flights, 2_000],
  'incoming/flights/2001/flights 2k+ü.csv': [csvOf(rows), 2_000],
  'incoming/flights/flights-2k.avro': [await avroOf(rows), 2_000],
  'incoming/flights/flights-2k.parquet': [parquetOf(rows), 2_000],
  'incoming/sample data + ü?.json': [sample, 11],
};
const CUT = 'incoming/earthquakes/cut.ndjson.gz';
const FOREIGN = 'incoming/trains/a.json';

let run: TestPipeline;
let s3: S3Client;
let sqs: SQSClient;
let dynamodb: DynamoDBClient;
const etags = new Map<string, string>();

async function drop(Key: string, Body: Buffer): Promise<void> {
  const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket: RAW_BUCKET, Key, Body }));
  etags.set(Key, ETag.replaceAll('"', ''));
}

async function send(body: unknown, dataset?: string): Promise<string> {
  const { MessageId = '' } = await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl(run.pipeline.endpoint, 'data-pipeline-ingest'),
      MessageBody: typeof body === 'string' ? body : JSON.stringify(body),
      ...(dataset && { MessageAttributes: { dataset: { DataType: 'String', StringValue: dataset } } }),
    }),
  );
  return MessageId;
}

/** All is at rest, and counted. */
async function rest(): Promise<void> {
  await run.pipeline.drain(DRAIN_TIMEOUT_MS);
  const doing = { name: 'Ledger', event: {}, doing: 'folding' } as const;
  await invokeFunction(doing, run.clients.settings, { progress: () => {} });
}

function runs(): RunsPort {
  const table = createDynamoDbStateTable({ client: dynamodb, tableName: STATE_TABLE });
  return createRuns({ table, clock: { now: Date.now } });
}

function runOf(key: string): Promise<Run | undefined> {
  return runs().get(objectRunId({ bucket: RAW_BUCKET, key, etag: etags.get(key) }));
}

/** By run: rows by SQL, and distinct records among them. */
async function rowsByRun(): Promise<ReadonlyMap<string | undefined, readonly (string | undefined)[]>> {
  const { rows: found } = await run.sql(
    'SELECT _run_id, count(*), count(DISTINCT _record_id) FROM processed_data GROUP BY _run_id',
  );
  return new Map(found.map(([id, ...counts]) => [id, counts]));
}

const twice = (count: number): readonly string[] => [String(count), String(count)];

let counted: Awaited<ReturnType<typeof rowsByRun>>;
let messages: { readonly plain: string; readonly list: string };

beforeAll(async () => {
  run = await startTestPipeline();
  const { settings } = run.clients;
  s3 = new S3Client({ ...settings, forcePathStyle: true });
  sqs = new SQSClient(settings);
  dynamodb = new DynamoDBClient(settings);
  // Two invocations are killed; what they had comes again when its visibility timeout is over.
  for (const [invocation, afterMs] of [
    [1, 250],
    [2, 600],
  ] as const) {
    run.pipeline.services.lambda.faults.killAt({ invocation, afterMs, functionName: FUNCTION });
  }
  for (const [key, [content]] of Object.entries(DROPS)) await drop(key, content);
  await drop(CUT, gzipSync(ndjson).subarray(0, 100_000));
  await drop(FOREIGN, sample);
  await drop('incoming/flights/', Buffer.alloc(0));
  const [first, second, third] = features;
  const flight = { date: '2001/01/01 06:55', delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };
  messages = { plain: await send(first), list: await send([second, third]) };
  await send(flight, 'flights');
  await send({ specversion: '1.0', id: 'of-mine', source: '/mine', type: 'earthquakes', data: third });
  await send('{"no": JSON');
  await rest();
  counted = await rowsByRun();
}, 180_000);

afterAll(async () => {
  for (const client of [s3, sqs, dynamodb]) client.destroy();
  await run.stop();
});

describe('a dropped file', () => {
  it.each(Object.entries(DROPS).map(([key, [, records]]) => [key, records] as const))(
    'is a run that has all its records counted, and a row each: %s',
    async (key, records) => {
      const found = await runOf(key);
      expect(found).toMatchObject({ status: 'succeeded', produced: records, error: undefined });
      expect(found && (await runs().counts(found))).toMatchObject({ delivered: records, quarantined: 0, duplicate: 0 });
      expect(counted.get(found?.id)).toEqual(twice(records));
    },
  );

  it('came through although the function was killed in the midst of it', () => {
    expect(run.log.filter((line) => line.includes('Runtime.ExitError')).length).toBeGreaterThan(0);
  });

  it('that breaks off is a failed run with a reason, and keeps what was good', async () => {
    const found = await runOf(CUT);

    expect(found).toMatchObject({ status: 'failed', error: expect.stringMatching(/gzip|unexpected end/i) });
    expect(found?.produced).toBeGreaterThan(100);
    expect(counted.get(found?.id)).toEqual(twice(found?.produced ?? 0));
  });

  it('in a folder that no dataset has is a failed run that names those there are', async () => {
    const allowed = 'allowed: incoming/earthquakes/, incoming/flights/';

    expect(await runOf(FOREIGN)).toMatchObject({
      status: 'failed',
      produced: 0,
      error: expect.stringContaining(allowed),
    });
  });

  it('that is dropped again delivers nothing twice', async () => {
    for (const [key, [content]] of Object.entries(DROPS)) await drop(key, content);
    await rest();

    expect(await rowsByRun()).toEqual(counted);
  }, 90_000);
});

describe('a message', () => {
  const queueArn = 'arn:aws:sqs:us-east-1:000000000000:data-pipeline-ingest';

  it('of plain JSON is a row, and one for each element of a list, of the dataset that its attribute names', async () => {
    const { rows } = await run.sql(
      `SELECT (SELECT count(*) FROM earthquakes WHERE _source = '${queueArn}'),
        (SELECT count(*) FROM flights WHERE _source = '${queueArn}')`,
    );

    expect(messages.plain).not.toBe(messages.list);
    expect(rows).toEqual([['3', '1']]);
  });

  it('that is a CloudEvent goes as it is', async () => {
    expect((await run.sql(`SELECT count(*) FROM earthquakes WHERE _source = '/mine'`)).rows).toEqual([['1']]);
  });

  it('that is no JSON is quarantined with its bytes', async () => {
    const { rows } = await run.sql(`SELECT payload FROM failed_events WHERE code = 'INVALID_JSON'`);

    expect(rows.map(([payload = '']) => Buffer.from(payload, 'base64').toString())).toEqual(['{"no": JSON']);
  });
});

it('leaves nothing in the dead-letter queue', async () => {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl(run.pipeline.endpoint, 'data-pipeline-dlq'),
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );

  expect(Attributes).toEqual({ ApproximateNumberOfMessages: '0' });
});
