/**
 * begin and commit: one update and one transaction a batch, and every record is counted exactly once.
 *
 * The checkpoint of a shard moves by compare-and-set from the very value that `begin` returned, together with one new
 * entry of the journal. Documents are delivered before; so a crash in between can make rows twice, and never none.
 * `docs/books.md` says what each attribute is for.
 */
import { compareSequence, padSequence, type StreamRecord } from '../../streams/position.ts';
import {
  type BatchRange,
  type BatchWork,
  BooksConflict,
  type BooksPort,
  type ClockPort,
  type OpenBatch,
} from '../ports.ts';
import { COUNTS_BYTES_MAX, encodeCounts, type JournalGroup, journalPut } from './journal-entry.ts';
import { checkpointKey, type ShardRef } from './keys.ts';
import { countLatencies } from './latency.ts';
import {
  ConditionFailed,
  numberOf,
  type StateItem,
  type StateTablePort,
  StateUnavailable,
  type StateValue,
  type StateWrite,
} from './state-table.ts';
import type { StreamInfoPort } from './stream-info.ts';

export interface BooksOptions {
  readonly table: StateTablePort;
  readonly streams: StreamInfoPort;
  readonly clock: ClockPort;
  /** The deployed setting, 0 to 1; a batch keeps the one that its first attempt found. */
  readonly qualityThreshold: number;
  /** Of the code and settings that decide outcomes: what another version had accepted is delivered again. */
  readonly version: string;
}

/** Ends that are remembered of attempts at a shard's next records, before all but the last are let go. */
const ENDS_MAX = 64;

/** Times that a write is tried from a checkpoint that other attempts keep changing. */
const WRITES_TRIED_MAX = 8;

const ALONE = 'alone_';
const ACCEPTED = 'accepted_';

export function createBooks(options: BooksOptions): BooksPort {
  const { table, streams, version } = options;
  return {
    async begin(range) {
      const shard: ShardRef = {
        streamArn: range.streamArn,
        createdAtMs: await streams.createdAtMs(range.streamArn),
        shardId: range.shardId,
      };
      const key = checkpointKey(shard);
      const begun = await table.update({
        kind: 'update',
        key,
        setOnce: { quality_threshold: options.qualityThreshold },
        add: {
          revision: 1,
          attempts: 1,
          // Every end that was tried: terms are kept until the records of every attempt are done.
          ends: new Set([padSequence(range.to)]),
          ...(range.records === 1 && { [ALONE + padSequence(range.to)]: 1 }),
        },
      });
      const checkpoint = readCheckpoint(begun, version);
      await letGoOfEnds(table, checkpoint);
      return openBatch(options, shard, range, checkpoint);
    },
  };
}

/** The checkpoint item as `begin` left it. */
interface Checkpoint {
  readonly item: StateItem;
  /** Padded; undefined at the start of the shard. */
  readonly position: string | undefined;
  readonly lastEnd: string;
  readonly qualityThreshold: number;
  readonly accepted: ReadonlyMap<string, string>;
}

function readCheckpoint(item: StateItem, version: string): Checkpoint {
  const { attributes } = item;
  const { position } = attributes;
  const accepted = new Map<string, string>();
  for (const [name, value] of Object.entries(attributes)) {
    if (attributes.version === version && name.startsWith(ACCEPTED) && typeof value === 'string') {
      accepted.set(name.slice(ACCEPTED.length), value);
    }
  }
  return {
    item,
    position: typeof position === 'string' ? position : undefined,
    lastEnd: lastOf(attributes.ends),
    qualityThreshold: numberOf(item, 'quality_threshold'),
    accepted,
  };
}

function openBatch(options: BooksOptions, shard: ShardRef, range: BatchRange, begun: Checkpoint): OpenBatch {
  const { table, version } = options;
  const { position } = begun;
  const alone = numberOf(begun.item, ALONE + padSequence(range.to));

  /**
   * Writes from the checkpoint as it is now, which another attempt may have changed since this one began; its position
   * must be the one that `begin` returned.
   */
  async function write(of: (checkpoint: Checkpoint) => readonly StateWrite[]): Promise<void> {
    let checkpoint = begun;
    for (let tries = 1; ; tries++) {
      try {
        return await table.transact(of(checkpoint));
      } catch (error) {
        const now = error instanceof ConditionFailed ? error.failed.get(0) : undefined;
        if (now === undefined || now.attributes.position !== position || tries >= WRITES_TRIED_MAX) throw error;
        checkpoint = readCheckpoint(now, version);
      }
    }
  }

  return {
    qualityThreshold: begun.qualityThreshold,
    doneUpTo: position ?? '',
    attemptsAlone: alone,
    acceptedUpTo: begun.accepted,
    async commit(work) {
      const nowMs = options.clock.now();
      const { done, counts } = fitting(work, nowMs);
      const [first, last] = [work.records[0], work.records[done - 1]];
      if (first === undefined || last === undefined) throw new Error('commit: received no record that is done');
      const to = padSequence(last.sequenceNumber);
      const entry = {
        shard,
        after: position ?? '',
        from: padSequence(first.sequenceNumber),
        to,
        requestId: range.requestId,
        attempts: numberOf(begun.item, 'attempts'),
        version,
        committedAtMs: nowMs,
        records: done,
        fingerprint: work.tally.fingerprintUpTo(done),
        arrivedFromMs: first.arrivedAtMs,
        arrivedToMs: last.arrivedAtMs,
      };
      try {
        await write((checkpoint) => {
          const { set, remove } = moved(checkpoint, to, work, options);
          const add = { revision: 1, entries: 1, records: done };
          const update = { ...expecting(checkpoint), set: { ...set, position: to }, remove, add };
          return [update, journalPut(entry, counts)];
        });
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
        const now = error.failed.get(0)?.attributes.position;
        if (typeof now === 'string' && now >= to) return done;
        throw new BooksConflict(`${shard.shardId}: the checkpoint was at ${position ?? 'the start'}, is at ${now}`);
      }
      return done;
    },
    async release(work) {
      const upTo = position ?? '';
      const isAllDone = begun.lastEnd <= upTo;
      // Nothing that the next attempt could use: the write is saved.
      if (!isAllDone && alone === 0 && acceptedBeyond(upTo, begun.accepted, work).size === 0) return;
      try {
        await write((checkpoint) => {
          const { set, remove } = moved(checkpoint, upTo, work, options);
          return [{ ...expecting(checkpoint), set, remove, add: { revision: 1 } }];
        });
      } catch (error) {
        // What it keeps only saves work; the next attempt does without.
        if (!(error instanceof ConditionFailed || error instanceof StateUnavailable)) throw error;
      }
    },
  };
}

/** An update of the checkpoint, if nobody has written to it since: its position is where `begin` found it. */
function expecting({ item, position }: Checkpoint) {
  const { revision } = item.attributes;
  return { kind: 'update', key: { pk: item.pk, sk: item.sk }, expect: { position, revision } } as const;
}

/** How the checkpoint item becomes what it is to be when `upTo` is done: what no later attempt needs goes. */
function moved(checkpoint: Checkpoint, upTo: string, work: BatchWork | undefined, { clock, version }: BooksOptions) {
  const accepted = acceptedBeyond(upTo, checkpoint.accepted, work);
  const isAllDone = checkpoint.lastEnd <= upTo;
  const set: Record<string, StateValue> = { updated_at: clock.now() };
  if (accepted.size > 0) set.version = version;
  for (const [name, end] of accepted) set[ACCEPTED + name] = end;
  if (!isAllDone) set.ends = new Set([checkpoint.lastEnd]);
  const kept = (name: string): boolean => name in set || (name === 'quality_threshold' && !isAllDone);
  const passing = ['attempts', 'ends', 'version', 'quality_threshold'];
  const isPassing = (name: string) => passing.includes(name) || name.startsWith(ALONE) || name.startsWith(ACCEPTED);
  const remove = Object.keys(checkpoint.item.attributes).filter((name) => isPassing(name) && !kept(name));
  return { set, remove };
}

/** Ends beyond `upTo` to which each table's documents are accepted, by this attempt or one before. */
function acceptedBeyond(
  upTo: string,
  before: ReadonlyMap<string, string>,
  work: BatchWork | undefined,
): ReadonlyMap<string, string> {
  const ends = new Map([...before].filter(([, end]) => end > upTo));
  for (const [name, count] of work?.acceptedByTable ?? []) {
    const last = work?.records[count - 1];
    const end = last === undefined ? '' : padSequence(last.sequenceNumber);
    if (end > upTo && end > (ends.get(name) ?? '')) ends.set(name, end);
  }
  return ends;
}

/** As much of the work as one entry holds. */
function fitting(
  { tally, done, records }: BatchWork,
  nowMs: number,
): { readonly done: number; readonly counts: Uint8Array } {
  for (let count = done; ; count = Math.ceil(count / 2)) {
    const groups = tally.groupsUpTo(count);
    const latencies = countLatencies(records.slice(0, count), nowMs);
    const counts = encodeCounts({ groups, latencies });
    if (counts.length <= COUNTS_BYTES_MAX) return { done: count, counts };
    // One record: at most 10,000 events, which fit when no made-up run ids are kept.
    if (count <= 1) return { done: count, counts: encodeCounts({ groups: withoutRuns(groups), latencies }) };
  }
}

function withoutRuns(groups: readonly JournalGroup[]): readonly JournalGroup[] {
  return groups.map((group) => ({ ...group, runId: '' }));
}

async function letGoOfEnds(table: StateTablePort, { item, lastEnd, ...rest }: Checkpoint): Promise<void> {
  const { ends } = item.attributes;
  if (!(ends instanceof Set) || ends.size <= ENDS_MAX) return;
  try {
    await table.update({
      ...expecting({ item, lastEnd, ...rest }),
      set: { ends: new Set([lastEnd]) },
      add: { revision: 1 },
    });
  } catch (error) {
    // Another attempt has begun: it will see to it.
    if (!(error instanceof ConditionFailed)) throw error;
  }
}

function lastOf(ends: StateValue | undefined): string {
  let last = '';
  if (ends instanceof Set) for (const end of ends) if (end > last) last = end;
  return last;
}

/** Leading records that lie at or before a position. */
export function countUpTo(records: readonly StreamRecord[], position: string): number {
  if (position === '') return 0;
  const beyond = records.findIndex(({ sequenceNumber }) => compareSequence(sequenceNumber, position) > 0);
  return beyond < 0 ? records.length : beyond;
}
