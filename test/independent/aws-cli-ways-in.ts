/** The ways in as users type them: word for word but for host, account and region. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { DRAIN_TIMEOUT_MS, type TestPipeline } from '../support/local/test-pipeline.ts';
import type { AwsCli } from './aws-cli-commands.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const Records = z.array(z.record(z.string(), z.unknown()));
const Run = z.object({ pipeline_id: z.string(), status: z.string(), metadata: z.record(z.string(), z.unknown()) });
const Runs = z.object({ pipelines: z.array(Run) });

export async function checkWaysIn({ ask, check, shell }: AwsCli, run: TestPipeline): Promise<void> {
  const { account, region, endpoint } = run.pipeline;
  const sample = Records.parse(JSON.parse(readFileSync(path.join(ROOT, 'sample_data.json'), 'utf8')));
  const [first] = sample;

  /** Distinct records of the default dataset that SQL finds, once all is delivered. */
  async function delivered(): Promise<number> {
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);
    return Number((await run.sql('SELECT count(DISTINCT _record_id) FROM earthquakes')).rows[0]?.[0]);
  }

  await check('a file that is dropped is delivered, and the same file again delivers nothing', async () => {
    const before = await delivered();
    const drop = `aws s3 cp sample_data.json s3://data-pipeline-raw-${account}-${region}/incoming/`;
    await shell(drop);
    assert.equal((await delivered()) - before, sample.length);
    await shell(drop);
    assert.equal((await delivered()) - before, sample.length);
  });

  await check('a message is delivered', async () => {
    const before = await delivered();
    const url = String(await ask('QueueUrl', 'sqs', 'get-queue-url', '--queue-name', 'data-pipeline-ingest'));
    const body = `'${JSON.stringify(first).replaceAll("'", "'\\''")}'`;
    await shell(`aws sqs send-message --queue-url ${url} --message-body ${body} --endpoint-url ${endpoint}`);
    assert.equal((await delivered()) - before, 1);
  });

  await check('the dead-letter queue says how many messages it has', async () => {
    const url = String(await ask('QueueUrl', 'sqs', 'get-queue-url', '--queue-name', 'data-pipeline-dlq'));
    const count = (): Promise<string> =>
      shell(
        `aws sqs get-queue-attributes --queue-url ${url} --attribute-names ApproximateNumberOfMessages ` +
          `--query Attributes.ApproximateNumberOfMessages --output text --endpoint-url ${endpoint}`,
      );
    assert.equal(await count(), '0\n');
    await shell(`aws sqs send-message --queue-url ${url} --message-body given-up --endpoint-url ${endpoint}`);
    assert.equal(await count(), '1\n');
  });
}

export async function checkPipelinesApi({ check, shell }: AwsCli, run: TestPipeline): Promise<void> {
  const api = run.pipeline.services.apigateway.urlOf('data-pipeline-api', 'prod').replace(/\/prod$/, '');
  let pipelineId = '';

  await check('curl makes a run', async () => {
    const answer = await shell(
      `curl -X POST ${api}/prod/pipelines -H 'Content-Type: application/json' -d '{"source":"api","data_type":"json","priority":"normal","metadata":{"source_system":"external_api","batch_id":"batch_001"}}'`,
    );
    const made = Run.parse(JSON.parse(answer));
    assert.deepEqual(made.metadata, { source_system: 'external_api', batch_id: 'batch_001' });
    pipelineId = made.pipeline_id;
  });

  await check('curl shows it, running and open for records', async () => {
    const show = async () => Run.parse(JSON.parse(await shell(`curl -X GET ${api}/prod/pipelines/${pipelineId}`)));
    assert.equal((await show()).status, 'running');
    const body = `'{"records":[{"flawed":true}]}'`;
    const json = `-H 'Content-Type: application/json'`;
    await shell(`curl -X POST ${api}/prod/pipelines/${pipelineId}/records ${json} -d ${body}`);
    assert.equal((await show()).status, 'running');
  });

  await check('curl lists it among those that run', async () => {
    const { pipelines } = Runs.parse(JSON.parse(await shell(`curl -X GET '${api}/prod/pipelines?status=running'`)));
    assert.ok(pipelines.some(({ pipeline_id, status }) => pipeline_id === pipelineId && status === 'running'));
  });
}
