/** `drain` says that all is at rest only when it is. */
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { afterEach, describe, expect, it } from '@jest/globals';
import { STREAM } from '../../cli/start/names.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';

let run: TestPipeline;

afterEach(() => run.stop());

const put = () =>
  run.clients.kinesis.send(
    new PutRecordsCommand({ StreamName: STREAM, Records: [{ Data: Buffer.from('not JSON'), PartitionKey: 'k' }] }),
  );

describe('draining a pipeline', () => {
  it('does not come to rest while S3 takes no objects, and does once it takes them', async () => {
    run = await startTestPipeline();
    await put();
    run.pipeline.services.s3.faults.set({ errorRate: 1 });

    await expect(run.pipeline.drain(4_000)).rejects.toThrow(/^Not at rest after 4 s: /);
    expect(run.pipeline.files().files).toBe(0);

    run.pipeline.services.s3.faults.clear();
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);
    expect(run.pipeline.files().files).toBe(1);
    expect((await run.sql('SELECT code FROM failed_events')).rows).toEqual([['INVALID_JSON']]);
  });

  it('does not come to rest while the processor cannot deliver', async () => {
    run = await startTestPipeline();
    run.pipeline.services.firehose.faults.set({ errorRate: 1 });
    await put();

    await expect(run.pipeline.drain(4_000)).rejects.toThrow(/^Not at rest after 4 s: /);

    run.pipeline.services.firehose.faults.clear();
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);
    expect((await run.sql('SELECT code FROM failed_events')).rows).toEqual([['INVALID_JSON']]);
  });
});
