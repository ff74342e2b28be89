/**
 * `npm run test:aws-cli`: the AWS CLI, an independent client, against the local endpoint. Needs `aws` (Debian: `apt-get
 * install awscli`); another one by `AWS_CLI=/path/to/aws`. Prints each check, and ends with a count.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { DATABASE, PROCESSOR_LOG_GROUP, STREAM, WORKGROUP } from '../../cli/start/names.ts';
import { earthquakeFeatures } from '../../streams/sources/vega.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline } from '../support/local/test-pipeline.ts';
import { createAwsCli } from './aws-cli-commands.ts';
import { checkS3 } from './aws-cli-s3.ts';
import { checkPipelinesApi, checkWaysIn } from './aws-cli-ways-in.ts';

const run = await startTestPipeline();
const Put = z.object({ failed: z.number(), records: z.array(z.tuple([z.string(), z.string()])) });
const folder = mkdtempSync(path.join(tmpdir(), 'aws-cli-'));
const cli = createAwsCli({ endpoint: run.pipeline.endpoint, region: run.pipeline.region, folder });
const { aws, ask, check } = cli;

const [quake, second, third] = await Array.fromAsync(earthquakeFeatures());
const text = (value: unknown): string => JSON.stringify(value);
const base64 = (value: unknown): string => Buffer.from(text(value)).toString('base64');
const processed = `data-pipeline-processed-${run.pipeline.account}-${run.pipeline.region}`;
const archive = `data-pipeline-archive-${run.pipeline.account}-${run.pipeline.region}`;
const raw = `data-pipeline-raw-${run.pipeline.account}-${run.pipeline.region}`;

await check('kinesis put-record', async () => {
  const answer = ['kinesis', 'put-record', '--stream-name', STREAM, '--partition-key', 'a', '--data', text(quake)];
  assert.match(String(await ask('SequenceNumber', ...answer)), /^\d{56}$/);
});

await check('kinesis put-records, and get-records gives back what was put', async () => {
  const entries = [second, third].map((value, index) => ({ Data: text(value), PartitionKey: `key-${index}` }));
  const file = path.join(folder, 'records.json');
  writeFileSync(file, JSON.stringify(entries));
  const put = await ask(
    '{failed: FailedRecordCount, records: Records[].[ShardId, SequenceNumber]}',
    ...['kinesis', 'put-records', '--stream-name', STREAM, '--records', `file://${file}`],
  );
  const { failed, records } = Put.parse(put);
  assert.equal(failed, 0);
  for (const [index, [shardId, sequenceNumber]] of records.entries()) {
    const iterator = await ask(
      'ShardIterator',
      ...['kinesis', 'get-shard-iterator', '--stream-name', STREAM, '--shard-id', shardId],
      ...['--shard-iterator-type', 'AT_SEQUENCE_NUMBER', '--starting-sequence-number', sequenceNumber],
    );
    const got = await ask(
      'Records[0].[Data, PartitionKey, SequenceNumber]',
      ...['kinesis', 'get-records', '--shard-iterator', String(iterator), '--limit', '1'],
    );
    assert.deepEqual(got, [base64([second, third][index]), `key-${index}`, sequenceNumber]);
  }
});

await check('kinesis describe-stream-summary', async () => {
  const summary = await ask(
    'StreamDescriptionSummary.[StreamStatus, OpenShardCount]',
    ...['kinesis', 'describe-stream-summary', '--stream-name', STREAM],
  );
  assert.deepEqual(summary, ['ACTIVE', 2]);
});

await check('kinesis list-shards', async () => {
  const starts = await ask('Shards[].HashKeyRange.StartingHashKey', 'kinesis', 'list-shards', '--stream-name', STREAM);
  assert.deepEqual(starts, ['0', '170141183460469231731687303715884105728']);
});

await check('a stream that is not there is ResourceNotFoundException', async () => {
  await assert.rejects(
    aws('kinesis', 'describe-stream-summary', '--stream-name', 'nobody'),
    /ResourceNotFoundException/,
  );
});

await check('firehose describe-delivery-stream', async () => {
  const state = await ask(
    'DeliveryStreamDescription.[DeliveryStreamName, DeliveryStreamStatus]',
    ...['firehose', 'describe-delivery-stream', '--delivery-stream-name', 'data-pipeline-flights'],
  );
  assert.deepEqual(state, ['data-pipeline-flights', 'ACTIVE']);
});

await check('firehose put-record-batch', async () => {
  const row = { origin: 'AWS', destination: 'CLI', delay_minutes: 7, distance_miles: 9, _record_id: 'cli' };
  const document = { ...row, scheduled_at: '2001-02-03 04:05:06.000', _event_time: '2001-02-03 04:05:06.000' };
  const file = path.join(folder, 'batch.json');
  writeFileSync(file, JSON.stringify([{ Data: text(document) }]));
  const name = 'data-pipeline-flights';
  const failed = await ask(
    'FailedPutCount',
    ...['firehose', 'put-record-batch', '--delivery-stream-name', name, '--records', `file://${file}`],
  );
  assert.equal(failed, 0);
});

await run.pipeline.drain(DRAIN_TIMEOUT_MS);

await check('glue get-tables and get-table', async () => {
  const names = await ask('sort(TableList[].Name)', 'glue', 'get-tables', '--database-name', DATABASE);
  assert.deepEqual(names, ['earthquakes', 'failed_events', 'flights', 'processed_data']);
  const keys = await ask(
    'Table.PartitionKeys[].Name',
    ...['glue', 'get-table', '--database-name', DATABASE, '--name', 'flights'],
  );
  assert.deepEqual(keys, ['dt']);
});

await check('glue get-partitions', async () => {
  const values = await ask(
    'Partitions[].Values',
    ...['glue', 'get-partitions', '--database-name', DATABASE, '--table-name', 'flights'],
  );
  assert.deepEqual(values, [['2001-02-03']]);
});

await check('athena start-query-execution and get-query-results', async () => {
  const id = await ask(
    'QueryExecutionId',
    ...['athena', 'start-query-execution', '--work-group', WORKGROUP],
    ...['--query-execution-context', `Database=${DATABASE}`],
    ...['--query-string', "SELECT origin, delay_minutes FROM flights WHERE dt = '2001-02-03'"],
  );
  const ofQuery = ['--query-execution-id', String(id)];
  for (let state: unknown = 'QUEUED'; state !== 'SUCCEEDED'; await sleep(100)) {
    state = await ask('QueryExecution.Status.State', 'athena', 'get-query-execution', ...ofQuery);
    assert.notEqual(state, 'FAILED');
  }
  const rows = await ask('ResultSet.Rows[].Data[].VarCharValue', 'athena', 'get-query-results', ...ofQuery);
  assert.deepEqual(rows, ['origin', 'delay_minutes', 'AWS', '7']);
});

await check('the three earthquakes put are delivered', async () => {
  assert.deepEqual((await run.sql('SELECT count(DISTINCT _record_id) FROM earthquakes')).rows, [['3']]);
});

await check('s3 ls', async () => {
  assert.match(await aws('s3', 'ls'), new RegExp(processed));
  assert.match(await aws('s3', 'ls', `s3://${processed}/flights/`), /PRE dt=2001-02-03\//);
  assert.match(await aws('s3', 'ls', '--recursive', `s3://${processed}/`), /flights\/dt=2001-02-03\/.*\.parquet/);
});

await checkS3(cli, raw, archive);
await checkWaysIn(cli, run);
await checkPipelinesApi(cli, run);

await check('lambda list-functions', async () => {
  const names = await ask('sort(Functions[].FunctionName)', 'lambda', 'list-functions');
  assert.ok(Array.isArray(names));
  for (const name of ['Catalog', 'Realtime']) assert.ok(names.includes(`ServerlessDataPipeline-${name}Function`));
});

await check('lambda list-event-source-mappings', async () => {
  const mappings = await ask(
    'EventSourceMappings[].[EventSourceArn, StartingPosition, FunctionResponseTypes]',
    ...['lambda', 'list-event-source-mappings', '--function-name', 'ServerlessDataPipeline-RealtimeFunction'],
  );
  const arn = `arn:aws:kinesis:${run.pipeline.region}:${run.pipeline.account}:stream/${STREAM}`;
  assert.deepEqual(mappings, [[arn, 'TRIM_HORIZON', ['ReportBatchItemFailures']]]);
});

await check('logs filter-log-events', async () => {
  const messages = await ask(
    'events[].message',
    ...['logs', 'filter-log-events', '--log-group-name', PROCESSOR_LOG_GROUP, '--filter-pattern', 'Received'],
  );
  assert.ok(Array.isArray(messages) && messages.length > 0);
});

await check('an operation that is not kept is refused by name', async () => {
  await assert.rejects(
    aws('kinesis', 'list-stream-consumers', '--stream-arn', 'arn:aws:kinesis:us-east-1:0:stream/a'),
    (error) => Error.isError(error) && error.message.includes('ListStreamConsumers'),
  );
});

await run.stop();
process.exitCode = cli.summary() === 0 ? 0 : 1;
