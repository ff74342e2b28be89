/** `npm start` in a process of its own, to be killed: the same command, port and state folder time after time. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface StartProcess {
  readonly endpoint: string;
  /** Resolves once the pipeline runs. @throws Error with what it printed, when it ends before */
  running(): Promise<void>;
  /** What begins an orderly stop. */
  terminate(): void;
  /**
   * SIGKILL to this process alone; then waits for the processes that it had started.
   * @returns those that still run after `ORPHANS_MS`, a line each
   * @throws Error when it has ended already, unless it was asked to
   */
  kill(): Promise<readonly string[]>;
}

const START = path.join(import.meta.dirname, '..', '..', '..', 'cli', 'start.ts');
const ORPHANS_MS = 10_000;
const POLL_MS = 25;

export function startProcess(port: number, stateFolder: string): StartProcess {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', START, '--no-feed', '--json']
      .concat('--port', String(port))
      .concat('--state', stateFolder),
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  const printed: Buffer[] = [];
  for (const output of [child.stdout, child.stderr]) output.on('data', (part: Buffer) => printed.push(part));
  // The view is first shown when everything runs.
  const shown = once(child.stdout, 'data');
  const exited = once(child, 'exit');
  shown.catch(() => undefined);
  let isAskedToEnd = false;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async running() {
      const isRunning = await Promise.race([shown.then(() => true), exited.then(() => false)]);
      if (!isRunning) throw new Error(`npm start has ended by itself: ${Buffer.concat(printed).toString()}`);
    },
    terminate() {
      isAskedToEnd = true;
      child.kill('SIGTERM');
    },
    async kill() {
      if (child.exitCode === null && child.signalCode === null) return killAlone(child, exited);
      if (isAskedToEnd || child.signalCode === 'SIGKILL') return [];
      throw new Error(`npm start has ended by itself: ${Buffer.concat(printed).toString()}`);
    },
  };
}

async function killAlone(child: ChildProcess, exited: Promise<unknown>): Promise<readonly string[]> {
  const started = descendantsOf(child.pid);
  child.kill('SIGKILL');
  await exited;
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const left = processes().filter(({ pid, isEnded }) => started.has(pid) && !isEnded);
    if (left.length === 0 || waitedMs >= ORPHANS_MS) return left.map(({ pid, command }) => `${pid} ${command}`);
    await sleep(POLL_MS);
  }
}

function descendantsOf(root: number | undefined): ReadonlySet<number> {
  const all = processes();
  const found = new Set<number>();
  let parents = new Set(root === undefined ? [] : [root]);
  while (parents.size > 0) {
    parents = new Set(all.filter(({ parent }) => parents.has(parent)).map(({ pid }) => pid));
    for (const pid of parents) found.add(pid);
  }
  return found;
}

/** A process that has ended stays listed where nobody reaps it, in a container without an init. */
function processes() {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').map((line) => {
    const [pid, parent, stat = '', ...args] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), isEnded: stat.startsWith('Z'), command: args.join(' ') };
  });
}

/** A TCP port that is free now. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
