/** Findings of one shard, as sentences; those of entries in a row are one. */
import type { JournalEntry } from '../../processors/books/journal-entry.ts';
import type { EntryVerdict, TapePlace } from './judge-entry.ts';
import type { ParkedRange } from './parked-ranges.ts';
import { type Finding, NAMED_MAX } from './report.ts';

/** Records that the tape has of a range in which it lacks some: what names those that it lacks. */
export interface LackingRange {
  readonly finding: Finding;
  readonly had: ReadonlySet<string>;
}

/** A parked batch of which the tape lacks records, and what it has of it. */
export interface UnkeptRange {
  readonly finding: Finding;
  /** Key of the on-failure document. */
  readonly document: string;
  readonly had: ReadonlySet<string>;
}

/** Counts all, and names the first. */
export interface Names {
  readonly count: number;
  readonly recordIds: readonly string[];
}

export function createNames(): Names & { add(recordId: string): void } {
  const recordIds: string[] = [];
  let count = 0;
  return {
    recordIds,
    get count() {
      return count;
    },
    add(recordId) {
      count += 1;
      if (recordIds.length < NAMED_MAX) recordIds.push(recordId);
    },
  };
}

/** Findings of a shard, as sentences. Those of entries in a row are one. */
export function createShardFindings(shardId: string) {
  const findings: Finding[] = [];
  const lacking: { finding: Finding; had: Set<string> }[] = [];
  const unkept: UnkeptRange[] = [];
  const add = (finding: Omit<Finding, 'shardId'>) => void findings.push({ shardId, ...finding });
  const between = (after: string, to: string) => `${after === '' ? 'the start of the shard' : after} and ${to}`;

  function notInJournal(after: string, to: string, { count, recordIds }: Names): void {
    const message = `${shardId}: ${count} records between ${between(after, to)} are on the tape, and in no entry of the journal and no parked batch`;
    add({ kind: 'records_not_in_journal', message, count, residual: count, recordIds, after, to });
  }

  function notOnTape(entry: JournalEntry, places: readonly TapePlace[], count: number): void {
    const last = lacking.at(-1);
    const isNext = last !== undefined && last.finding.to === entry.after;
    const total = (isNext ? last.finding.count : 0) + count;
    const after = isNext ? (last.finding.after ?? '') : entry.after;
    const message = `${shardId}: ${total} records between ${between(after, entry.to)} are in the journal, and not on the tape`;
    const base = { kind: 'records_not_on_tape', message, count: total, residual: total, recordIds: [] } as const;
    const had = isNext ? last.had : new Set<string>();
    for (const { position } of places) had.add(position);
    if (isNext) lacking.pop();
    lacking.push({ finding: { shardId, ...base, after, to: entry.to }, had });
  }

  return {
    notInJournal,
    missingEntry(after: string, to: string, lost: Names): void {
      const message = `${shardId}: an entry of the journal is missing between ${between(after, to)}; the tape has ${lost.count} records there`;
      // An entry counts one record at least, whatever the tape has.
      const residual = Math.max(1, lost.count);
      add({ kind: 'journal_entry_missing', message, residual, ...copyOf(lost), after, to });
    },
    ofEntry(entry: JournalEntry, places: readonly TapePlace[], verdict: EntryVerdict): void {
      const { after, to, records } = entry;
      const recordIds = places.slice(0, NAMED_MAX).map(({ recordId }) => recordId);
      if (verdict.kind === 'lacking') notOnTape(entry, places, verdict.count);
      if (verdict.kind === 'more') {
        const message = `${shardId}: the entry between ${between(after, to)} counts ${records} records, and the tape has ${places.length}: ${verdict.count} of those that are named are in neither journal nor parked batch`;
        add({
          kind: 'records_not_in_journal',
          message,
          count: verdict.count,
          residual: verdict.count,
          recordIds,
          after,
          to,
        });
      }
      if (verdict.kind === 'differ') {
        const message = `${shardId}: the entry between ${between(after, to)} counts ${records} records, and the tape has as many but others${verdict.isAmbiguous ? ', or which are parked cannot be told' : ''}`;
        add({ kind: 'records_differ', message, count: records, residual: 1, recordIds, after, to });
      }
      if (verdict.countedParked.length > 0) {
        const keys = verdict.countedParked.map(({ key }) => key).join(', ');
        const count = verdict.countedParked.reduce((sum, range) => sum + range.records, 0);
        const message = `${shardId}: parked, and in the journal all the same, so there is nothing to redrive: ${keys}`;
        add({ kind: 'parked_but_counted', message, count, residual: 0, recordIds: [], after, to });
      }
    },
    parkedNotOnTape({ key, to, records }: ParkedRange, had: ReadonlySet<string>): void {
      const count = records - had.size;
      if (count <= 0) return;
      const message = `${shardId}: ${count} of ${records} records of the parked batch ${key} are not on the tape`;
      const finding = {
        kind: 'parked_not_on_tape',
        message,
        count,
        residual: count,
        recordIds: [],
        shardId,
        to,
      } as const;
      unkept.push({ finding, document: key, had });
    },
    overlap(after: string, position: string): void {
      const message = `${shardId}: two entries of the journal cover what lies between ${between(after, position)}`;
      add({ kind: 'journal_entries_overlap', message, count: 1, residual: 1, recordIds: [], after, to: position });
    },
    checkpointBehind(position: string, to: string): void {
      const message = `${shardId}: the checkpoint stands at ${position || 'the start'}, within the entry that ends at ${to}`;
      add({ kind: 'checkpoint_differs', message, count: 1, residual: 1, recordIds: [], after: position, to });
    },
    checkpointCounts(said: { entries: number; records: number }, are: { entries: number; records: number }): void {
      if (said.entries === are.entries && said.records === are.records) return;
      const message = `${shardId}: the checkpoint counts ${said.entries} entries and ${said.records} records; the journal has ${are.entries} and ${are.records}`;
      const residual = Math.max(Math.abs(said.records - are.records), 1);
      add({ kind: 'checkpoint_differs', message, count: residual, residual, recordIds: [] });
    },
    overdue(after: string, names: Names): void {
      if (names.count === 0) return;
      const message = `${shardId}: ${names.count} records beyond the checkpoint are not processed within the grace`;
      add({ kind: 'records_overdue', message, residual: names.count, ...copyOf(names), after });
    },
    all: () => ({ findings, lacking, unkept }),
  };
}

function copyOf({ count, recordIds }: Names): Names {
  return { count, recordIds };
}
