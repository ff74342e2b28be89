/** Watches a run until it has ended, or until it begins. */
import { setTimeout as sleep } from 'node:timers/promises';
import { callPipelines, PipelinesError } from './call-pipelines.ts';
import type { ClientSettings } from './connection.ts';
import { createProgress, duration } from './progress.ts';
import { runWait } from './run-wait.ts';
import { accountedFor, hasEnded, ShownRun } from './shown-run.ts';
import type { Output } from './verb.ts';

const ASKED_EVERY_MS = 1_000;

/** @returns the run as the API answered it, and as it was read */
export async function askForRun(id: string, settings: ClientSettings, output: Pick<Output, 'progress'>) {
  const path = `/pipelines/${encodeURIComponent(id)}`;
  const answer = await callPipelines({ method: 'GET', path, doing: 'asking for the run' }, settings, output);
  return { answer, run: ShownRun.parse(answer) };
}

/** Says on the way what the run has produced, what of it is counted, or what it waits for and since when. */
export async function followRun(id: string, settings: ClientSettings, output: Output) {
  const putting = createProgress({ doing: 'on the stream', unit: 'records', output });
  const counting = createProgress({ doing: 'counted', unit: 'records', output });
  const startedAtMs = performance.now();
  output.note(`run ${id}: it goes on without you, and npm run pipeline -- run ${id} shows it again`);
  try {
    for (;;) {
      const asked = await askForRun(id, settings, { progress: () => {} });
      const { run } = asked;
      if (hasEnded(run)) return asked;
      const wait = runWait(run);
      if (wait !== undefined) output.progress(`${since(startedAtMs)}  ${wait}`);
      else if (run.all_produced) counting.update(accountedFor(run), run.produced);
      else putting.update(run.produced);
      await sleep(ASKED_EVERY_MS);
    }
  } finally {
    output.progress('');
  }
}

function since(startedAtMs: number): string {
  return duration((performance.now() - startedAtMs) / 1_000);
}

/**
 * The run that the pipeline makes by itself of an object that was dropped.
 * @returns undefined when there is none within the time
 */
export async function awaitRun(id: string, waitMs: number, settings: ClientSettings, output: Output) {
  const startedAtMs = performance.now();
  try {
    for (;;) {
      try {
        return await askForRun(id, settings, { progress: () => {} });
      } catch (error) {
        if (!(error instanceof PipelinesError && error.code === 'NOT_FOUND')) throw error;
        if (performance.now() > startedAtMs + waitMs) return undefined;
        output.progress(`${since(startedAtMs)}  uploaded; waiting for the run to begin`);
        await sleep(ASKED_EVERY_MS);
      }
    }
  } finally {
    output.progress('');
  }
}
