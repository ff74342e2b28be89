/** Plays parked records again: through the stream, with the identity of where they first stood. */

import { createClaims } from '../../processors/books/claims.ts';
import { type JournalEntry, readJournalEntry } from '../../processors/books/journal-entry.ts';
import { journalPartition, type ShardRef } from '../../processors/books/keys.ts';
import { ConditionFailed, type StateItem, type StateTablePort, textOf } from '../../processors/books/state-table.ts';
import type { StreamInfoPort } from '../../processors/books/stream-info.ts';
import { replayClaim } from '../../processors/claim-items.ts';
import type { ClaimsPort } from '../../processors/ports.ts';
import { formatPosition, padSequence, type StreamRecord } from '../../streams/position.ts';
import { encodeReplayFrame, nextPlay, readReplayFrame } from '../../streams/replay-frame.ts';
import { judgeEntry } from '../reconcile/judge-entry.ts';
import { type ParkedRange, readParkedRanges, TAPE_PARKED } from '../reconcile/parked-ranges.ts';
import type { DocumentsPort } from '../reconcile/ports.ts';
import type { TapePlaces } from './tape-places.ts';

export interface PlayedRecord {
  readonly partitionKey: string;
  readonly data: Buffer;
}

export interface RedriveParkedPorts {
  readonly table: StateTablePort;
  readonly documents: Pick<DocumentsPort, 'parkedRecords'>;
  readonly tapeOf: TapePlaces;
  readonly streams: StreamInfoPort;
  /** Puts records on the stream; resolves when all are accepted. */
  readonly put: (records: readonly PlayedRecord[]) => Promise<void>;
  readonly now: () => number;
}

export interface RedrivenDocument {
  readonly key: string;
  /** Put on the stream. */
  readonly played: number;
  /** Not put: the journal counts them, or another copy of the same frame has the claim to be counted. */
  readonly counted: number;
}

/** Bytes of a record on the stream, its partition key included: streams/latest/dev/service-sizes-and-limits.html */
const RECORD_BYTES_MAX = 1_024 * 1_024;

/**
 * Marks the document first, plays it, and marks it played. Cut off in between, it is played again the next time, and its
 * records count once all the same: a replay is claimed.
 * @param item of the state table, parked or being redriven
 * @throws Error saying why the document stays as it is
 */
export async function redriveParked(item: StateItem, ports: RedriveParkedPorts): Promise<RedrivenDocument> {
  const { table, now } = ports;
  const status = textOf(item, 'status');
  const records = await ports.documents.parkedRecords(item.sk);
  if (records === undefined) throw new Error('the document has no payload: play its records from the tape');
  const streamArn = textOf(item, 'stream_arn');
  const counted = await countedRecords(streamArn, records, item, ports);
  const left = records.filter((record) => !counted.has(record));
  const next = new Map(left.map((record) => [record, frameOf(record)]));
  await mark(table, item, status, 'redriving', now());
  const claimed = await withClaim(left, createClaims(table, { now }));
  const frames = claimed.flatMap((record) => next.get(record) ?? []);
  await ports.put(frames);
  await mark(table, item, 'redriving', 'redriven', now());
  return { key: item.sk, played: frames.length, counted: records.length - frames.length };
}

/**
 * A frame may stand on the stream twice, when the redrive before was cut off. Given up is then one copy, and the other may
 * count: the one that has the claim is the one that goes on.
 */
async function withClaim(records: readonly StreamRecord[], claims: ClaimsPort): Promise<readonly StreamRecord[]> {
  const frames = records.flatMap((record) => {
    const frame = readReplayFrame(record.data);
    if (typeof frame === 'string') return [];
    const carriedAt = formatPosition(record.shardId, record.sequenceNumber, 0);
    return [{ record, claim: replayClaim(frame, carriedAt, frame.generation) }];
  });
  const refused = await claims.claim(frames.map(({ claim }) => claim));
  const held = new Set([...refused].map((index) => frames[index]?.record));
  return records.filter((record) => !held.has(record));
}

async function mark(table: StateTablePort, key: StateItem, from: string, to: string, nowMs: number): Promise<void> {
  if (from === to) return;
  try {
    await table.update({
      kind: 'update',
      key: { pk: key.pk, sk: key.sk },
      expect: { status: from },
      set: { status: to, updated_at: nowMs },
    });
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    throw new Error(
      `its status is ${error.failed.get(0)?.attributes.status}, no longer ${from}: another redrive is at it`,
    );
  }
}

/** @throws Error for a record that does not fit its frame, or is itself a frame that cannot be read */
function frameOf(record: StreamRecord): PlayedRecord {
  const { partitionKey, shardId, sequenceNumber, arrivedAtMs, data } = record;
  const next = nextPlay({ partitionKey, shardId, sequenceNumber, arrivedAtMs, data });
  if (typeof next === 'string') throw new Error(`record ${sequenceNumber} cannot be played again: ${next}`);
  return { partitionKey, data: encodeReplayFrame(next, RECORD_BYTES_MAX) };
}

/**
 * Those of the parked records that the journal counts. Mostly there are none. But a batch whose commit took effect and
 * whose answer was lost is given up too; and of a batch, single records may be given up for their age, so that an entry
 * spans them without counting them. The tape decides.
 */
async function countedRecords(
  streamArn: string,
  records: readonly StreamRecord[],
  item: StateItem,
  ports: RedriveParkedPorts,
): Promise<ReadonlySet<StreamRecord>> {
  const createdAtMs = await ports.streams.createdAtMs(streamArn);
  const shard = { streamArn, createdAtMs, shardId: textOf(item, 'shard') };
  const counted = new Set<StreamRecord>();
  let ranges: readonly ParkedRange[] | undefined;
  for (const [entry, inside] of await entriesAround(shard, records, ports.table)) {
    ranges ??= (await readParkedRanges(ports.table)).filter((range) => range.shardId === shard.shardId);
    const places = await ports.tapeOf(entry, ranges);
    const verdict = judgeEntry(
      entry,
      places,
      ranges.filter(({ status }) => status !== TAPE_PARKED),
    );
    if (verdict.kind !== 'same') {
      throw new Error(
        `${inside.length} of its records lie in the journal entry ${entry.from}-${entry.to}, ` +
          'and the tape does not tell whether it counts them',
      );
    }
    // By place, and not by document: what one document spans may be in another.
    const leftOut = new Set(verdict.leftOut);
    const countedPlaces = new Set(places.flatMap(({ position }) => (leftOut.has(position) ? [] : [position])));
    for (const record of inside) if (countedPlaces.has(padSequence(record.sequenceNumber))) counted.add(record);
  }
  return counted;
}

/** Entries of the journal that span some of the records, with those records. */
async function entriesAround(
  shard: ShardRef,
  records: readonly StreamRecord[],
  table: StateTablePort,
): Promise<ReadonlyMap<JournalEntry, readonly StreamRecord[]>> {
  const around = new Map<JournalEntry, StreamRecord[]>();
  let entry: JournalEntry | undefined;
  for (const record of records) {
    const position = padSequence(record.sequenceNumber);
    if (entry === undefined || entry.to < position) {
      const [next] = await table.query(journalPartition(shard), { from: position, limit: 1 });
      if (next === undefined) return around;
      entry = readJournalEntry(shard, next);
    }
    if (entry.from > position) continue;
    around.set(entry, [...(around.get(entry) ?? []), record]);
  }
  return around;
}
