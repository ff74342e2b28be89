/** Invokes a function of the pipeline and waits for its answer: whoever asks needs `lambda:InvokeFunction` and no more. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { isRecord } from '../../schemas/describe.ts';
import type { ClientSettings } from './connection.ts';
import type { Output } from './verb.ts';

export const FUNCTION_PREFIX = 'ServerlessDataPipeline-';

/** As long as a function may take, and what it takes to say so. */
const ANSWER_MS_MAX = 920_000;
const PROGRESS_MS = 1_000;

export interface Invocation {
  /** Such as `Reconcile`. */
  readonly name: string;
  readonly event: object;
  /** What goes on meanwhile: `reconciling`. */
  readonly doing: string;
}

/** @throws Error with the function's own words when it refuses what is asked, `{refused}`, or fails */
export async function invokeFunction(
  { name, event, doing }: Invocation,
  settings: ClientSettings,
  { progress }: Pick<Output, 'progress'>,
): Promise<unknown> {
  // Asked twice, it would work twice.
  const client = new LambdaClient({ ...settings, maxAttempts: 1 });
  const FunctionName = `${FUNCTION_PREFIX}${name}Function`;
  const startedAt = performance.now();
  const tell = (): void => progress(`${doing}, ${Math.round((performance.now() - startedAt) / 1_000)} s`);
  tell();
  const ticking = setInterval(tell, PROGRESS_MS);
  try {
    const { Payload, FunctionError } = await client.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
      { abortSignal: AbortSignal.timeout(ANSWER_MS_MAX) },
    );
    const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null');
    if (FunctionError === undefined) {
      const { refused } = isRecord(answer) ? answer : {};
      if (typeof refused === 'string') throw new Error(refused);
      return answer;
    }
    const { errorType = FunctionError, errorMessage = 'no message' } = isRecord(answer) ? answer : {};
    throw new Error(`${FunctionName}: ${errorType}: ${errorMessage}`);
  } finally {
    clearInterval(ticking);
    progress('');
    client.destroy();
  }
}
