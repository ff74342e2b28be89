/** Whether the records that the tape has within an entry are the ones that it counts. Pure. */
import type { JournalEntry } from '../../processors/books/journal-entry.ts';
import { covers, type ParkedRange } from './parked-ranges.ts';

/** A record of the tape. */
export interface TapePlace {
  /** Sequence number, padded. */
  readonly position: string;
  /** First 8 hex digits of the `_record_id` of subsequence 0. */
  readonly fingerprint: number;
  readonly recordId: string;
  readonly arrivedAtMs: number;
}

export interface EntryVerdict {
  /**
   * `lacking`: the tape has fewer by `count`; `more`: more by `count`; `differ`: as many, but others, or which of them are
   * parked cannot be told.
   */
  readonly kind: 'same' | 'lacking' | 'more' | 'differ';
  readonly count: number;
  readonly isAmbiguous: boolean;
  /** Sequence numbers, padded, of records that are parked, and not counted by the entry. */
  readonly leftOut: readonly string[];
  /** Batches that were parked, and whose records the entry counts: the answer to their commit was lost. */
  readonly countedParked: readonly ParkedRange[];
}

/** Parked batches within one entry of which every choice is tried. */
const CHOICES_MAX = 10;

/**
 * Parked records within an entry were done after all, or were not: fingerprints tell. Where every parked batch is outside
 * or every one inside, that is found first.
 */
export function judgeEntry(
  entry: Pick<JournalEntry, 'records' | 'fingerprint'>,
  places: readonly TapePlace[],
  parked: readonly ParkedRange[],
): EntryVerdict {
  const within = parked.filter((range) => places.some(({ position }) => covers(range, position)));
  for (const outside of choicesOf(within)) {
    const isOutside = ({ position }: TapePlace) => outside.some((range) => covers(range, position));
    const left = places.filter((place) => !isOutside(place));
    if (left.length !== entry.records || sumOf(left) !== entry.fingerprint) continue;
    const isCounted = (range: ParkedRange) => left.some(({ position }) => covers(range, position));
    const countedParked = within.filter((range) => !outside.includes(range) && isCounted(range));
    return {
      kind: 'same',
      count: 0,
      isAmbiguous: false,
      leftOut: places.filter(isOutside).map(({ position }) => position),
      countedParked,
    };
  }
  const count = Math.abs(entry.records - places.length);
  const kind = places.length < entry.records ? 'lacking' : places.length > entry.records ? 'more' : 'differ';
  return { kind, count, isAmbiguous: within.length > 0, leftOut: [], countedParked: [] };
}

/** Every choice of some of them where they are few; else none and all. */
function* choicesOf(ranges: readonly ParkedRange[]): Generator<readonly ParkedRange[]> {
  if (ranges.length > CHOICES_MAX) {
    yield [];
    yield ranges;
    return;
  }
  for (let choice = 0; choice < 2 ** ranges.length; choice++) yield ranges.filter((_, index) => (choice >> index) & 1);
}

function sumOf(places: readonly TapePlace[]): bigint {
  return places.reduce((sum, { fingerprint }) => sum + BigInt(fingerprint), 0n);
}
