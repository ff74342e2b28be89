/**
 * Produces a run: puts what is read of its source onto the stream, tells how far it has come, and ends or hands on in good
 * order. Whenever it is interrupted, the next attempt goes on from a position that no missing chunk lies before; what it
 * puts again has the claim of its chunk, and counts once.
 */
import type { ClockPort } from '../../processors/ports.ts';
import { BadObject } from '../../streams/ingest/source-object.ts';
import { ENDED, type Run } from '../runs/run.ts';
import type { RunsPort } from '../runs/runs-port.ts';
import { OrderedPuts, type PutRecords } from './ordered-puts.ts';
import { type Deadline, type ReadRun, type RunStep, TimeOver } from './read-run.ts';
import type { RunRequest } from './run-request.ts';
import { LeftToBackfill, type ObjectVersion } from './source-objects.ts';

export interface ProducePorts {
  readonly runs: Pick<RunsPort, 'progress' | 'finish'>;
  readonly put: PutRecords;
  /** Puts a request on the queue of runs. */
  readonly request: (request: RunRequest) => Promise<void>;
  /** Takes over a run whose object is too large for functions one after the other. Absent: such a run ends with an error. */
  readonly backfill?: ((run: Run, object: ObjectVersion) => Promise<void>) | undefined;
  readonly clock: ClockPort;
}

export interface Produced {
  /**
   * `finished`: all is produced, or what could be. `continued`: the rest is asked for by a request. `stopped`: the run was
   * to end, or had. `left`: to the backfill.
   */
  readonly outcome: 'finished' | 'continued' | 'stopped' | 'left';
  /** Distinct records of the run so far. */
  readonly produced: number;
  /** Records put on the stream by this attempt, and their bytes. */
  readonly chunks: number;
  readonly bytes: number;
  readonly error: string | undefined;
}

/** How often it is told how far a run has come: a write to the state table each. */
const TELL_CHUNKS = 200;
const TELL_MS = 5_000;
/** An attempt of that length that gives no step at all will not give one the next time either. */
const STUCK_MS = 300_000;

/** Why reading ended before the source did. */
type Ending = 'stopped' | 'time over' | undefined;

/** @throws whatever kept it from going on: the message that asked for the run is to come again */
export async function produceRun(
  begun: Run,
  readRun: ReadRun,
  deadline: Deadline,
  ports: ProducePorts,
): Promise<Produced> {
  if (isStopped(begun)) return stop(new Production(begun, ports));
  const production = new Production(begun, ports);
  let ending: Ending;
  let error: string | undefined;
  try {
    await production.begin();
    ending = await readSteps(readRun(production.run, deadline), deadline, production);
    await production.puts.flush();
  } catch (caught) {
    if (caught instanceof LeftToBackfill && ports.backfill) {
      await ports.backfill(production.run, caught.object);
      return production.result('left');
    }
    if (caught instanceof TimeOver) ending = 'time over';
    else if (caught instanceof BadObject || caught instanceof LeftToBackfill) error = caught.message;
    else return await production.giveUp(caught);
    await production.puts.flush().catch((failure: unknown) => production.giveUp(failure));
  }
  if (ending === 'stopped') return stop(production);
  if (ending === 'time over' && !production.isStuck()) return handOn(production);
  if (ending === 'time over') error = `no more of it could be read within ${STUCK_MS / 60_000} minutes`;
  await production.finish(error);
  return production.result('finished', error);
}

async function readSteps(steps: AsyncIterable<RunStep>, deadline: Deadline, production: Production): Promise<Ending> {
  for await (const step of steps) {
    await production.take(step);
    if (isStopped(production.run)) return 'stopped';
    if (deadline.isOver()) return 'time over';
  }
  return undefined;
}

/** A run that is asked to end has produced what it has. */
async function stop(production: Production): Promise<Produced> {
  const { run } = production;
  if (!run.hasAllProduced && !ENDED.has(run.status)) await production.finish(undefined);
  return production.result('stopped');
}

async function handOn(production: Production): Promise<Produced> {
  await production.tell();
  await production.ports.request({ kind: 'run', runId: production.run.id });
  return production.result('continued');
}

function isStopped({ status, hasAllProduced, cancelRequestedAtMs }: Run): boolean {
  return hasAllProduced || cancelRequestedAtMs !== undefined || ENDED.has(status);
}

/** One attempt at a run. */
class Production {
  readonly ports: ProducePorts;
  readonly puts: OrderedPuts;
  /** As it was last heard of. */
  run: Run;
  readonly #startedAtMs: number;
  #toldAtMs: number;
  #told: RunStep | undefined;
  #chunks = 0;
  #bytes = 0;
  #chunksTold = 0;
  #steps = 0;

  constructor(run: Run, ports: ProducePorts) {
    this.run = run;
    this.ports = ports;
    this.puts = new OrderedPuts(ports.put);
    this.#startedAtMs = ports.clock.now();
    this.#toldAtMs = this.#startedAtMs;
  }

  /** A queued run is running from now on. */
  async begin(): Promise<void> {
    if (this.run.status !== 'queued') return;
    const { id, produced, position } = this.run;
    this.run = await this.ports.runs.progress(id, { produced, position });
  }

  async take(step: RunStep): Promise<void> {
    this.#steps += 1;
    await this.puts.add(step);
    if (step.record === undefined) {
      await this.puts.flush();
      await this.tell();
      return;
    }
    this.#chunks += 1;
    this.#bytes += step.record.data.length;
    const isDue = this.#chunks - this.#chunksTold >= TELL_CHUNKS || this.ports.clock.now() - this.#toldAtMs >= TELL_MS;
    if (isDue) await this.tell();
  }

  /** Tells how far all is on the stream. */
  async tell(): Promise<void> {
    this.#toldAtMs = this.ports.clock.now();
    this.#chunksTold = this.#chunks;
    const { done } = this.puts;
    if (done === undefined || done === this.#told) return;
    const { produced, position } = done;
    this.run = await this.ports.runs.progress(this.run.id, { produced, position });
    this.#told = done;
  }

  async finish(error: string | undefined): Promise<void> {
    const told = { produced: this.#produced(), ...(error !== undefined && { error }) };
    this.run = await this.ports.runs.finish(this.run.id, told);
  }

  /** Keeps how far it came, and throws what was in the way. */
  async giveUp(failure: unknown): Promise<never> {
    await this.puts.settle();
    // Of no consequence when it fails: more is put again.
    await this.tell().catch(() => undefined);
    throw failure;
  }

  isStuck(): boolean {
    return this.#steps === 0 && this.ports.clock.now() - this.#startedAtMs >= STUCK_MS;
  }

  result(outcome: Produced['outcome'], error?: string): Produced {
    return { outcome, produced: this.#produced(), chunks: this.#chunks, bytes: this.#bytes, error };
  }

  #produced(): number {
    return Math.max(this.run.produced, this.puts.done?.produced ?? 0);
  }
}
