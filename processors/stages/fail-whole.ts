/** In place of the first stage: a record that ends the function whenever it is processed fails whole, undecoded. */
import type { StreamRecord } from '../../streams/position.ts';
import { type DecodeStage, originOf } from './decode.ts';
import type { Item } from './items.ts';

/**
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
  const failure = {
    stage: 'decode',
    code: 'FUNCTION_KILLED',
    path: '',
    expected: 'a record that can be processed',
    received: `${record.data.length} bytes, after which the function gave no answer ${attempts} times`,
    message: `The function ended without an answer ${attempts} times when it had this record alone.`,
  } as const;
  const event = {
    kind: 'undecodable',
    failure,
    dataset: undefined,
    source: undefined,
    runId: undefined,
    chunkId: undefined,
    traceId: undefined,
    subsequenceNumber: 0,
    bytes: () => record.data,
  } as const;
  items.push({ state: 'failed', origin: originOf(stage, record, recordIndex), event, failure });
  return record.data.length;
}
