/** Enters objects that have appeared in the books: each once, and one that cannot be entered leaves the others alone. */
import { from, lastValueFrom, mergeMap, toArray } from 'rxjs';
import { type StateTablePort, StateUnavailable } from '../books/state-table.ts';
import type { AppearedObject } from '../catalog-message.ts';
import type { ClockPort } from '../ports.ts';
import { enterLanded } from './landed-object.ts';
import { enterMisdelivered } from './misdelivered-object.ts';
import { ObjectError, type ObjectsPort } from './objects.ts';
import { enterParked } from './parked-batch.ts';
import { countParquetRows } from './parquet-rows.ts';

export interface EnterPorts {
  readonly objects: ObjectsPort;
  readonly table: StateTablePort;
  readonly clock: ClockPort;
}

/** What came of an object. */
export type Entered =
  | { readonly as: AppearedObject['kind']; readonly rows: number }
  /** It was entered before. */
  | { readonly as: 'known' }
  | { readonly failure: string };

/** Objects that are read or entered at once. */
export const OBJECTS_AT_ONCE = 8;

type Landed = Extract<AppearedObject, { readonly kind: 'landed' }>;
type Other = Exclude<AppearedObject, Landed>;

/** @param tapeFunction name of the function that keeps the tape: what it gives up is none of the processor's */
export async function enterAppeared(
  appeared: readonly AppearedObject[],
  tapeFunction: string,
  { objects, table, clock }: EnterPorts,
): Promise<ReadonlyMap<AppearedObject, Entered>> {
  const outcomes = new Map<AppearedObject, Entered>();

  async function attempt(each: AppearedObject, enter: () => Promise<Entered | undefined>): Promise<void> {
    try {
      const outcome = await enter();
      if (outcome) outcomes.set(each, outcome);
    } catch (error) {
      if (!(error instanceof ObjectError || error instanceof StateUnavailable)) throw error;
      outcomes.set(each, { failure: error.message });
    }
  }

  const enteredAs = (each: AppearedObject, isNew: boolean, rows = 0): Entered =>
    isNew ? { as: each.kind, rows } : { as: 'known' };

  const landed = appeared.filter((each) => each.kind === 'landed');
  const counted = new Map<Landed, number>();
  await atOnce(landed, (each) =>
    attempt(each, async () => {
      counted.set(each, await countParquetRows(objects, each.object));
      return undefined;
    }),
  );
  // Objects of a partition add to one item, and transactions on one item get in each other's way.
  const byPartition = Map.groupBy(counted, ([{ partition }]) => partition.location);
  await atOnce([...byPartition.values()], async (ofPartition) => {
    for (const [each, rows] of ofPartition) {
      const landedAtMs = each.landedAtMs ?? clock.now();
      await attempt(each, async () => enteredAs(each, await enterLanded(table, { ...each, rows, landedAtMs }), rows));
    }
  });

  function enterOther(other: Other): Promise<boolean> {
    const options = { objects, table, tapeFunction, nowMs: clock.now() };
    return other.kind === 'parked' ? enterParked(other.object, options) : enterMisdelivered(other, options);
  }
  // One after the other: they are rare, and may be large.
  for (const each of appeared) {
    if (each.kind !== 'landed') await attempt(each, async () => enteredAs(each, await enterOther(each)));
  }
  return outcomes;
}

function atOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<unknown> {
  return lastValueFrom(from(items).pipe(mergeMap(work, OBJECTS_AT_ONCE), toArray()));
}
