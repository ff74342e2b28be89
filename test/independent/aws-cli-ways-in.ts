/** The ways in as users type them: word for word but for host, account and region. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { DRAIN_TIMEOUT_MS, type TestPipeline } from '../support/local/test-pipeline.ts';
import type { AwsCli } from './aws-cli-commands.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const Records = z.array(z.record(z.string(), z.unknown()));

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
