import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { datasets } from '../schemas/index.ts';
import { readStream } from '../test/support/local/read-stream.ts';
import { type RunningKinesis, startKinesis, temporaryFolder } from '../test/support/local/running-kinesis.ts';
import { createDecodeContext } from './codecs/decode-context.ts';
import { decodeRecord } from './codecs/decode-record.ts';
import { earthquakeFeatures } from './sources/vega.ts';

const ROOT = path.join(import.meta.dirname, '..');
const CONTEXT = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:default',
});

const { folder, remove } = temporaryFolder();
let kinesis: RunningKinesis;
let streams = 0;
let streamName = '';

beforeAll(async () => {
  kinesis = await startKinesis(path.join(folder, 'state'));
});

afterAll(async () => {
  await kinesis.stop();
  remove();
});

beforeEach(async () => {
  streamName = `stream-${streams++}`;
  await kinesis.makeStream({ ShardCount: 2 }, streamName);
});

/** What a program says, and how it ends. */
async function runNode(cwd: string, ...args: readonly string[]) {
  const env = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL: kinesis.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
  const outcome = await promisify(execFile)(process.execPath, args, { cwd, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
  return { ...outcome, stderr: String(outcome.stderr) };
}

/** Ids of the earthquakes on the stream. */
async function idsOnStream(): Promise<string[]> {
  const records = await Array.fromAsync(readStream(kinesis.client, streamName));
  return records
    .flatMap(({ data }) => decodeRecord(data, CONTEXT))
    .map((outcome) =>
      outcome.kind === 'event' ? (outcome.value as { readonly id: string }).id : outcome.failure.message,
    )
    .toSorted();
}

describe('the example', () => {
  test('puts a file of NDJSON on the local stream, and names the line that is refused', async () => {
    const features = await Array.fromAsync(earthquakeFeatures());
    const lines = features.map((feature) => JSON.stringify(feature));
    const file = path.join(folder, 'earthquakes.ndjson');
    writeFileSync(file, [...lines.slice(0, 100), '{"type":"Feature"}', ...lines.slice(100), ''].join('\n'));

    const { code, stdout, stderr } = await runNode(
      ROOT,
      'streams/examples/put-events.ts',
      'earthquakes',
      file,
      streamName,
    );

    expect(stdout).toContain(`${features.length} records accepted`);
    expect(stderr).toContain('record 100 was refused: ');
    expect(code).toBe(1);
    expect(await idsOnStream()).toEqual(features.map((feature) => (feature as { id: string }).id).toSorted());
  });
});

describe('a bundle of the library', () => {
  const PROGRAM = `
    import { KinesisClient } from '@aws-sdk/client-kinesis';
    import { createEventProducer, createKinesisPutRecords } from './data-pipeline-producer.mjs';
    const kinesis = new KinesisClient({ maxAttempts: 1 });
    const producer = await createEventProducer({ port: createKinesisPutRecords(kinesis), streamName: process.argv[2] });
    const records = JSON.parse(process.argv[3]);
    const { accepted, refused } = await producer.putEvents('earthquakes', records, { source: '/outside' });
    await producer.close();
    console.log(JSON.stringify({ accepted, refused: refused.map(({ position, failure }) => [position, failure.code]) }));
  `;

  test('runs under plain Node with the Kinesis client beside it and nothing else', async () => {
    const { outputFiles } = await build({
      ...{ entryPoints: [path.join(ROOT, 'streams/index.ts')], bundle: true, write: false },
      ...{ platform: 'node', format: 'esm', target: 'node24', external: ['@aws-sdk/client-kinesis'] },
      // Packages in CommonJS ask for Node's own modules by require.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      logLevel: 'silent',
    });
    const outside = path.join(folder, 'outside');
    mkdirSync(path.join(outside, 'node_modules/@aws-sdk'), { recursive: true });
    symlinkSync(
      path.join(ROOT, 'node_modules/@aws-sdk/client-kinesis'),
      path.join(outside, 'node_modules/@aws-sdk/client-kinesis'),
    );
    writeFileSync(path.join(outside, 'data-pipeline-producer.mjs'), outputFiles[0]?.contents ?? '');
    writeFileSync(path.join(outside, 'program.mjs'), PROGRAM);
    const [first, second] = await Array.fromAsync(earthquakeFeatures());
    const records = JSON.stringify([first, {}, second]);

    const { code, stdout, stderr } = await runNode(outside, 'program.mjs', streamName, records);

    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ accepted: 2, refused: [[1, 'MISSING_FIELD']] });
    expect(await idsOnStream()).toEqual([first, second].map((feature) => (feature as { id: string }).id).toSorted());
  });
});
