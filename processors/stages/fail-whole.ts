/** A Kinesis record that fails as a whole, before it has events. */
import type { StreamRecord } from '../../streams/position.ts';
import { type DecodeStage, unframe } from './decode.ts';
import type { Item } from './items.ts';
import { undecodable } from './undecodable.ts';

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
  items.push(
    undecodable(origin, data, { code: 'FUNCTION_KILLED', expected: 'a record that can be processed', received }),
  );
  return data.length;
}
