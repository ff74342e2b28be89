/**
 * Names the rows that are missing in a partition, or too much: what the tape says should be there, by the pipeline's own
 * code, against what SQL finds. Partitions of many rows are narrowed down first, by sums over the first digits of the
 * identity, so that only rows of buckets that differ are held.
 */
import { isSameSum, NOTHING } from './book-sums.ts';
import type { Mismatch } from './compare-tables.ts';
import type { Sum, TableRow, TablesPort } from './ports.ts';
import { type Finding, NAMED_MAX } from './report.ts';
import type { Scope } from './scope.ts';
import type { TapeEvent } from './tape-events.ts';

/** Identities that are held of one partition. */
const HELD_MAX = 200_000;
const BUCKET_DIGITS = 3;

/** Where an event of the tape stands in the books. */
export type Standing =
  /** In an entry of the journal. */
  | 'counted'
  /** In a range that no entry covers: the ledger may have counted it. */
  | 'unknown'
  /** Beyond the checkpoint: its row may be there before it is counted. */
  | 'in flight';

/** Events that should have a row in one of the partitions, of all shards. */
export type EventsOfPlaces = (
  places: ReadonlySet<string>,
) => AsyncIterable<{ readonly event: TapeEvent; readonly standing: Standing }>;

export const placeName = ({ table, partition }: { readonly table: string; readonly partition: string }): string =>
  `${table} ${partition}`;

export interface NameRowsOptions {
  readonly mismatches: readonly Mismatch[];
  readonly scope: Scope;
  readonly eventsOf: EventsOfPlaces;
  readonly tables: TablesPort;
  /** `_record_id`s that lie below `errors/` of a table, and would be in the partition. */
  readonly misdelivered: (place: {
    readonly table: string;
    readonly partition: string;
  }) => Promise<ReadonlySet<string>>;
  /** Identities that are held of one partition. Default 200,000. */
  readonly heldMax?: number;
}

/** @throws ReadError, StateUnavailable */
export async function nameRows({ mismatches, ...rest }: NameRowsOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const unexplained: Mismatch[] = [];
  for (const mismatch of mismatches) {
    const finding = await explainedByErrors(mismatch, rest);
    if (finding) findings.push(finding);
    else unexplained.push(mismatch);
  }
  return [...findings, ...(await nameByTape({ ...rest, mismatches: unexplained }))];
}

/** What lies below `errors/` tells where it would be itself: at whatever threshold it was decided. */
async function explainedByErrors(
  { table, partition, expected, found }: Mismatch,
  { tables, scope, misdelivered, heldMax = HELD_MAX }: Omit<NameRowsOptions, 'mismatches'>,
): Promise<Finding | undefined> {
  const ids = await misdelivered({ table, partition });
  if (ids.size === 0) return undefined;
  const buckets = [...new Set([...ids].map((id) => id.slice(0, BUCKET_DIGITS)))];
  const rows = await tables.rows(table, { partition, buckets, limit: heldMax }, scope);
  const there = new Set(rows.map(({ recordId }) => recordId));
  const missing = [...ids].filter((id) => !there.has(id));
  const fingerprint = missing.reduce((sum, id) => sum + BigInt(`0x${id.slice(0, 8)}`), found.fingerprint);
  if (!isSameSum(expected, { count: found.count + missing.length, fingerprint })) return undefined;
  return explained(table, partition, missing);
}

function explained(table: string, partition: string, ids: readonly string[]): Finding {
  const [count, recordIds] = [ids.length, ids.slice(0, NAMED_MAX)];
  const message = `${table} ${partition}: ${count} records lie below errors/, and wait to be redriven`;
  return { kind: 'misdelivered', message, count, residual: 0, recordIds, table, partition };
}

async function nameByTape(options: NameRowsOptions): Promise<readonly Finding[]> {
  if (options.mismatches.length === 0) return [];
  const buckets = await differingBuckets(options);
  const wanted = await collect(options, buckets);
  const findings: Finding[] = [];
  for (const mismatch of options.mismatches) {
    const name = placeName(mismatch);
    const asked = { partition: mismatch.partition, limit: options.heldMax ?? HELD_MAX };
    const chosen = buckets.get(name);
    const rows = await options.tables.rows(
      mismatch.table,
      chosen === undefined ? asked : { ...asked, buckets: [...chosen] },
      options.scope,
    );
    const misdelivered = await options.misdelivered(mismatch);
    findings.push(...judgePlace(mismatch, wanted.get(name) ?? [], rows, misdelivered));
  }
  return findings;
}

interface Wanted {
  readonly recordId: string;
  readonly standing: Standing;
}

/** By place, the buckets to look at: those that differ, as many as hold `HELD_MAX`; none for a place that is small. */
async function differingBuckets({ mismatches, scope, eventsOf, tables, heldMax = HELD_MAX }: NameRowsOptions) {
  const large = mismatches.filter(({ expected, found }) => Math.max(expected.count, found.count) > heldMax);
  const chosen = new Map<string, ReadonlySet<string>>();
  if (large.length === 0) return chosen;
  const sums = new Map(large.map((mismatch) => [placeName(mismatch), new Map<string, Sum>()]));
  for await (const { event } of eventsOf(new Set(sums.keys()))) {
    const ofPlace = event.place && sums.get(placeName(event.place));
    if (!ofPlace) continue;
    const bucket = event.recordId.slice(0, BUCKET_DIGITS);
    const { count, fingerprint } = ofPlace.get(bucket) ?? NOTHING;
    ofPlace.set(bucket, { count: count + 1, fingerprint: fingerprint + BigInt(event.fingerprint) });
  }
  for (const mismatch of large) {
    const wanted = sums.get(placeName(mismatch)) ?? new Map<string, Sum>();
    const found = await tables.buckets(mismatch.table, mismatch.partition, scope);
    const differing = new Set<string>();
    let held = 0;
    for (const bucket of [...new Set([...wanted.keys(), ...found.keys()])].sort()) {
      const [a, b] = [wanted.get(bucket) ?? NOTHING, found.get(bucket) ?? NOTHING];
      if (isSameSum(a, b)) continue;
      held += Math.max(a.count, b.count);
      if (held > heldMax) break;
      differing.add(bucket);
    }
    chosen.set(placeName(mismatch), differing);
  }
  return chosen;
}

async function collect(
  { mismatches, eventsOf, heldMax = HELD_MAX }: NameRowsOptions,
  buckets: ReadonlyMap<string, ReadonlySet<string>>,
) {
  const wanted = new Map(mismatches.map((mismatch): [string, Wanted[]] => [placeName(mismatch), []]));
  for await (const { event, standing } of eventsOf(new Set(wanted.keys()))) {
    if (!event.place) continue;
    const name = placeName(event.place);
    const chosen = buckets.get(name);
    if (chosen && !chosen.has(event.recordId.slice(0, BUCKET_DIGITS))) continue;
    const ofPlace = wanted.get(name);
    if (ofPlace && ofPlace.length < heldMax) ofPlace.push({ recordId: event.recordId, standing });
  }
  return wanted;
}

/** What is missing and what is too much in one partition. Pure. */
export function judgePlace(
  mismatch: Mismatch,
  wanted: readonly Wanted[],
  rows: readonly TableRow[],
  misdelivered: ReadonlySet<string>,
): readonly Finding[] {
  const { table, partition, expected, found } = mismatch;
  const { missing, extra, untold } = differenceOf(expected.count - found.count, wanted, rows);
  const findings: Finding[] = [];
  const add = (kind: Finding['kind'], recordIds: readonly string[], residual: number, what: string): void => {
    const [count, message] = [recordIds.length, `${table} ${partition}: ${recordIds.length} records ${what}`];
    if (count === 0) return;
    findings.push({ kind, message, count, residual, recordIds: recordIds.slice(0, NAMED_MAX), table, partition });
  };
  const gone = missing.filter((recordId) => !misdelivered.has(recordId));
  const waiting = missing.filter((recordId) => misdelivered.has(recordId));
  add('rows_missing', gone, gone.length, 'are delivered by the books, and have no row');
  add('rows_extra', extra, extra.length, 'have a row, and are not delivered to it by the books');
  if (waiting.length > 0) findings.push(explained(table, partition, waiting));
  if (untold === 0) return findings;
  const message = `${table} ${partition}: the books have ${expected.count} records (${expected.fingerprint}), the table ${found.count} (${found.fingerprint}); ${untold} of the difference cannot be told by the tape`;
  return [
    ...findings,
    { kind: 'rows_differ', message, count: untold, residual: untold, recordIds: [], table, partition },
  ];
}

interface Difference {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  /** What of the difference these do not make up. */
  readonly untold: number;
}

/** @param difference records that the books have beyond those of the table */
function differenceOf(difference: number, wanted: readonly Wanted[], rows: readonly TableRow[]): Difference {
  const there = new Set(rows.map(({ recordId }) => recordId));
  const known = new Map<string, Standing>();
  // What is counted stands, wherever else it may be: a record that is played again comes twice.
  for (const { recordId, standing } of wanted) {
    if (known.get(recordId) !== 'counted') known.set(recordId, standing);
  }
  const pick = (standing: Standing, isThere: boolean) =>
    [...known].flatMap(([id, at]) => (at === standing && there.has(id) === isThere ? [id] : []));
  const missing = pick('counted', false);
  const extra = [...there].filter((recordId) => !known.has(recordId));
  const early = pick('in flight', true).length;
  const unknown = pick('unknown', true).length;
  const lost = pick('unknown', false);
  // Either the books have not counted what lies in no entry, or they had before the entry was lost.
  if (difference === missing.length - extra.length - early - unknown) {
    const isTold = missing.length + extra.length + early + unknown > 0;
    return { missing, extra, untold: isTold ? 0 : Math.max(1, Math.abs(difference)) };
  }
  if (difference === missing.length + lost.length - extra.length - early) {
    return { missing: [...missing, ...lost], extra, untold: 0 };
  }
  const untold = Math.abs(difference - (missing.length - extra.length - early - unknown));
  return { missing, extra, untold };
}
