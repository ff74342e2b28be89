/** Events of the tape that should have a row in some partitions: of the journal's entries that name them, and around. */

import type { JournalEntry } from '../../processors/books/journal-entry.ts';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { formatHour } from '../../schemas/timestamp.ts';
import { padSequence, type StreamRecord } from '../../streams/position.ts';
import { placeOf } from './book-sums.ts';
import { type EventsOfPlaces, placeName, type Standing } from './name-rows.ts';
import { placeBefore } from './place-before.ts';
import { readJournal } from './read-journal.ts';
import type { Scope } from './scope.ts';
import type { ShardSource } from './shard-source.ts';
import type { JudgeTape, TapeEvent } from './tape-events.ts';
import type { Stretch } from './tape-source.ts';

export interface RowEventsOptions {
  readonly shards: readonly ShardSource[];
  readonly table: StateTablePort;
  readonly judge: JudgeTape;
  readonly scope: Scope;
}

/** A stretch of the shard and what the books say of it. */
interface Relevant extends Stretch {
  readonly standing: Standing;
  /** Whether claims decided some of it. */
  readonly withClaims: boolean;
}

/** Records that are judged together. */
const RECORDS_AT_ONCE = 100;

export function createRowEvents({ shards, table, judge, scope }: RowEventsOptions): EventsOfPlaces {
  async function relevantOf(source: ShardSource, places: ReadonlySet<string>): Promise<readonly Relevant[]> {
    const relevant: Relevant[] = source.gaps.map((gap) => ({ ...gap, standing: 'unknown', withClaims: false }));
    for await (const entry of readJournal(table, source.shard, source.firstEntry)) {
      if (entry.to > source.end) break;
      if (!names(entry, places)) continue;
      const withClaims = entry.groups.some(({ outcome }) => outcome === 'duplicate');
      // What lies before its first record was left out by Lambda.
      relevant.push({ after: placeBefore(entry.from), to: entry.to, standing: 'counted', withClaims });
    }
    relevant.push({ after: source.end, to: undefined, standing: 'in flight', withClaims: false });
    return relevant.sort((a, b) => (a.after < b.after ? -1 : 1));
  }

  async function* eventsOfShard(source: ShardSource, places: ReadonlySet<string>) {
    const relevant = await relevantOf(source, places);
    let at = 0;
    let waiting: StreamRecord[] = [];
    const judged = async (): Promise<readonly { event: TapeEvent; standing: Standing }[]> => {
      const { standing = 'counted', withClaims = false } = relevant[at] ?? {};
      const events = await judge(waiting, withClaims);
      waiting = [];
      return events.filter((event) => isWanted(event, places, scope)).map((event) => ({ event, standing }));
    };
    for await (const record of source.tape.play(relevant)) {
      const position = padSequence(record.sequenceNumber);
      if (isBeyond(relevant[at], position) || waiting.length >= RECORDS_AT_ONCE) yield* await judged();
      while (isBeyond(relevant[at], position)) at += 1;
      if (!source.leftOut.has(position)) waiting.push(record);
    }
    yield* await judged();
    yield* parkedEvents(source, places);
  }

  /** What waits to be redriven may have been delivered before it was given up, and is not counted yet. */
  async function* parkedEvents({ parked, tape }: ShardSource, places: ReadonlySet<string>) {
    const waiting = parked.filter(({ status }) => status !== 'redriven');
    if (waiting.length === 0) return;
    for await (const record of tape.play(waiting.map(({ from, to }) => ({ after: placeBefore(from), to })))) {
      for (const event of await judge([record])) {
        if (isWanted(event, places, scope)) yield { event, standing: 'in flight' as const };
      }
    }
  }

  return async function* eventsOfPlaces(places) {
    for (const source of shards) yield* eventsOfShard(source, places);
  };
}

function names(entry: JournalEntry, places: ReadonlySet<string>): boolean {
  return entry.groups.some((group) => {
    const place = placeOf(group);
    return place !== undefined && places.has(placeName(place));
  });
}

function isWanted(event: TapeEvent, places: ReadonlySet<string>, { fromMs, toMs, runId }: Scope): boolean {
  if (event.place === undefined || !places.has(placeName(event.place))) return false;
  if (runId !== undefined && event.runId !== runId) return false;
  return (
    (fromMs === undefined || event.hour >= formatHour(fromMs)) && (toMs === undefined || event.hour < formatHour(toMs))
  );
}

function isBeyond(stretch: Stretch | undefined, position: string): boolean {
  return stretch?.to !== undefined && position > stretch.to;
}
