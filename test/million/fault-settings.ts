/** Every service fails now and then, as local/README.md lists it. */
import type { FaultSettings } from '../../local/faults/faults.ts';

const EVERYWHERE: FaultSettings = { errorRate: 0.015, lostAnswerRate: 0.015, latencyMs: { min: 0, max: 5 } };
const WITH_BATCHES: FaultSettings = { ...EVERYWHERE, partialRate: 0.05 };

/** By service. Few and large batches are invoked, so functions are killed more often than requests fail. */
export const FAULTS: Readonly<Record<string, FaultSettings>> = {
  kinesis: WITH_BATCHES,
  firehose: WITH_BATCHES,
  s3: WITH_BATCHES,
  sqs: WITH_BATCHES,
  events: WITH_BATCHES,
  glue: WITH_BATCHES,
  dynamodb: WITH_BATCHES,
  athena: EVERYWHERE,
  logs: EVERYWHERE,
  lambda: { ...EVERYWHERE, killRate: 0.05 },
};

/** @throws Error with what the switch answered when it refuses */
export async function switchFaults(endpoint: string, faults: typeof FAULTS | undefined): Promise<void> {
  const init = faults === undefined ? { method: 'DELETE' } : { method: 'PUT', body: JSON.stringify(faults) };
  const answer = await fetch(`${endpoint}/_local/faults`, init);
  if (!answer.ok) throw new Error(`the switch of failures answered ${answer.status}: ${await answer.text()}`);
}
