/** What reconciling came to. */

/** `_record_id`s that a finding names, at most; it counts them all. */
export const NAMED_MAX = 1_000;
/** Findings that are told one by one; the rest is counted. */
export const FINDINGS_MAX = 500;

export type FindingKind =
  /** The chain of a shard's journal has a gap. */
  | 'journal_entry_missing'
  /** Two entries cover one place. */
  | 'journal_entries_overlap'
  /** The checkpoint counts other entries or records than there are, or stands before the last entry. */
  | 'checkpoint_differs'
  /** On the tape, and neither in the journal nor parked. */
  | 'records_not_in_journal'
  /** In the journal, and not on the tape. */
  | 'records_not_on_tape'
  /** In an on-failure document, and not on the tape. */
  | 'parked_not_on_tape'
  /** As many on the tape as in the journal, but others; or which are parked cannot be told. */
  | 'records_differ'
  /** Two objects of the tape disagree on a record. */
  | 'tape_objects_differ'
  /** On the tape, beyond the checkpoint, for longer than the grace. */
  | 'records_overdue'
  /** An item of the ledger is not what the folded entries come to. */
  | 'ledger_differs'
  | 'rows_missing'
  | 'rows_extra'
  /** The sums of a partition are not as they should be, and which rows are wrong cannot be told. */
  | 'rows_differ'
  /** One record, several rows: no loss, and compaction removes them. */
  | 'duplicates_at_rest'
  /** Footers said another number of rows when objects landed than SQL finds now. */
  | 'landed_differs'
  | 'misdelivered'
  /** Parked, but the journal has it all the same: nothing is to be redriven. */
  | 'parked_but_counted';

export interface Finding {
  readonly kind: FindingKind;
  /** One sentence for a person. */
  readonly message: string;
  /** Records, events or rows that it is about. */
  readonly count: number;
  /** Its part of the residual; 0 for what is no loss. */
  readonly residual: number;
  /** The first `NAMED_MAX`: of an event, or of subsequence 0 of a Kinesis record. */
  readonly recordIds: readonly string[];
  readonly shardId?: string;
  /** Sequence numbers between which it lies: after this, padded, `''` at the start of the shard. */
  readonly after?: string;
  /** To this one, included. */
  readonly to?: string;
  readonly table?: string;
  readonly partition?: string;
}

/** Kinesis records of a shard. */
export interface ShardFigures {
  readonly shardId: string;
  /** Of the stream, ISO 8601: it tells it from an earlier one of the same name. */
  readonly streamCreatedAt: string;
  readonly tapeRecords: number;
  readonly journalRecords: number;
  /** On the tape, not in the journal, and in an on-failure document. */
  readonly parkedRecords: number;
  /** On the tape, beyond the checkpoint. */
  readonly inFlightRecords: number;
  readonly journalEntries: number;
}

/** Events of a dataset, and rows. */
export interface DatasetFigures {
  /** `?` for what could not be told to belong to one. */
  readonly dataset: string;
  /** By the journal. */
  readonly received: number;
  readonly delivered: number;
  readonly quarantined: number;
  readonly dropped: number;
  readonly duplicate: number;
}

export interface TableFigures {
  readonly table: string;
  /** Events that should have a row. */
  readonly expected: number;
  /** By SQL: rows, and distinct `_record_id`s. */
  readonly rows: number;
  readonly records: number;
  /** Rows by the footers of the objects as they landed; undefined where a scope tells no footers. */
  readonly landed: number | undefined;
  /** Documents below `errors/` that wait to be redriven. */
  readonly misdelivered: number;
}

export interface ReconcileReport {
  /** 0, or the books do not balance: records, events of the ledger and rows, absolute, so that nothing cancels out. */
  readonly residual: number;
  readonly residuals: { readonly records: number; readonly ledger: number; readonly rows: number };
  /** ISO 8601. */
  readonly at: string;
  readonly scope: { readonly from: string | null; readonly to: string | null; readonly runId: string | null };
  readonly shards: readonly ShardFigures[];
  readonly datasets: readonly DatasetFigures[];
  readonly tables: readonly TableFigures[];
  /** Rows beyond one a record. */
  readonly duplicatesAtRest: number;
  /**
   * Whether nothing was compared: by journal, ledger and tables there is nothing within the scope, and nothing is missing. The
   * residual is 0 then, and tells nothing.
   */
  readonly isEmpty: boolean;
  /** When the last record within the scope arrived, ISO 8601: a young one may still be on its way to tape and tables. */
  readonly lastArrivedAt: string | null;
  readonly inFlight: { readonly records: number; readonly oldestArrivedAt: string | null };
  /** Journal entries that the ledger has not folded yet. */
  readonly lag: { readonly entries: number };
  readonly findings: readonly Finding[];
  /** Findings beyond `FINDINGS_MAX`. */
  readonly findingsLeftOff: number;
}

const LEDGER_KINDS: ReadonlySet<FindingKind> = new Set(['ledger_differs', 'checkpoint_differs']);
const ROW_KINDS: ReadonlySet<FindingKind> = new Set(['rows_missing', 'rows_extra', 'rows_differ', 'landed_differs']);

export function residualsOf(findings: readonly Finding[]): ReconcileReport['residuals'] {
  const residuals = { records: 0, ledger: 0, rows: 0 };
  for (const { kind, residual } of findings) {
    residuals[LEDGER_KINDS.has(kind) ? 'ledger' : ROW_KINDS.has(kind) ? 'rows' : 'records'] += residual;
  }
  return residuals;
}
