/** The tape of one shard, as reconciling plays it: its objects, and the records that the tape itself gave up. */

import type { ShardRef } from '../../processors/books/keys.ts';
import { streamNameOf } from '../../processors/read-kinesis-event.ts';
import { formatHour } from '../../schemas/timestamp.ts';
import { padSequence, type StreamRecord } from '../../streams/position.ts';
import { playTape, type TapeConflict, type TapeObject } from '../../streams/tape/play-tape.ts';
import { compareTapeSpans, formatTapeKey, type TapeSpan } from '../../streams/tape/tape-key.ts';
import { decodeTape, encodeTape } from '../../streams/tape/tape-object.ts';
import { covers, type ParkedRange } from './parked-ranges.ts';
import type { DocumentsPort, TapeListing, TapePort } from './ports.ts';

/** A stretch of a shard: after this sequence number, padded, to that one, included; `''` for `after`: from the start. */
export interface Stretch {
  readonly after: string;
  /** Undefined: to the end. */
  readonly to: string | undefined;
}

export interface TapeSource {
  /** Every record once, in order, of the stretches; of all when there are none given. */
  play(stretches?: readonly Stretch[], onConflict?: (conflict: TapeConflict) => void): AsyncGenerator<StreamRecord>;
  /** The objects that span a place, by key. @param position padded */
  keysAt(position: string): readonly string[];
  /** Those of them that have it: where the tape gave records up, an object may lack what its name spans. */
  holdersOf(position: string): Promise<readonly string[]>;
}

type Placed = TapeObject & Pick<TapeSpan, 'first' | 'last'>;

/** @param givenUp batches that the tape's own consumer gave up, whose documents have the records */
export function createTapeSource(
  shard: ShardRef,
  listings: readonly TapeListing[],
  givenUp: readonly ParkedRange[],
  ports: { readonly tape: TapePort; readonly documents: DocumentsPort },
): TapeSource {
  const streamName = streamNameOf(shard.streamArn);
  // A document stands in for the object that could not be kept; only its place in the order is of interest.
  const placeOf = ({ from: first, to: last }: ParkedRange): TapeSpan => {
    return { streamName, createdAtMs: shard.createdAtMs, shardId: shard.shardId, first, last, hour: formatHour(0) };
  };
  const objects: Placed[] = [
    ...listings.map(({ key, first, last }) => ({ key, first, last, read: () => ports.tape.read(key) })),
    ...givenUp
      .filter(({ hasPayload }) => hasPayload)
      .map((range) => ({
        ...placeOf(range),
        key: formatTapeKey(placeOf(range)),
        read: async () => encodeTape((await ports.documents.parkedRecords(range.key)) ?? []),
      })),
  ].sort(compareTapeSpans);

  const kept = new Set(listings.map(({ key }) => key));
  /** What was given up in the middle of a batch is lacking in the object of the rest, and is no disagreement. */
  const telling = (tell: (conflict: TapeConflict) => void) => (conflict: TapeConflict) => {
    if (conflict.kind === 'missing' && !(kept.has(conflict.given) && kept.has(conflict.other))) return;
    tell(conflict);
  };

  const keysAt = (position: string): readonly string[] =>
    listings.flatMap(({ key, first, last }) => (first <= position && position <= last ? [key] : []));

  async function has(key: string, position: string): Promise<boolean> {
    const records = decodeTape(await ports.tape.read(key), shard.shardId);
    return records.some(({ sequenceNumber }) => padSequence(sequenceNumber) === position);
  }

  return {
    keysAt,
    async holdersOf(position) {
      if (!givenUp.some((range) => covers(range, position))) return keysAt(position);
      const holders: string[] = [];
      for (const key of keysAt(position)) if (await has(key, position)) holders.push(key);
      return holders;
    },
    async *play(stretches, onConflict = () => undefined) {
      if (stretches === undefined) {
        yield* playTape(objects, { onConflict: telling(onConflict) });
        return;
      }
      const sorted = stretches.toSorted((a, b) => (a.after < b.after ? -1 : 1));
      const wanted = objects.filter(({ first, last }) =>
        sorted.some(({ after, to }) => last > after && (to === undefined || first <= to)),
      );
      let at = 0;
      for await (const record of playTape(wanted, { onConflict: telling(onConflict) })) {
        const position = padSequence(record.sequenceNumber);
        while (isPast(sorted[at], position)) at += 1;
        const stretch = sorted[at];
        if (stretch === undefined) return;
        if (position > stretch.after) yield record;
      }
    },
  };
}

function isPast(stretch: Stretch | undefined, position: string): boolean {
  return stretch?.to !== undefined && position > stretch.to;
}
