/** The state table and the payload bucket as a process sees them: late, throttled, and sometimes done without an answer. */
import { type StateTablePort, StateUnavailable, type StateWrite } from '../../processors/books/state-table.ts';
import { PayloadError, type PayloadPort } from '../../processors/ports.ts';
import type { Conditions } from './conditions.ts';
import type { Invocation, SimulatedProcess } from './function-host.ts';
import type { Random } from './random.ts';

const LATENCY_MS_MAX = 15;
const SLOW_MS_MAX = 12_000;
const PAYLOAD_MS_MAX = 400;

export interface StatePortOptions<Input> {
  readonly table: StateTablePort;
  readonly conditions: Conditions;
  readonly random: Random;
  readonly process: SimulatedProcess<Input>;
  /** Called when writes have taken effect. */
  readonly onWritten?: (invocation: Invocation<Input>, writes: readonly StateWrite[]) => void;
}

export function createStatePort<Input>(options: StatePortOptions<Input>): StateTablePort {
  const { table, conditions, random, process, onWritten } = options;

  function call<Value>(name: string, effect: () => Promise<Value>): Promise<Value> {
    const { invocation } = process;
    const isRefused = conditions.isAway('state') || conditions.befalls('stateThrottled');
    const isLost = conditions.befalls('stateAnswerLost');
    const isSlow = conditions.befalls('stateSlow');
    if (invocation && (isRefused || isLost || isSlow)) invocation.mayRepeat ??= `${name} had a fault`;
    return process.call({
      name,
      latencyMs: random.int(1, isSlow ? SLOW_MS_MAX : LATENCY_MS_MAX),
      refusal: isRefused ? new StateUnavailable(`${name} is throttled`, { cause: 'simulated' }) : undefined,
      answerLost: isLost ? new StateUnavailable(`${name} was not answered`, { cause: 'simulated' }) : undefined,
      effect,
    });
  }

  async function written<Value>(writes: readonly StateWrite[], write: () => Promise<Value>): Promise<Value> {
    const { invocation } = process;
    const value = await write();
    if (invocation) onWritten?.(invocation, writes);
    return value;
  }

  return {
    get: (key) => call('get', () => table.get(key)),
    query: (pk, range) => call('query', () => table.query(pk, range)),
    queryByStatus: (status, range) => call('queryByStatus', () => table.queryByStatus(status, range)),
    update: (update) => call('update', () => written([update], () => table.update(update))),
    transact: (writes) => call('transact', () => written(writes, () => table.transact(writes))),
  };
}

export function createPayloadPort<Input>(
  conditions: Conditions,
  random: Random,
  process: SimulatedProcess<Input>,
  kept: Map<string, Buffer>,
): PayloadPort {
  return {
    async keep({ uri, bytes }) {
      const isRefused = conditions.isAway('payloads') || conditions.befalls('payloadFailed');
      const isLost = conditions.befalls('payloadAnswerLost');
      await process.call({
        name: 'keep payload',
        latencyMs: random.int(5, PAYLOAD_MS_MAX),
        refusal: isRefused ? new PayloadError('the bucket is away', { cause: 'simulated' }) : undefined,
        answerLost: isLost ? new PayloadError('the bucket did not answer', { cause: 'simulated' }) : undefined,
        effect: () => void kept.set(uri, Buffer.from(bytes)),
      });
    },
  };
}
