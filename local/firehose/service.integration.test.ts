/** Firehose on the real local S3, where a failure of one is a failure of the other. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { BUCKET, openFirehoseOnS3 } from '../../test/support/local/firehose-on-s3.ts';
import { readParquet } from '../../test/support/local/read-parquet.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'firehose-s3-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const RECORDS_A_PUT = 10;

/**
 * Puts ten numbered records at a time, the last of them broken, and delivers all the while. Says on standard output which
 * were accepted, by the first number, and which objects S3 tells of.
 */
const WRITER = `
import { writeSync } from 'node:fs';
const { openFirehoseOnS3 } = await import(${JSON.stringify(new URL('../../test/support/local/firehose-on-s3.ts', import.meta.url).href)});
const running = await openFirehoseOnS3(process.argv[2], ({ object }) => writeSync(1, 'object ' + object.key + '\\n'));
let delivering = false;
for (let first = Number(process.argv[3]); ; first += ${RECORDS_A_PUT}) {
  const records = Array.from({ length: ${RECORDS_A_PUT} }, (_one, index) => JSON.stringify({ id: first + index }));
  records[${RECORDS_A_PUT - 1}] = 'broken ' + (first + ${RECORDS_A_PUT - 1});
  if ((await running.put(records)) === 200) writeSync(1, 'accepted ' + first + '\\n');
  if (delivering) continue;
  delivering = true;
  void running.firehose.flush().finally(() => { delivering = false; });
}
`;

/** Runs the writer, kills it some time after it has said so many lines, and gives all that it said. */
async function killAfter(lines: number, delayMs: number, firstId: number): Promise<readonly string[]> {
  // A file and not an argument: the conversion thread takes over the options of its process.
  const script = path.join(folder, 'writer.mjs');
  writeFileSync(script, WRITER);
  const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, folder, String(firstId)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let isDoomed = false;
  for await (const part of writer.stdout) {
    output += String(part);
    if (isDoomed || output.split('\n').length <= lines) continue;
    isDoomed = true;
    void sleep(delayMs).then(() => writer.kill('SIGKILL'));
  }
  return output.split('\n').slice(0, -1);
}

/** The numbers in an object, rows and broken records alike. */
async function numbersIn(key: string, content: Buffer): Promise<readonly number[]> {
  if (key.endsWith('.parquet')) return (await readParquet(content)).map(({ id }) => Number(id));
  const Failure = z.object({ rawData: z.string() });
  const lines = content.toString().split('\n').slice(0, -1);
  const records = lines.map((line) => Buffer.from(Failure.parse(JSON.parse(line)).rawData, 'base64').toString());
  return records.map((record) => Number(record.replace('broken ', '')));
}

it('has every accepted record in one object, and tells of every object, after being killed at any moment', async () => {
  const moment = fc.record({ lines: fc.integer({ min: 1, max: 60 }), delayMs: fc.integer({ min: 0, max: 30 }) });
  const said: string[] = [];
  for (const [run, { lines, delayMs }] of fc.sample(moment, { seed: 20_261_125, numRuns: 5 }).entries()) {
    said.push(...(await killAfter(lines, delayMs, run * 1_000_000)));
  }
  const objectsTold: string[] = [];
  const running = await openFirehoseOnS3(folder, (detail) => {
    objectsTold.push(z.object({ object: z.object({ key: z.string() }) }).parse(detail).object.key);
  });
  await running.firehose.flush();
  const keys = running.s3.keys(BUCKET, '');
  const delivered = new Map<number, number>();
  for (const key of keys) {
    const numbers = await numbersIn(key, await running.s3.get(BUCKET, key));
    for (const number of numbers) delivered.set(number, (delivered.get(number) ?? 0) + 1);
  }
  await running.stop();

  const of = (kind: string): string[] =>
    said.filter((line) => line.startsWith(kind)).map((line) => line.slice(kind.length + 1));
  const accepted = of('accepted').flatMap((first) =>
    Array.from({ length: RECORDS_A_PUT }, (_one, index) => Number(first) + index),
  );
  expect(accepted.length).toBeGreaterThan(6 * RECORDS_A_PUT);
  expect(accepted.filter((number) => delivered.get(number) !== 1)).toEqual([]);
  const told = new Set([...of('object'), ...objectsTold]);
  expect(keys.filter((key) => !told.has(key))).toEqual([]);
  expect(keys.some((key) => key.startsWith('errors/'))).toBe(true);
  for (const scope of ['s3/.incoming', 'firehose/spool', 'firehose/outgoing']) {
    expect(readdirSync(path.join(folder, scope))).toEqual([]);
  }
});

it('delivers what S3 could not write down, once the disk takes it', async () => {
  const running = await openFirehoseOnS3(folder, () => undefined);
  const index = new DatabaseSync(path.join(folder, 's3', '.index.sqlite'));
  index.exec(`CREATE TRIGGER full BEFORE INSERT ON objects BEGIN SELECT RAISE(ABORT, 'disk is full'); END`);
  await running.put(['{"id":1}', 'broken 2']);
  await expect(running.firehose.flush()).rejects.toThrow(/could not be delivered, .*disk is full/);
  await expect(running.firehose.flush()).rejects.toThrow(/could not be delivered, .*disk is full/);
  index.exec('DROP TRIGGER full');
  index.close();

  await running.firehose.flush();

  const keys = running.s3.keys(BUCKET, '');
  const numbers = await Promise.all(keys.map(async (key) => numbersIn(key, await running.s3.get(BUCKET, key))));
  await running.stop();
  expect(numbers.flat().toSorted()).toEqual([1, 2]);
});
