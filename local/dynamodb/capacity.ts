/**
 * Capacity units, as answers tell them when asked. Nothing is limited by them.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
import { type Item, itemBytes } from './attribute-value.ts';
import type { CapacityDetail } from './requests.ts';

const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4096;

/** Of the larger of the item before and after; a missing item costs one unit. Indexes are not counted. */
export function writeUnits(before: Item | undefined, after: Item | undefined): number {
  const bytes = Math.max(before ? itemBytes(before) : 0, after ? itemBytes(after) : 0);
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
}

export function readUnits(bytes: number, consistent: boolean | undefined): number {
  return Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (consistent === true ? 1 : 0.5);
}

/** Units by table. */
export class CapacityTally {
  readonly #units = new Map<string, number>();

  add(table: string, units: number): void {
    this.#units.set(table, (this.#units.get(table) ?? 0) + units);
  }

  /** `ConsumedCapacity` of operations over several tables; undefined unless asked for. */
  list(detail: CapacityDetail | undefined): readonly object[] | undefined {
    if (detail === undefined || detail === 'NONE') return undefined;
    return [...this.#units].map(([TableName, CapacityUnits]) => ({
      TableName,
      CapacityUnits,
      ...(detail === 'INDEXES' && { Table: { CapacityUnits } }),
    }));
  }
}

/** `ConsumedCapacity` of operations on one table; undefined unless asked for. */
export function consumedCapacity(table: string, units: number, detail: CapacityDetail | undefined): object | undefined {
  const tally = new CapacityTally();
  tally.add(table, units);
  return tally.list(detail)?.[0];
}
