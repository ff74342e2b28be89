/** Enters an object into the books when it is new: told of twice, it counts once. */
import { ConditionFailed, type StatePut, type StateTablePort, type StateUpdate } from '../books/state-table.ts';

/**
 * @param entry of the object itself, `when: 'new'`
 * @param updates what else gains by it, in the same transaction
 * @returns whether it was new
 * @throws StateUnavailable
 */
export async function enterOnce(
  table: StateTablePort,
  entry: StatePut,
  updates: readonly StateUpdate[] = [],
): Promise<boolean> {
  try {
    await table.transact([entry, ...updates]);
    return true;
  } catch (error) {
    if (error instanceof ConditionFailed) return false;
    throw error;
  }
}
