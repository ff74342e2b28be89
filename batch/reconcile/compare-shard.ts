/**
 * Compares the tape of a shard with its journal, place by place. Pure over two streams in the order of the shard: neither
 * is held, but for the records of one entry.
 *
 * Every record of the tape lies in an entry of the journal, in a batch that was parked, or beyond the checkpoint; every
 * record that an entry counts is on the tape; and entries are a chain that ends at the checkpoint.
 */
import type { JournalEntry } from '../../processors/books/journal-entry.ts';
import type { ShardRef } from '../../processors/books/keys.ts';
import { padSequence, type RecordIdentity, type StreamRecord } from '../../streams/position.ts';
import { judgeEntry, type TapePlace } from './judge-entry.ts';
import { covers, type ParkedRange } from './parked-ranges.ts';
import { placeBefore } from './place-before.ts';
import type { Finding, ShardFigures } from './report.ts';
import { isWhole, overlapsEntry, type Scope } from './scope.ts';
import { createNames, createShardFindings, type LackingRange, type UnkeptRange } from './shard-findings.ts';

export interface ShardBooks {
  readonly shard: ShardRef;
  readonly scope: Scope;
  /** Entries up to the checkpoint and maybe beyond it, in order. */
  readonly entries: AsyncIterable<JournalEntry>;
  /** Whether the entries are read from the start of the shard, so that the first follows nothing. */
  readonly isFromStart: boolean;
  readonly tape: AsyncIterable<StreamRecord>;
  readonly identity: RecordIdentity;
  /** As it was read before the entries were; undefined where no batch has begun yet. */
  readonly checkpoint: { readonly position: string; readonly entries: number; readonly records: number } | undefined;
  /** Of the processor, on this shard. */
  readonly parked: readonly ParkedRange[];
  /** What arrived before and is not processed is overdue; epoch milliseconds. Default: nothing is. */
  readonly overdueBeforeMs?: number;
  /** Told of every entry up to the checkpoint. */
  readonly onEntry: (entry: JournalEntry) => void;
}

export interface ShardComparison {
  readonly figures: ShardFigures;
  readonly findings: readonly Finding[];
  /** `records_not_on_tape`, whose records are still to be named by the tables' rows. */
  readonly lacking: readonly LackingRange[];
  /** `parked_not_on_tape`, whose records are still to be named by their documents. */
  readonly unkept: readonly UnkeptRange[];
  /** Ranges that no entry covers. */
  readonly gaps: readonly { readonly after: string; readonly to: string }[];
  /** Sequence numbers, padded, of parked records that entries span without counting them. */
  readonly leftOut: ReadonlySet<string>;
  readonly oldestInFlightMs: number | undefined;
  /** Arrival of the last record within the hours of the scope, processed or not; epoch milliseconds. */
  readonly lastArrivedMs: number | undefined;
}

export async function compareShard(books: ShardBooks): Promise<ShardComparison> {
  const { shard, scope, checkpoint, parked, identity } = books;
  const end = checkpoint?.position ?? '';
  // Every place of a parked batch that the tape has; of a document without records, the number is Lambda's word only.
  const kept = new Map(parked.flatMap((range) => (range.hasPayload ? [[range, new Set<string>()] as const] : [])));
  const tape = createTapeCursor(books.tape, identity, (place) => {
    for (const [range, places] of kept) if (covers(range, place)) places.add(place);
  });
  const sums = { tapeRecords: 0, journalRecords: 0, parkedRecords: 0, inFlightRecords: 0, journalEntries: 0 };
  const counted = { entries: 0, records: 0 };
  const findings = createShardFindings(shard.shardId);
  const gaps: { after: string; to: string }[] = [];
  const leftOut = new Set<string>();
  let position = '';
  let isFirst = true;
  let lastArrivedMs: number | undefined;

  function noteArrival(atMs: number): void {
    const isWithin = scope.toMs === undefined || atMs < scope.toMs;
    if (isWithin && atMs >= (scope.fromMs ?? 0)) lastArrivedMs = Math.max(lastArrivedMs ?? atMs, atMs);
  }

  /** Records that no entry covers: parked, or lost. */
  async function takeGap(to: string, isMissingEntry: boolean): Promise<void> {
    const lost = createNames();
    for await (const place of tape.upTo(to)) {
      sums.tapeRecords += 1;
      if (parked.some((range) => covers(range, place.position))) sums.parkedRecords += 1;
      else lost.add(place.recordId);
    }
    if (isMissingEntry) {
      gaps.push({ after: position, to });
      findings.missingEntry(position, to, lost);
    } else if (lost.count > 0) findings.notInJournal(position, to, lost);
  }

  async function takeEntry(entry: JournalEntry): Promise<void> {
    // What lies between the entry before and this one's first record was left out by Lambda.
    await takeGap(placeBefore(entry.from), false);
    const places = await Array.fromAsync(tape.upTo(entry.to));
    const verdict = judgeEntry(entry, places, parked);
    sums.tapeRecords += places.length;
    sums.parkedRecords += verdict.leftOut.length;
    for (const place of verdict.leftOut) leftOut.add(place);
    sums.journalRecords += entry.records;
    sums.journalEntries += 1;
    noteArrival(entry.arrivedFromMs);
    noteArrival(entry.arrivedToMs);
    findings.ofEntry(entry, places, verdict);
  }

  for await (const entry of books.entries) {
    if (entry.to > end) {
      if (entry.after < end) findings.checkpointBehind(end, entry.to);
      break;
    }
    if (isFirst && !books.isFromStart) position = entry.after;
    isFirst = false;
    const isInScope = overlapsEntry(scope, entry);
    if (entry.after < position) findings.overlap(entry.after, position);
    if (entry.after > position) await takeGap(entry.after, true);
    if (isInScope) await takeEntry(entry);
    else await tape.skipTo(entry.to);
    position = entry.to;
    counted.entries += 1;
    counted.records += entry.records;
    books.onEntry(entry);
  }
  if (position < end) await takeGap(end, true);
  if (checkpoint && books.isFromStart) findings.checkpointCounts(checkpoint, counted);

  let oldestInFlightMs: number | undefined;
  const overdue = createNames();
  for await (const place of tape.upTo(undefined)) {
    sums.tapeRecords += 1;
    if (parked.some((range) => covers(range, place.position))) {
      sums.parkedRecords += 1;
      continue;
    }
    sums.inFlightRecords += 1;
    noteArrival(place.arrivedAtMs);
    oldestInFlightMs = Math.min(oldestInFlightMs ?? place.arrivedAtMs, place.arrivedAtMs);
    if (books.overdueBeforeMs !== undefined && place.arrivedAtMs < books.overdueBeforeMs) overdue.add(place.recordId);
  }
  findings.overdue(end, overdue);
  // In a part of the shard, a batch may have been read in part.
  if (books.isFromStart && isWhole(scope)) for (const [range, places] of kept) findings.parkedNotOnTape(range, places);
  const streamCreatedAt = new Date(shard.createdAtMs).toISOString();
  const figures = { shardId: shard.shardId, streamCreatedAt, ...sums };
  return { figures, ...findings.all(), gaps, leftOut, oldestInFlightMs, lastArrivedMs };
}

interface TapeCursor {
  /** Records up to a place, included, each once; undefined: all that are left. */
  upTo(position: string | undefined): AsyncGenerator<TapePlace>;
  skipTo(position: string): Promise<void>;
}

/** @param onPlace told of every record, also of those that are skipped */
function createTapeCursor(
  tape: AsyncIterable<StreamRecord>,
  identity: RecordIdentity,
  onPlace: (position: string) => void,
): TapeCursor {
  const iterator = tape[Symbol.asyncIterator]();
  let next: IteratorResult<StreamRecord> | undefined;

  async function* upTo(position: string | undefined): AsyncGenerator<TapePlace> {
    for (;;) {
      next ??= await iterator.next();
      if (next.done) return;
      const { shardId, sequenceNumber, arrivedAtMs } = next.value;
      const padded = padSequence(sequenceNumber);
      if (position !== undefined && padded > position) return;
      next = undefined;
      onPlace(padded);
      const ids = identity.forRecord(shardId, sequenceNumber);
      yield { position: padded, fingerprint: ids.first32(0), recordId: ids.textOf(0), arrivedAtMs };
    }
  }

  return {
    upTo,
    async skipTo(position) {
      for await (const _ of upTo(position));
    },
  };
}
