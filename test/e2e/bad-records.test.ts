/** What is wrong with a record is found, filed with its bytes, and holds up nobody. Through the whole pipeline, by SQL. */
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FlawedRecord, flawedRecords } from '../../cli/start/flawed-records.ts';
import { STREAM } from '../../cli/start/names.ts';
import { isRecord } from '../../schemas/describe.ts';
import flights from '../../schemas/flights/dataset.ts';
import { earthquakeFeatures } from '../../streams/sources/vega.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';

const features = (await Array.fromAsync(earthquakeFeatures())).filter(isRecord);
const [first = {}] = features;
const flawed = flawedRecords(first, flights);

let run: TestPipeline;

beforeAll(async () => {
  run = await startTestPipeline();
  // One hash key, so one shard: every flawed record has a good one right before and right behind it.
  const data = flawed.flatMap(({ data: bytes }, index) => [good(index), bytes]).concat(good(flawed.length));
  for (const Data of data) {
    await run.clients.kinesis.send(
      new PutRecordsCommand({ StreamName: STREAM, Records: [{ Data, PartitionKey: 'k', ExplicitHashKey: '0' }] }),
    );
  }
  await run.pipeline.drain(DRAIN_TIMEOUT_MS);
}, 90_000);

afterAll(() => run.stop());

const good = (index: number): Buffer => Buffer.from(JSON.stringify(features[index + 1]));

describe('a bad record', () => {
  it.each(flawed.map((record): [string, FlawedRecord] => [record.what, record]))(
    'lands in failed_events with stage, code, path and its bytes: %s',
    async (_what, { data, expect: { stage, code, path } }) => {
      const { rows } = await run.sql(
        `SELECT stage, path, payload, payload_bytes, payload_uri FROM failed_events WHERE code = '${code}'`,
      );

      expect(rows).toHaveLength(1);
      const [[foundStage, foundPath, payload = '', payloadBytes, uri = ''] = []] = rows;
      expect([foundStage, foundPath, payloadBytes]).toEqual([stage, path, String(data.length)]);
      const bytes = uri === '' ? Buffer.from(payload, 'base64') : await kept(uri);
      expect(bytes.equals(data)).toBe(true);
    },
  );

  it('leaves its neighbours alone: every good record is delivered once', async () => {
    const { rows } = await run.sql('SELECT count(*), count(DISTINCT _record_id) FROM earthquakes');

    expect(rows).toEqual([[String(flawed.length + 1), String(flawed.length + 1)]]);
  });

  it('never fails an invocation', () => {
    expect(run.log.filter((line) => /"errorType"|batch done in part/.test(line))).toEqual([]);
    expect(run.warnings).toEqual([]);
  });

  it('leaves the error output of Firehose empty', () => {
    expect(run.pipeline.files().errorFiles).toBe(0);
  });
});

async function kept(uri: string): Promise<Buffer> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return run.pipeline.services.s3.get(bucket, key);
}
