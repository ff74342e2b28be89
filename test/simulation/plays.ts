/** Records that were played again: which of the records that carry the same one counts. */
import type { Audit, RecordAccount } from './audit.ts';
import type { SimulatedStream, StreamEvent, StreamedRecord } from './stream.ts';
import { Violation } from './violation.ts';

export interface Plays {
  /** The record itself, and those that play it again. */
  of(first: StreamedRecord): readonly StreamedRecord[];
  /**
   * The one of them that the books count; undefined: none yet.
   * @throws Violation when more than one counts
   */
  standingOf(first: StreamedRecord): RecordAccount | undefined;
  /** Whether one of them was given up: what it had delivered by then is known to nobody. */
  wasParked(first: StreamedRecord): boolean;
  /** The event of a `_record_id`, where it first came. */
  eventOf(recordId: string): StreamEvent | undefined;
}

export function createPlays(stream: SimulatedStream, audit: Audit): Plays {
  const played = Map.groupBy(
    stream.records.filter(({ replay }) => replay !== undefined),
    ({ replay }) => replay?.first,
  );
  const of = (first: StreamedRecord) => [first, ...(played.get(first) ?? [])];
  const events = new Map(
    stream.records
      .filter(({ replay }) => replay === undefined)
      .flatMap((record) => record.events.map((event) => [event.recordId, event])),
  );
  return {
    of,
    eventOf: (recordId) => events.get(recordId),
    standingOf(first) {
      const counting = of(first)
        .map(audit.accountOf)
        .filter(({ countedBy, isSuperseded }) => countedBy !== undefined && !isSuperseded);
      if (counting.length > 1) {
        const by = counting.map(({ record, countedBy }) => `#${record.index} by ${countedBy}`).join(', and as ');
        throw new Violation('counted once, however often it is played', `#${first.index} counts as ${by}`);
      }
      return counting[0];
    },
    wasParked: (first) => of(first).some((record) => audit.accountOf(record).isParked),
  };
}
