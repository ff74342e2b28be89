/** `npm start` as a user runs it: a process of its own, its output, its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { flights2k } from '../../streams/sources/vega.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline } from '../support/local/test-pipeline.ts';

const START = path.join(import.meta.dirname, '..', '..', 'cli', 'start.ts');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', START, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => err.push(part));
  const ended = once(child, 'close').then(([code]) => ({
    code: Number(code),
    out: Buffer.concat(out).toString(),
    err: Buffer.concat(err).toString(),
  }));
  return { child, ended };
}

const temporary = (): string => mkdtempSync(path.join(tmpdir(), 'start-'));

describe('npm start -- --once', () => {
  it('balances: everything put is in Parquet or in failed_events', async () => {
    const state = path.join(temporary(), 'state');

    const { code, out, err } = await start('--once', '--json', '--port', '0', '--state', state).ended;

    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/the pipeline runs on http/) });
    const report = JSON.parse(out);
    expect(report).toMatchObject({ residual: 0, dropped: 0, errorFiles: 0 });
    expect(report.put).toBeGreaterThan(3_700);
    expect(report.received).toBe(report.put);
    expect(report.delivered + report.quarantined).toBe(report.put);
    expect(report.parquetRows).toBe(report.delivered);
    expect(report.failed).toBe(report.quarantined);
    expect(report.failures).toHaveLength(8);
    expect(report.result.rows).toHaveLength(5);
    const bucket = path.join(state, 's3', 'data-pipeline-processed-000000000000-us-east-1');
    const partitions = readdirSync(path.join(bucket, 'flights'));
    const days = (await Array.fromAsync(flights2k())).map((flight) => String(Reflect.get(Object(flight), 'date')));
    const wanted = new Set(days.map((date) => `dt=${date.slice(0, 10).replaceAll('/', '-')}`));
    expect(partitions).toEqual([...wanted].sort());
  }, 90_000);
});

describe('npm start', () => {
  it('keeps everything when it is stopped in the midst of its work', async () => {
    const state = path.join(temporary(), 'state');
    const { child, ended } = start('--json', '--port', '0', '--state', state);
    const listening = new Promise((resolve) => child.stdout?.once('data', resolve));
    await listening;
    await sleep(3_000);

    child.kill('SIGINT');
    const { code, out, err } = await ended;

    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/everything accepted is kept/) });
    const last = JSON.parse(out.trim().split('\n').at(-1) ?? '');
    expect(last.put).toBeGreaterThan(50);
    const run = await startTestPipeline(state);
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);
    const counts = ['earthquakes', 'flights', 'failed_events'].map(
      (table) => `SELECT count(DISTINCT _record_id) AS n FROM ${table}`,
    );
    const { rows } = await run.sql(`SELECT sum(n) FROM (${counts.join(' UNION ALL ')})`);
    await run.stop();
    expect(rows).toEqual([[String(last.put)]]);
  }, 90_000);

  it('says in one line that its port is taken', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? String(address?.port) : '';

    const state = path.join(temporary(), 'state');
    const { code, out, err } = await start('--port', port, '--state', state).ended;
    server.close();

    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(existsSync(state)).toBe(false);
    expect(err).toMatch(/^start: [^\n]*port[^\n]*\n$/i);
    expect(err).toContain(port);
  });

  it('says in one line that its state folder is a file', async () => {
    const file = path.join(temporary(), 'file');
    writeFileSync(file, '');

    const { code, err } = await start('--port', '0', '--state', file).ended;

    expect(code).toBe(1);
    expect(err).toMatch(/^start: [^\n]* is a file, and state is kept in a folder[^\n]*\n$/);
  });

  it('says in one line that its state folder cannot be written', async () => {
    const file = path.join(temporary(), 'file');
    writeFileSync(file, '');

    const { code, err } = await start('--port', '0', '--state', path.join(file, 'state')).ended;

    expect(code).toBe(1);
    expect(err).toMatch(/^start: The state folder .* cannot be written: [^\n]*\n$/);
  });

  it.each([['--once'], ['--once', '--fresh'], []])(
    'leaves a folder alone that holds something else: %s',
    async (...args) => {
      const folder = path.join(temporary(), 'thesis');
      mkdirSync(folder);
      writeFileSync(path.join(folder, 'thesis.tex'), '');

      const { code, err } = await start(...args, '--port', '0', '--state', folder).ended;

      expect(code).toBe(1);
      expect(err).toMatch(/^start: .* holds something else than the state of a pipeline\.[^\n]*\n$/);
      expect(readdirSync(folder)).toEqual(['thesis.tex']);
    },
  );

  it('does not count state of an earlier run in the books of --once', async () => {
    const state = path.join(temporary(), 'state');
    mkdirSync(path.join(state, 's3'), { recursive: true });
    writeFileSync(path.join(state, 'lock.sqlite'), '');

    const { code, err } = await start('--once', '--port', '0', '--state', state).ended;

    expect(code).toBe(1);
    expect(err).toMatch(/^start: .* has state of an earlier run, [^\n]*--fresh[^\n]*\n$/);
  });

  it('says in one line what is wrong with its options', async () => {
    const { code, err } = await start('--port', 'x').ended;

    expect({ code, err }).toEqual({ code: 2, err: 'start: --port: received x, allowed 0 to 65535\n' });
  });
});
