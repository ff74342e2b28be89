/** Third stage: the dataset's own transform, and the check that what it returned will convert. */
import { describe, isRecord } from '../../schemas/describe.ts';
import type { Failure } from '../../schemas/failure.ts';
import { failureOf, problem } from '../../schemas/problem.ts';
import type { Item } from './items.ts';
import { threw } from './threw.ts';

export function transform(item: Item): Item {
  if (item.state !== 'valid') return item;
  const { origin, event, eventTimeMs } = item;
  const { dataset } = event;
  let output: unknown;
  let failure: Failure | undefined;
  let id: string;
  try {
    output = dataset.definition.transform(event.value, { ingestedAtMs: origin.arrivedAtMs });
    if (isDrop(output)) return { state: 'dropped', origin, event, reason: output.drop };
    // In here too: reading an output may run code of the transform's, such as a getter.
    failure = dataset.validateOutput(output);
  } catch (error) {
    failure = threw('transform', error);
  }
  if (failure) return { state: 'failed', origin, event, failure };
  try {
    id = textOf(event.id ?? dataset.definition.id(event.value));
  } catch (error) {
    return { state: 'failed', origin, event, failure: threw('id', error) };
  }
  if (!isMutableRecord(output)) {
    const found = problem('INVALID_OUTPUT', '', 'a record', output);
    return { state: 'failed', origin, event, failure: failureOf(found, 'transform') };
  }
  return { state: 'transformed', origin, event, eventTimeMs, id, output };
}

/** @throws TypeError for what a definition in JavaScript may return: here it fails one record, later it would a batch */
function textOf(id: unknown): string {
  if (typeof id !== 'string') throw new TypeError(`received ${describe(id)}, allowed: a string`);
  return id;
}

function isDrop(output: unknown): output is { readonly drop: string } {
  return isRecord(output) && typeof output.drop === 'string' && Object.keys(output).length === 1;
}

function isMutableRecord(output: unknown): output is Record<string, unknown> {
  return isRecord(output);
}
