import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { entry, type RunningKinesis, startKinesis, temporaryFolder } from '../../test/support/local/running-kinesis.ts';
import type { StoredRecord } from '../ports.ts';

const ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/stream';
const SHARD = 'shardId-000000000000';
const HOUR_MS = 3_600_000;

let temporary: ReturnType<typeof temporaryFolder>;
let kinesis: RunningKinesis;

beforeEach(async () => {
  temporary = temporaryFolder();
  kinesis = await startKinesis(temporary.folder);
});

afterEach(async () => {
  await kinesis.stop();
  temporary.remove();
});

async function restart(properties?: Record<string, unknown>): Promise<void> {
  await kinesis.stop();
  kinesis = await startKinesis(temporary.folder);
  await kinesis.makeStream(properties);
}

function readAll(shardId = SHARD, after?: string): readonly StoredRecord[] {
  return kinesis.service.read(ARN, shardId, after, 100_000, 1e9);
}

const textsOf = (records: readonly StoredRecord[]): string[] => records.map((record) => record.data.toString());

describe('the stream as a mapping reads it', () => {
  it('gives records after a sequence number, in order', async () => {
    await kinesis.makeStream();
    await kinesis.put(['a', 'b', 'c'].map((key) => entry(key)));
    const [first] = readAll();

    expect(first).toEqual({
      sequenceNumber: expect.stringMatching(/^49\d{54}$/),
      partitionKey: 'a',
      data: Buffer.from('a'),
      arrivedAtMs: expect.any(Number),
    });
    expect(textsOf(readAll(SHARD, first?.sequenceNumber))).toEqual(['b', 'c']);
    expect(textsOf(readAll(SHARD, kinesis.service.tip(ARN, SHARD)))).toEqual([]);
    expect(textsOf(readAll(SHARD, '0'))).toEqual(['a', 'b', 'c']);
  });

  it('gives one record even when it is larger than asked for', async () => {
    await kinesis.makeStream();
    await kinesis.put([entry('k', 'x'.repeat(1_000)), entry('k', 'y')]);

    expect(kinesis.service.read(ARN, SHARD, undefined, 100, 10)).toHaveLength(1);
  });

  it('has a tip once there was a record, and keeps it when all is trimmed', async () => {
    await kinesis.makeStream();
    expect(kinesis.service.tip(ARN, SHARD)).toBeUndefined();

    const answer = await kinesis.put([entry('a')]);
    kinesis.clock.advance(25 * HOUR_MS);

    expect(readAll()).toEqual([]);
    expect(kinesis.service.tip(ARN, SHARD)).toBe(answer.Records?.[0]?.SequenceNumber);
  });

  it('tells listeners of each shard that got records, when they are readable', async () => {
    await kinesis.makeStream({ ShardCount: 2 });
    const heard: [string, number][] = [];
    const stop = kinesis.service.onRecords(ARN, (shardId) => heard.push([shardId, readAll(shardId).length]));

    await kinesis.put([
      { ...entry('a'), ExplicitHashKey: '0' },
      { ...entry('b'), ExplicitHashKey: '1' },
    ]);
    stop();
    await kinesis.put([entry('c')]);

    expect(heard).toEqual([[SHARD, 2]]);
  });

  it('says so when there is no such stream', () => {
    expect(() => kinesis.service.shards(ARN)).toThrow('Stream stream under account 000000000000 not found.');
  });
});

describe('a restart', () => {
  it('keeps records, figures and shards, and numbers go on rising', async () => {
    await kinesis.makeStream();
    await kinesis.put([entry('a'), entry('bc')]);
    const before = readAll();

    await restart();
    await kinesis.put([entry('d')]);

    const after = readAll();
    expect(after.slice(0, 2)).toEqual(before);
    expect((after[2]?.sequenceNumber ?? '') > (after[1]?.sequenceNumber ?? '')).toBe(true);
    expect(kinesis.service.figures('stream')).toEqual({ records: 3, bytes: 4 });
  });

  it('keeps numbers rising when all records have been trimmed', async () => {
    await kinesis.makeStream();
    const [first] = (await kinesis.put([entry('a')])).Records ?? [];
    kinesis.clock.advance(25 * HOUR_MS);
    expect(readAll()).toEqual([]);

    await restart();
    const [second] = (await kinesis.put([entry('b')])).Records ?? [];

    expect((second?.SequenceNumber ?? '') > (first?.SequenceNumber ?? '')).toBe(true);
  });

  it('keeps the shards that a stream has when the template asks for another number', async () => {
    await kinesis.makeStream({ ShardCount: 2 });
    await restart({ ShardCount: 3 });

    expect(kinesis.service.shards(ARN)).toHaveLength(2);
  });
});

it('frees the disk by the clock, without a read', async () => {
  await kinesis.makeStream();
  await kinesis.put([entry('a', 'x'.repeat(100_000))]);
  const folder = path.join(temporary.folder, 'stream.stream', SHARD);
  const [before] = readdirSync(folder);

  kinesis.clock.advance(25 * HOUR_MS);

  expect(readdirSync(folder)).toHaveLength(1);
  expect(readdirSync(folder)).not.toEqual([before]);
});

it('keeps what was answered when its process is killed', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PUT_FOR_EVER, temporary.folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: path.join(import.meta.dirname, '../..'),
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > 20) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const answered = output.split('\n').slice(0, -1);
  await kinesis.makeStream({ ShardCount: 2 });

  const kept = new Set([...readAll(), ...readAll('shardId-000000000001')].map((record) => record.sequenceNumber));

  expect(answered.length).toBeGreaterThanOrEqual(20);
  expect(answered.filter((sequenceNumber) => !kept.has(sequenceNumber))).toEqual([]);
});

/** Puts small and large records through the real front, and prints the sequence number of each that was answered. */
const PUT_FOR_EVER = `
  import { startKinesis, entry } from './test/support/local/running-kinesis.ts';
  const kinesis = await startKinesis(process.argv[1]);
  await kinesis.makeStream({ ShardCount: 2 });
  const put = async (call) => {
    for (;;) {
      const answer = await kinesis.put([entry(String(call)), entry('large', 'x'.repeat(call * 50_000))]);
      for (const record of answer.Records) process.stdout.write(record.SequenceNumber + '\\n');
    }
  };
  for (let call = 0; call < 6; call++) void put(call);
`;

it('keeps the order of each key and loses nothing, whatever is put, rejected and sent again', async () => {
  await kinesis.makeStream({ ShardCount: 3 });
  const calls = fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 6 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(calls, fc.nat(2), async (puts, phase) => {
      run++;
      let draws = phase;
      kinesis.service.faults.set({ partialRate: 0.5 }, () => (draws++ % 3 === 0 ? 0 : 1));
      const sent = new Map<string, string[]>();
      for (const keys of puts) {
        // One entry of a key at a time: a producer that keeps order waits for an entry before it sends the next.
        let open = [...new Set(keys)].map((key) => entry(`${run}-${key}`, `${Math.random()}`));
        for (const { PartitionKey = '', Data } of open)
          sent.set(PartitionKey, [...(sent.get(PartitionKey) ?? []), Buffer.from(Data ?? []).toString()]);
        while (open.length > 0) {
          const answer = await kinesis.put(open);
          open = open.filter((_entry, index) => answer.Records?.[index]?.ErrorCode !== undefined);
        }
      }
      const read = kinesis.service.shards(ARN).flatMap(({ shardId }) => readAll(shardId));
      for (const [key, texts] of sent) {
        expect(textsOf(read.filter((record) => record.partitionKey === key))).toEqual(texts);
      }
    }),
    { numRuns: 15 },
  );
});
