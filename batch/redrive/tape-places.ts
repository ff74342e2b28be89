/** What the tape has within an entry of the journal. */

import type { JournalEntry } from '../../processors/books/journal-entry.ts';
import { streamNameOf } from '../../processors/read-kinesis-event.ts';
import { createRecordIdentity, padSequence } from '../../streams/position.ts';
import type { TapePlace } from '../reconcile/judge-entry.ts';
import { type ParkedRange, TAPE_PARKED } from '../reconcile/parked-ranges.ts';
import type { DocumentsPort, TapePort } from '../reconcile/ports.ts';
import { createTapeSource } from '../reconcile/tape-source.ts';

export type TapePlaces = (entry: JournalEntry, parked: readonly ParkedRange[]) => Promise<readonly TapePlace[]>;

export function createTapePlaces(ports: { readonly tape: TapePort; readonly documents: DocumentsPort }): TapePlaces {
  return async ({ shard, after, from, to }, parked) => {
    const streamName = streamNameOf(shard.streamArn);
    const identity = createRecordIdentity(streamName);
    const listings = await ports.tape.list(streamName);
    const ofShard = listings.filter((each) => each.shardId === shard.shardId && each.createdAtMs === shard.createdAtMs);
    const givenUp = parked.filter((range) => range.status === TAPE_PARKED && range.shardId === shard.shardId);
    const places: TapePlace[] = [];
    for await (const record of createTapeSource(shard, ofShard, givenUp, ports).play([{ after, to }])) {
      const position = padSequence(record.sequenceNumber);
      if (position < from) continue;
      const ids = identity.forRecord(record.shardId, record.sequenceNumber);
      const { arrivedAtMs } = record;
      places.push({ position, fingerprint: ids.first32(0), recordId: ids.textOf(0), arrivedAtMs });
    }
    return places;
  };
}
