/** Where the books of a shard are read from: its checkpoint, the stretch of its journal, and its tape. */

import { CHECKPOINTS, type ShardRef, type StreamRef, streamPartition } from '../../processors/books/keys.ts';
import { numberOf, type StateItem } from '../../processors/books/state-table.ts';
import { streamNameOf } from '../../processors/read-kinesis-event.ts';
import { formatHour } from '../../schemas/timestamp.ts';
import { type ParkedRange, readParkedRanges, TAPE_PARKED } from './parked-ranges.ts';
import type { ReconcilePorts, TapeListing } from './ports.ts';
import { type Scope, tapeHours } from './scope.ts';
import { createTapeSource, type TapeSource } from './tape-source.ts';

export interface ShardSource {
  readonly shard: ShardRef;
  readonly checkpoint: { readonly position: string; readonly entries: number; readonly records: number } | undefined;
  /** Where the checkpoint stands, padded; `''`: at the start. */
  readonly end: string;
  /** Where the journal is read from; `''`: from the start. */
  readonly firstEntry: string;
  readonly tape: TapeSource;
  /** Of the processor. */
  readonly parked: readonly ParkedRange[];
  /** Ranges that no entry of the journal covers, once they are known. */
  readonly gaps: readonly { readonly after: string; readonly to: string }[];
  /** Parked records that entries span without counting them, once they are known: sequence numbers, padded. */
  readonly leftOut: ReadonlySet<string>;
}

/**
 * Every shard of the stream that has a checkpoint or a tape, those of earlier streams of its name too.
 * Held are the names of all tape objects of the scope, some 300 bytes each.
 * @throws ReadError, StateUnavailable
 */
export async function findShards(
  stream: StreamRef,
  scope: Scope,
  { table, tape, documents, clock }: Pick<ReconcilePorts, 'table' | 'tape' | 'documents' | 'clock'>,
): Promise<readonly ShardSource[]> {
  const streamName = streamNameOf(stream.streamArn);
  const listings = await tape.list(streamName, tapeHours(scope, clock.now()));
  const parked = (await readParkedRanges(table)).filter(({ streamArn }) => streamArn === stream.streamArn);
  const sources: ShardSource[] = [];
  const createdAt = new Set([stream.createdAtMs, ...listings.map(({ createdAtMs }) => createdAtMs)]);
  for (const createdAtMs of [...createdAt].sort((a, b) => a - b)) {
    const ref = { streamArn: stream.streamArn, createdAtMs };
    const checkpoints = new Map(
      (await table.query(streamPartition(ref), CHECKPOINTS)).map((item) => [
        item.sk.slice(CHECKPOINTS.from.length),
        item,
      ]),
    );
    const byShard = Map.groupBy(
      listings.filter((listing) => listing.createdAtMs === createdAtMs),
      ({ shardId }) => shardId,
    );
    // What both consumers gave up has left nothing but documents.
    const ofDocuments = createdAtMs === stream.createdAtMs ? parked.map(({ shardId }) => shardId) : [];
    for (const shardId of [...new Set([...checkpoints.keys(), ...byShard.keys(), ...ofDocuments])].sort()) {
      const ofShard = byShard.get(shardId) ?? [];
      const ofParked = parked.filter((range) => range.shardId === shardId);
      const checkpoint = readCheckpoint(checkpoints.get(shardId));
      sources.push({
        shard: { ...ref, shardId },
        checkpoint,
        end: checkpoint?.position ?? '',
        firstEntry: firstEntryOf(ofShard, scope),
        tape: createTapeSource(
          { ...ref, shardId },
          ofShard,
          ofParked.filter(({ status }) => status === TAPE_PARKED),
          { tape, documents },
        ),
        parked: ofParked.filter(({ status }) => status !== TAPE_PARKED),
        gaps: [],
        leftOut: new Set(),
      });
    }
  }
  return sources;
}

function readCheckpoint(item: StateItem | undefined): ShardSource['checkpoint'] {
  if (item === undefined) return undefined;
  const { position } = item.attributes;
  return {
    position: typeof position === 'string' ? position : '',
    entries: numberOf(item, 'entries'),
    records: numberOf(item, 'records'),
  };
}

/** The last place on the tape before the hours of the scope: entries that reach to it begin before them. */
function firstEntryOf(listings: readonly TapeListing[], { fromMs }: Scope): string {
  if (fromMs === undefined) return '';
  return listings.reduce((last, { hour, first }) => (hour < formatHour(fromMs) && first > last ? first : last), '');
}
