import { describe, expect, it } from '@jest/globals';
import { IngestionWorld, Killed, RAW } from '../../test/support/batch/ingestion-world.ts';
import type { NewRun, RunSource } from '../runs/run.ts';
import { produceRun } from './produce-run.ts';
import type { Deadline } from './read-run.ts';
import { takeRequest } from './take-request.ts';

const DROPS = { bucket: RAW, datasets: new Set(['flights']), defaultDataset: 'flights', chunkRecordsMax: 2 };
const FOREVER: Deadline = { isOver: () => false };
const RUN: Omit<NewRun, 'source'> = {
  id: 'run',
  dataset: 'flights',
  priority: 'normal',
  metadata: '{}',
  chunkRecordsMax: 2,
};
const REQUEST = JSON.stringify({ kind: 'run', runId: 'run' });

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `${index}\n`).join('');
const chunksOf = (key: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${key}:${n}`);

/** A run of one object of 23 records in 12 chunks, or of three objects with 12 chunks, a bad one among them. */
async function worldOf(kind: 's3' | 's3-prefix'): Promise<IngestionWorld> {
  const world = new IngestionWorld();
  let source: RunSource = { kind: 's3', bucket: RAW, key: 'in/a' };
  if (kind === 's3') world.putObject('in/a', lines(23));
  else {
    source = { kind, bucket: RAW, prefix: 'in/' };
    world.putObject('in/a', lines(7));
    world.putObject('in/b', `${lines(9)}bad\n${lines(2)}`);
    world.putObject('in/c', lines(5));
    world.putObject('in/c/', '');
  }
  await world.ports.runs.open({ ...RUN, source });
  return world;
}

const EXPECTED = {
  s3: { chunks: chunksOf('in/a', 12), produced: 23, error: undefined },
  's3-prefix': {
    chunks: [...chunksOf('in/a', 4), ...chunksOf('in/b', 5), ...chunksOf('in/c', 3)],
    produced: 21,
    error: '1 of 3 objects: line 10 of in/b is bad',
  },
} as const;

/** Delivers the message, and those that come of it, as SQS does: again until it is taken, and each maybe twice. */
async function deliver(world: IngestionWorld, deadline: () => Deadline): Promise<void> {
  const waiting = [REQUEST];
  for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) {
    try {
      await takeRequest(body, DROPS, deadline(), world.ports);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      world.onCall = () => undefined;
      waiting.push(body);
    }
    waiting.push(...world.requests.splice(0).map((request) => JSON.stringify(request)));
  }
}

describe.each(['s3', 's3-prefix'] as const)('a run of the kind %s', (kind) => {
  const { chunks, produced, error } = EXPECTED[kind];

  it('puts each chunk once, in order, when nothing is in the way', async () => {
    const world = await worldOf(kind);

    await deliver(world, () => FOREVER);

    expect(world.chunks()).toEqual(chunks);
    expect(world.runs.get('run')).toMatchObject({ produced, error, hasAllProduced: true });
  });

  it('puts exactly the same chunks when the function is killed at any of its calls', async () => {
    let killedAt = 0;
    for (let wasKilled = true; wasKilled; killedAt++) {
      wasKilled = false;
      const world = await worldOf(kind);
      let calls = 0;
      world.onCall = () => {
        calls += 1;
        // A process that is gone makes no more calls.
        wasKilled ||= calls === killedAt + 1;
        if (wasKilled) throw new Killed();
      };

      await deliver(world, () => FOREVER);

      expect(new Set(world.chunks())).toEqual(new Set(chunks));
      expect(world.runs.get('run')).toMatchObject({ produced, error, hasAllProduced: true });
    }
    expect(killedAt).toBeGreaterThan(40);
  });

  it('goes on with the next invocation from wherever the time was over', async () => {
    for (let putsMax = 1; putsMax <= 4; putsMax++) {
      const world = await worldOf(kind);
      let puts = 0;
      let requests = 0;
      world.onCall = (call) => {
        if (call === 'put done') puts += 1;
        if (call === 'request done') requests += 1;
      };

      await deliver(world, () => {
        const before = puts;
        return { isOver: () => puts - before >= putsMax };
      });

      expect(requests).toBeGreaterThan(0);
      expect(new Set(world.chunks())).toEqual(new Set(chunks));
      expect(world.runs.get('run')).toMatchObject({ produced, error, hasAllProduced: true });
    }
  });

  it('has ended when it is asked for again, and puts nothing', async () => {
    const world = await worldOf(kind);
    await deliver(world, () => FOREVER);
    world.stream.length = 0;

    expect(await takeRequest(REQUEST, DROPS, FOREVER, world.ports)).toEqual([
      { runId: 'run', outcome: 'ended before' },
    ]);
    expect(world.chunks()).toEqual([]);
  });
});

describe('a run', () => {
  it('ends where five minutes give nothing more of it', async () => {
    const world = await worldOf('s3');
    world.onCall = (call) => {
      if (call === 'read done') world.nowMs += 400_000;
    };

    await deliver(world, () => ({ isOver: () => world.nowMs > 300_000 }));

    expect(world.runs.get('run')?.error).toBe('no more of it could be read within 5 minutes');
  });

  it('stops when it is cancelled, and has produced what was put', async () => {
    const world = await worldOf('s3');
    const { put } = world.ports;
    const ports = {
      ...world.ports,
      async put(records: Parameters<typeof put>[0]) {
        await put(records);
        world.nowMs += 10_000;
        await world.ports.runs.cancel('run');
      },
    };

    const [taken] = await takeRequest(REQUEST, DROPS, FOREVER, ports);

    const run = world.runs.get('run');
    expect(taken).toMatchObject({ outcome: 'stopped' });
    expect(run?.hasAllProduced).toBe(true);
    expect(world.stream.length).toBeLessThan(12);
    expect(run?.produced).toBe(2 * world.stream.length);
  });

  it('fails its message when the stream does not take it, and keeps how far it came', async () => {
    const world = await worldOf('s3');
    let calls = 0;
    const put = async (records: Parameters<typeof world.ports.put>[0]) => {
      calls += 1;
      if (calls > 2) throw new Error('throttled');
      await world.ports.put(records);
    };

    await expect(takeRequest(REQUEST, DROPS, FOREVER, { ...world.ports, put })).rejects.toThrow('throttled');

    expect(world.runs.get('run')).toMatchObject({ produced: 2 * world.stream.length, hasAllProduced: false });
    expect(JSON.parse(world.runs.get('run')?.position ?? '')).toMatchObject({ chunk: world.stream.length });
  });

  it('tells how far it is every few seconds, and not for every chunk', async () => {
    const world = await worldOf('s3');
    let told = 0;
    world.onCall = (call) => {
      if (call === 'put done') world.nowMs += 3_000;
      if (call === 'progress done') told += 1;
    };

    await deliver(world, () => FOREVER);

    expect(told).toBeGreaterThan(1);
    expect(told).toBeLessThan(8);
  });

  it('reads the version that it began with, and ends where that was replaced', async () => {
    const world = await worldOf('s3');
    world.onCall = (call) => {
      if (call !== 'put done') return;
      world.onCall = () => undefined;
      world.putObject('in/a', lines(50));
    };

    await deliver(world, () => FOREVER);

    expect(world.runs.get('run')?.error).toMatch(/in\/a was replaced/);
    expect(world.stream.length).toBeLessThanOrEqual(12);
  });

  it.each([
    ['is not there', { kind: 's3', bucket: RAW, key: 'in/none' }, 's3://raw/in/none is not there'],
    ['is of another bucket', { kind: 's3', bucket: 'mine', key: 'in/a' }, 'bucket: received mine, allowed: raw'],
    [
      'is another by now',
      { kind: 's3', bucket: RAW, key: 'in/a', etag: 'older' },
      /in\/a was replaced before it was read/,
    ],
    ['has no objects', { kind: 's3-prefix', bucket: RAW, prefix: 'out/' }, 'there is no object below s3://raw/out/'],
  ] as const)('of what %s fails, and says so', async (_, source, error) => {
    const world = new IngestionWorld();
    world.putObject('in/a', lines(3));
    await world.ports.runs.open({ ...RUN, source });

    const [taken] = await takeRequest(REQUEST, DROPS, FOREVER, world.ports);

    expect(taken).toMatchObject({ outcome: 'finished', produced: 0, error: expect.stringMatching(error) });
    expect(world.runs.get('run')).toMatchObject({ hasAllProduced: true, produced: 0 });
  });

  it('of an object that is too large fails, or is left to the backfill where there is one', async () => {
    const world = new IngestionWorld(undefined, 100);
    world.putObject('in/a', lines(50));
    const run = await world.ports.runs.open({ ...RUN, source: { kind: 's3', bucket: RAW, key: 'in/a' } });
    const left: string[] = [];
    const backfill = async (...[{ id }, { key }]: Parameters<NonNullable<typeof world.ports.backfill>>) =>
      void left.push(`${id} ${key}`);

    const taken = await produceRun(run, world.ports.readers.s3, FOREVER, { ...world.ports, backfill });
    expect([taken.outcome, left]).toEqual(['left', ['run in/a']]);
    expect(world.runs.get('run')?.hasAllProduced).toBe(false);

    await deliver(world, () => FOREVER);
    expect(world.runs.get('run')?.error).toMatch(/has 140 bytes; objects over 100 bytes are left to the backfill/);
  });
});
