/** A Kinesis record that fails as a whole, before it has events. */
import type { Failure } from '../../schemas/failure.ts';
import type { StreamRecord } from '../../streams/position.ts';
import { type DecodeStage, unframe } from './decode.ts';
import type { Failed, Item, Origin } from './items.ts';

/**
 * In place of the first stage, for a record that ends the function whenever it is processed.
 * @param attempts how many attempts at the record alone ended without an answer
 * @returns the bytes that the item holds on to
 */
export function failWhole(
  stage: DecodeStage,
  record: StreamRecord,
  recordIndex: number,
  items: Item[],
  attempts: number,
): number {
  const { origin, data } = unframe(stage, record, recordIndex);
  const received = `${data.length} bytes, after which the function gave no answer ${attempts} times`;
  items.push(failed(origin, data, { code: 'FUNCTION_KILLED', expected: 'a record that can be processed', received }));
  return data.length;
}

/** The one item of a record that cannot be decoded, with its original bytes. */
export function failed(origin: Origin, data: Buffer, fault: Pick<Failure, 'code' | 'expected' | 'received'>): Failed {
  const { expected, received } = fault;
  const message = `The Kinesis record is ${received}; expected ${expected}.`;
  const failure: Failure = { ...fault, stage: 'decode', path: '', message };
  const event = {
    kind: 'undecodable',
    failure,
    dataset: undefined,
    source: undefined,
    runId: undefined,
    chunkId: undefined,
    traceId: undefined,
    subsequenceNumber: 0,
    bytes: () => data,
  } as const;
  return { state: 'failed', origin, event, failure };
}
