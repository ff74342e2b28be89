/** Finds events on the tape: at a place, or by looking through all of it. */
import { createRecordIdentity, padSequence, type StreamRecord } from '../../streams/position.ts';
import { placeBefore } from '../reconcile/place-before.ts';
import type { ShardSource } from '../reconcile/shard-source.ts';
import type { JudgeTape, TapeEvent } from '../reconcile/tape-events.ts';
import type { Stretch } from '../reconcile/tape-source.ts';

export type FoundEvent = TapeEvent;

export interface TapeFinderOptions {
  readonly sources: readonly ShardSource[];
  readonly judge: JudgeTape;
  readonly streamName: string;
  readonly isTimeUp: () => boolean;
}

export interface TapeFinder {
  /** @param position `<shard>:<sequence number>[:<subsequence>]` @returns events by `_record_id` */
  at(position: string): Promise<ReadonlyMap<string, FoundEvent>>;
  /**
   * Looks through the whole tape, shard by shard, until the time is up.
   * @param id `_record_id` or `_event_id`
   */
  search(id: string): Promise<{ readonly events: ReadonlyMap<string, FoundEvent>; readonly told: string }>;
}

/** Digits of `_record_id` that all events of a Kinesis record share, behind the first 8. */
const OWN_DIGITS = 8;
/** Events of one id that are held. */
const EVENTS_MAX = 100;

export function createTapeFinder({ sources, judge, streamName, isTimeUp }: TapeFinderOptions): TapeFinder {
  const identity = createRecordIdentity(streamName);

  return {
    async at(position) {
      const [shardId, sequence = '', subsequence] = position.split(':');
      const padded = padSequence(sequence);
      const stretch: Stretch = { after: placeBefore(padded), to: padded };
      const events = new Map<string, FoundEvent>();
      for (const source of sources.filter(({ shard }) => shard.shardId === shardId)) {
        for await (const record of source.tape.play([stretch])) {
          for (const event of await judge([record], true)) {
            if (subsequence !== undefined && Number(event.position.split(':')[2]) !== Number(subsequence)) continue;
            events.set(event.recordId, event);
          }
        }
      }
      return events;
    },
    async search(id) {
      const events = new Map<string, FoundEvent>();
      const isEventId = id.includes('-');
      let records = 0;
      let isOver = false;
      // A record that is played again is inside a frame: only its own code can tell its identity.
      const mayHold = ({ shardId, sequenceNumber, data }: StreamRecord): boolean =>
        isEventId ||
        data[0] === FRAME_FIRST_BYTE ||
        identity.forRecord(shardId, sequenceNumber).textOf(0).slice(OWN_DIGITS) === id.slice(OWN_DIGITS);
      for (const source of sources) {
        for await (const record of source.tape.play()) {
          isOver = isTimeUp() || events.size >= EVENTS_MAX || (!isEventId && events.size > 0);
          if (isOver) break;
          records += 1;
          if (!mayHold(record)) continue;
          for (const event of await judge([record], true)) {
            if (event.recordId === id || event.eventId === id) events.set(event.recordId, event);
          }
        }
        if (isOver) break;
      }
      const rest = isTimeUp() ? '; the time was up before the end of it' : '';
      return { events, told: `the tape of ${sources.length} shards, ${records} records${rest}` };
    },
  };
}

/** streams/replay-frame.ts */
const FRAME_FIRST_BYTE = 0xa7;
