/** Firehose refuses, functions are killed, Kinesis throttles: nothing is lost, and order per key is kept. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { STREAM } from '../../cli/start/names.ts';
import { isRecord } from '../../schemas/describe.ts';
import { createKinesisPutRecords, createProducer } from '../../streams/index.ts';
import { earthquakeFeatures } from '../../streams/sources/vega.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';

const KEYS = 20;
const EVENTS = 3_000;
const DAY = Date.UTC(2024, 4, 17);

const [feature = {}] = (await Array.fromAsync(earthquakeFeatures())).filter(isRecord);

let run: TestPipeline;

afterEach(() => run.stop());

/** Puts events whose `time` is their number, so that order and completeness can be read off the table. */
async function putNumbered(count = EVENTS): Promise<void> {
  const port = createKinesisPutRecords(run.clients.kinesis);
  const producer = await createProducer({ port, streamName: STREAM });
  for (let number = 0; number < count; number++) {
    await producer.putBytes(Buffer.from(JSON.stringify(earthquake(number))), `key-${number % KEYS}`);
  }
  const { userRecordsAccepted } = await producer.close();
  expect(userRecordsAccepted).toBe(count);
}

const earthquake = (number: number) => ({
  ...feature,
  id: `key-${number % KEYS}`,
  properties: { ...Object(feature.properties), time: DAY + number, updated: DAY + number },
});

async function expectComplete(count = EVENTS): Promise<void> {
  const [[records, events] = []] = (
    await run.sql('SELECT count(DISTINCT _record_id), count(DISTINCT _event_time) FROM earthquakes')
  ).rows;
  expect({ records, events }).toEqual({ records: String(count), events: String(count) });
  expect((await run.sql('SELECT count(*) FROM failed_events')).rows).toEqual([['0']]);
}

/** Position on the stream rises with the event's number, for each key. */
async function expectOrdered(): Promise<void> {
  const { rows } = await run.sql(`
    SELECT count(*) FROM (
      SELECT _position, lag(_position) OVER (PARTITION BY id ORDER BY _event_time) AS before
      FROM (SELECT DISTINCT id, _event_time, _position FROM earthquakes))
    WHERE before >= _position`);
  expect(rows).toEqual([['0']]);
}

describe('nothing is lost and order per key is kept', () => {
  it('while Firehose rejects a third of the entries', async () => {
    run = await startTestPipeline();
    run.pipeline.services.firehose.faults.set({ partialRate: 0.33 });

    await putNumbered();
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);

    await expectComplete();
    await expectOrdered();
  });

  it('while Firehose is away for a time', async () => {
    run = await startTestPipeline();
    run.pipeline.services.firehose.faults.set({ errorRate: 1 });

    await putNumbered();
    setTimeout(() => run.pipeline.services.firehose.faults.clear(), 4_000);
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);

    await expectComplete();
    await expectOrdered();
  });

  it('while the processor is killed in mid-batch, again and again', async () => {
    run = await startTestPipeline();
    for (const [invocation, afterMs] of [
      [1, 5],
      [2, 120],
      [3, 40],
      [4, 200],
    ] as const) {
      run.pipeline.services.lambda.faults.killAt({ invocation, afterMs });
    }

    await putNumbered();
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);

    expect(run.log.some((line) => line.includes('Runtime exited with error: signal: SIGKILL'))).toBe(true);
    await expectComplete();
    await expectOrdered();
  });

  it('while Kinesis throttles a third of the entries', async () => {
    run = await startTestPipeline();
    run.pipeline.services.kinesis.faults.set({ partialRate: 0.33 });
    await putNumbered();
    run.pipeline.services.kinesis.faults.clear();
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);

    await expectComplete();
    await expectOrdered();
  });

  it('while everything on the way is slow, fails, loses its answers and is killed now and then', async () => {
    run = await startTestPipeline();
    const faults = {
      kinesis: { errorRate: 0.1, partialRate: 0.1, latencyMs: { min: 0, max: 20 }, operations: ['PutRecords'] },
      firehose: { errorRate: 0.1, partialRate: 0.1, lostAnswerRate: 0.1, latencyMs: { min: 0, max: 50 } },
      s3: { errorRate: 0.2, lostAnswerRate: 0.2, operations: ['PutObject'] },
      lambda: { killRate: 0.2, functions: ['ServerlessDataPipeline-RealtimeFunction'] },
    };
    const switches = `${run.pipeline.endpoint}/_local/faults`;
    const answer = await fetch(switches, { method: 'PUT', body: JSON.stringify(faults) });
    expect(await answer.json()).toEqual(faults);

    await putNumbered();
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);

    await fetch(switches, { method: 'DELETE' });
    expect(run.pipeline.faults('s3').settings).toBeUndefined();
    await expectComplete();
    await expectOrdered();
  });

  it('across a stop in the midst of the work, and a start', async () => {
    run = await startTestPipeline();
    await putNumbered();
    await run.stop();

    run = await startTestPipeline(run.stateFolder);
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);

    await expectComplete();
    await expectOrdered();
  });
});
