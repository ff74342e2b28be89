/** Watches a run until it has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { callPipelines, PipelinesError } from './call-pipelines.ts';
import type { ClientSettings } from './connection.ts';
import { createProgress } from './progress.ts';
import { accountedFor, hasEnded, ShownRun } from './shown-run.ts';
import type { Output } from './verb.ts';

const ASKED_EVERY_MS = 1_000;

/** @returns the run as the API answered it, and as it was read */
export async function askForRun(id: string, settings: ClientSettings, output: Pick<Output, 'progress'>) {
  const path = `/pipelines/${encodeURIComponent(id)}`;
  const answer = await callPipelines({ method: 'GET', path, doing: 'asking for the run' }, settings, output);
  return { answer, run: ShownRun.parse(answer) };
}

export async function followRun(id: string, settings: ClientSettings, output: Output) {
  const progress = createProgress({ doing: `run ${id}`, unit: 'records', output });
  try {
    for (;;) {
      const asked = await askForRun(id, settings, { progress: () => {} });
      if (hasEnded(asked.run)) return asked;
      const { produced, all_produced, status } = asked.run;
      progress.update(accountedFor(asked.run), all_produced ? produced : undefined, status);
      await sleep(ASKED_EVERY_MS);
    }
  } finally {
    progress.close();
  }
}

/**
 * The run that the pipeline makes by itself of an object that was dropped.
 * @returns undefined when there is none within the time
 */
export async function awaitRun(id: string, waitMs: number, settings: ClientSettings, output: Output) {
  const endMs = performance.now() + waitMs;
  output.progress('waiting for the run to begin');
  try {
    for (;;) {
      try {
        return await askForRun(id, settings, { progress: () => {} });
      } catch (error) {
        if (!(error instanceof PipelinesError && error.code === 'NOT_FOUND')) throw error;
        if (performance.now() > endMs) return undefined;
        await sleep(ASKED_EVERY_MS);
      }
    }
  } finally {
    output.progress('');
  }
}
