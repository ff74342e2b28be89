/** Where a record is, of what is known of it, and how a person is told. Pure. */
import type { Outcome } from '../../processors/books/journal-entry.ts';
import type { ShardSource } from '../reconcile/shard-source.ts';
import type { FoundEvent } from './find-on-tape.ts';
import type { JournalPlace } from './journal-place.ts';
import type { FoundRow, RowPlace } from './ports.ts';

/** Where a record is: at rest, or why it is not. */
export type Whereabouts =
  | 'delivered'
  | 'quarantined'
  | 'dropped'
  | 'duplicate'
  | 'parked'
  | 'misdelivered'
  | 'in flight'
  | 'unknown';

/** The on-failure document that has a record, and how far its redrive is. */
export interface ParkedIn {
  readonly document: string;
  readonly status: string;
}

export interface Standing {
  readonly journal: JournalPlace | null;
  readonly parked: ParkedIn | null;
  readonly known: ShardSource | undefined;
  readonly sequenceNumber: string;
  readonly misdelivered: string | null;
}

export function whereOf(row: FoundRow | undefined, event: FoundEvent | undefined, standing: Standing): Whereabouts {
  if (row) return row.failure ? 'quarantined' : 'delivered';
  const { journal, parked, known, sequenceNumber } = standing;
  if (standing.misdelivered !== null) return 'misdelivered';
  if (parked && parked.status !== 'redriven' && !journal) return 'parked';
  // What is counted and should have a row, and has none, is not where the books say.
  if (journal) return isUnsent(event?.outcome) ? event.outcome : 'unknown';
  if (event && known && (parked || sequenceNumber > known.end)) return 'in flight';
  return 'unknown';
}

export function isUnsent(outcome: Outcome | undefined): outcome is 'dropped' | 'duplicate' {
  return outcome === 'dropped' || outcome === 'duplicate';
}

export interface Told {
  readonly row: FoundRow | undefined;
  readonly event: FoundEvent | undefined;
  readonly parked: ParkedIn | null;
  readonly places: readonly RowPlace[];
  readonly misdelivered: string | null;
}

/** One sentence for a person. */
export function tell(where: Whereabouts, { row, event, parked, places, misdelivered }: Told): string {
  const at = places.map(({ object, row: index }) => `row ${index} of ${object}`).join(', and ');
  switch (where) {
    case 'delivered':
      return at === '' ? 'delivered: SQL finds its row, in no object that can be read' : `delivered: ${at}`;
    case 'quarantined':
      return `quarantined by ${row?.failure?.stage} (${row?.failure?.code}): ${at}`;
    case 'dropped':
      return `dropped by the dataset's transform: ${event?.reason}`;
    case 'duplicate':
      return `a duplicate: ${event?.heldBy ?? 'another record'} holds the claim`;
    case 'parked':
      return `parked in ${parked?.document}: Lambda gave its batch up, and it waits to be redriven`;
    case 'misdelivered':
      return `misdelivered in ${misdelivered}: Firehose could not deliver it, and it waits to be redriven`;
    case 'in flight':
      return parked
        ? `redriven from ${parked.document}: it is played again, and not processed yet`
        : 'on the tape, and beyond the checkpoint: it is not processed yet';
    case 'unknown':
      return event?.place
        ? `counted, and its row in ${event.place.table} ${event.place.partition} is not there (yet)`
        : 'neither rows nor books tell where it is';
  }
}
