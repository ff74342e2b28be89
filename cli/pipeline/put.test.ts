import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type RunningKinesis, startKinesis, temporaryFolder } from '../../test/support/local/running-kinesis.ts';
import { put } from './put.ts';

const { folder, remove } = temporaryFolder();
let kinesis: RunningKinesis;

beforeAll(async () => {
  kinesis = await startKinesis(path.join(folder, 'state'));
  await kinesis.makeStream({ ShardCount: 1 }, 'data-pipeline-stream');
});
afterAll(async () => {
  await kinesis.stop();
  remove();
});

async function putText(text: string, endpoint = kinesis.endpoint) {
  const file = path.join(folder, 'given');
  writeFileSync(file, text);
  const lines: string[] = [];
  const output = { print: (line: string) => void lines.push(line), note: () => {}, progress: () => {} };
  const code = await put.run([file, '--dataset', 'flights', '--endpoint-url', endpoint], output);
  return { code, lines };
}

const GOOD = '{"date":"2001/01/01 06:55","delay":-19,"distance":1797,"origin":"LAX","destination":"BNA"}\n';

it('numbers what it refuses by line, in the order of the file', async () => {
  expect(await putText(`\n${GOOD}{"date":\n{}\n${GOOD}`)).toEqual({
    code: 1,
    lines: [
      'REFUSED line 3: no JSON',
      'REFUSED line 4: date: expected timestamp-millis, received nothing',
      '2 records are on data-pipeline-stream, 2 refused',
    ],
  });
});

it('tells ten reasons, and how many there are beside them', async () => {
  const { lines } = await putText('{}\n'.repeat(11));

  expect(lines).toHaveLength(12);
  expect(lines.slice(9)).toEqual([
    'REFUSED line 10: date: expected timestamp-millis, received nothing',
    'and 1 more',
    '0 records are on data-pipeline-stream, 11 refused',
  ]);
});

it('says of one indented document what is allowed, and where else it can go', async () => {
  await expect(putText(JSON.stringify({ date: '2001/01/01 06:55' }, undefined, 2))).rejects.toThrow(
    /^put: line 1 begins an object that it does not end, allowed: a JSON value a line \(NDJSON\).* replay --help$/,
  );
});

it('says of an endpoint that does not answer why, and nothing of its protocol', async () => {
  const args = ['put', path.join(folder, 'given'), '--dataset', 'flights', '--endpoint-url', 'http://127.0.0.1:1'];
  const pipeline = path.join(import.meta.dirname, '..', 'pipeline.ts');

  // A program of its own: in a test's realm the SDK takes errors of Node for something else.
  const ended = promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', pipeline, ...args]);

  await expect(ended).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^[^\n]*ECONNREFUSED[^\n]*\n$/) });
  await expect(ended).rejects.toMatchObject({ stderr: expect.not.stringContaining('pending stream') });
});
