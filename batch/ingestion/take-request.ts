/** A message of the queue of runs: dropped objects, or a request to produce a run. Each asks for one run at least. */
import { ENDED, type NewRun, type Run } from '../runs/run.ts';
import type { RunsPort } from '../runs/runs-port.ts';
import { type DropSettings, dropRun } from './drop-run.ts';
import { readDroppedObjects } from './dropped-objects.ts';
import { type Produced, type ProducePorts, produceRun } from './produce-run.ts';
import type { Deadline, ReadRun } from './read-run.ts';
import { type RunRequest, readRunRequest } from './run-request.ts';

export interface RequestPorts extends ProducePorts {
  readonly runs: RunsPort;
  /** How each kind of source is read; `api` runs are produced by requests. */
  readonly readers: Readonly<Record<Exclude<Run['source']['kind'], 'api'>, ReadRun>>;
  /** The run of a schedule's time. @throws Error naming what is not declared */
  readonly scheduledRun: (request: Extract<RunRequest, { readonly kind: 'schedule' }>) => NewRun;
}

/** What came of a message: nothing of a run is in it but its id and its counts. */
export type Taken =
  | ({ readonly runId: string } & Produced)
  | { readonly runId: string; readonly outcome: 'ended before' | 'refused' | 'asked for' }
  | { readonly outcome: 'ignored'; readonly reason: string };

/**
 * @returns what came of each run that the message asks for; the first is produced now, others are asked for
 * @throws Error for a message that says nothing, and for whatever is to be tried again
 */
export async function takeRequest(
  body: string,
  settings: DropSettings,
  deadline: Deadline,
  ports: RequestPorts,
): Promise<readonly Taken[]> {
  const message = parsed(body);
  const request = readRunRequest(message);
  if (request?.kind === 'run') {
    const run = await ports.runs.get(request.runId);
    if (run === undefined) throw new Error(`there is no run ${request.runId}`);
    return [await produce(run, deadline, ports)];
  }
  if (request) return [await produce(await ports.runs.open(ports.scheduledRun(request)), deadline, ports)];

  const objects = readDroppedObjects(message);
  if (objects === undefined) {
    throw new Error('received no JSON of a known kind, allowed: an event of an S3 object, or a request for a run');
  }
  const taken: Taken[] = [];
  let isProducing = false;
  for (const object of objects) {
    const drop = dropRun(object, settings);
    if (drop.kind === 'ignored') {
      taken.push({ outcome: 'ignored', reason: drop.reason });
      continue;
    }
    const run = await ports.runs.open(drop.run);
    if (run.hasAllProduced || ENDED.has(run.status)) {
      taken.push({ runId: run.id, outcome: 'ended before' });
    } else if (drop.kind === 'refused') {
      await ports.runs.finish(run.id, { produced: 0, error: drop.error });
      taken.push({ runId: run.id, outcome: 'refused' });
    } else if (isProducing) {
      // One run an invocation has all of its time.
      await ports.request({ kind: 'run', runId: run.id });
      taken.push({ runId: run.id, outcome: 'asked for' });
    } else {
      isProducing = true;
      taken.push(await produce(run, deadline, ports));
    }
  }
  return taken;
}

async function produce(run: Run, deadline: Deadline, ports: RequestPorts): Promise<Taken> {
  const { source } = run;
  if (run.hasAllProduced || ENDED.has(run.status)) return { runId: run.id, outcome: 'ended before' };
  if (source.kind === 'api') throw new Error(`run ${run.id} is produced by requests to the API, not by this function`);
  return { runId: run.id, ...(await produceRun(run, ports.readers[source.kind], deadline, ports)) };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
