/** The simulated stream: shards by hash range that split and merge, and records numbered as Kinesis numbers them. */
import { createRecordIdentity, formatPosition } from '../../streams/position.ts';
import { hashKeyOf } from '../../streams/producer/hash-lanes.ts';
import type { PutRecordsEntry, PutRecordsResult, ShardRange } from '../../streams/producer/put-records-port.ts';
import type { PlannedEvent } from './planned-events.ts';
import type { Random } from './random.ts';

export const STREAM_NAME = 'data-pipeline-stream';
export const STREAM_ARN = `arn:aws:kinesis:us-east-1:123456789012:stream/${STREAM_NAME}`;

/** An event where it came to lie: put twice, it is two. */
export interface StreamEvent {
  readonly planned: PlannedEvent;
  /** `_record_id`. */
  readonly recordId: string;
  /** Its first 8 hex digits as a number. */
  readonly fingerprint: number;
  /** `_position`. */
  readonly position: string;
  readonly record: StreamedRecord;
}

export interface StreamedRecord {
  /** Place among all records of the stream, by arrival. */
  readonly index: number;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: Buffer;
  readonly arrivedAtMs: number;
  /** Of its own place, as the books sum it by record. */
  readonly fingerprint: number;
  /** With the identity of the place where they first stood. */
  readonly events: readonly StreamEvent[];
  /** The record that it plays again, in a frame. */
  readonly replay: Replay | undefined;
}

export interface Replay {
  readonly first: StreamedRecord;
  readonly generation: number;
}

export interface SimulatedShard {
  readonly shardId: string;
  readonly parents: readonly SimulatedShard[];
  readonly first: bigint;
  readonly last: bigint;
  readonly records: StreamedRecord[];
  isOpen: boolean;
}

export interface SimulatedStream {
  readonly shards: readonly SimulatedShard[];
  readonly records: readonly StreamedRecord[];
  openShards(): readonly ShardRange[];
  /** @param isRejected asked for each entry, in the order in which they are taken */
  put(
    entries: readonly PutRecordsEntry[],
    contentOf: (data: Buffer) => readonly PlannedEvent[] | Replay,
    isRejected: () => boolean,
  ): readonly PutRecordsResult[];
  /** @returns the shards that are new; none where the kind is not possible now */
  reshard(kind: 'split' | 'merge'): readonly SimulatedShard[];
  /** Called with a shard that has got records, or has been closed. */
  onChange(listener: (shard: SimulatedShard) => void): void;
}

/** Arrival is approximate, and need not increase: kinesis/latest/APIReference/API_Record.html */
const EARLY_SHARE = 0.2;
const EARLY_MS_MAX = 4_000;
const HASH_KEYS = 1n << 128n;
/** With 16 digits after it, 56: as many as real ones have. */
const SEQUENCE_PREFIX = '4959033827149025660855969253836157109592';
const SEQUENCE_GAP_MAX = 1_000_000;

export function createStream(shardCount: number, random: Random, now: () => number): SimulatedStream {
  const identity = createRecordIdentity(STREAM_NAME);
  const shards: SimulatedShard[] = [];
  const records: StreamedRecord[] = [];
  const listeners: ((shard: SimulatedShard) => void)[] = [];
  let sequence = 0;

  function add(first: bigint, last: bigint, parents: readonly SimulatedShard[]): SimulatedShard {
    const shardId = `shardId-${String(shards.length).padStart(12, '0')}`;
    const shard = { shardId, parents, first, last, records: [], isOpen: true };
    shards.push(shard);
    return shard;
  }

  const open = () => shards.filter(({ isOpen }) => isOpen);
  const changed = (shard: SimulatedShard) => {
    for (const listener of listeners) listener(shard);
  };

  function take(entry: PutRecordsEntry, content: readonly PlannedEvent[] | Replay): SimulatedShard {
    const hashKey = BigInt(entry.explicitHashKey ?? `0x${hashKeyOf(entry.partitionKey)}`);
    const shard = open().find(({ first, last }) => first <= hashKey && hashKey <= last);
    if (shard === undefined) throw new Error(`no shard takes the hash key ${hashKey}`);
    const { shardId } = shard;
    sequence += random.int(1, SEQUENCE_GAP_MAX);
    const sequenceNumber = SEQUENCE_PREFIX + String(sequence).padStart(16, '0');
    const ids = identity.forRecord(shardId, sequenceNumber);
    const replay = 'first' in content ? content : undefined;
    const events: StreamEvent[] = [];
    const record: StreamedRecord = {
      index: records.length,
      shardId,
      sequenceNumber,
      partitionKey: entry.partitionKey,
      data: Buffer.from(entry.data),
      arrivedAtMs: now() - (random.chance(EARLY_SHARE) ? random.int(0, EARLY_MS_MAX) : 0),
      fingerprint: ids.first32(0),
      events,
      replay,
    };
    for (const event of replay?.first.events ?? []) events.push({ ...event, record });
    for (const [at, event] of ('first' in content ? [] : content).entries()) {
      const position = formatPosition(shardId, sequenceNumber, at);
      events.push({ planned: event, recordId: ids.textOf(at), fingerprint: ids.first32(at), position, record });
    }
    shard.records.push(record);
    records.push(record);
    return shard;
  }

  for (let i = 0n; i < shardCount; i++) {
    const count = BigInt(shardCount);
    add((HASH_KEYS * i) / count, (HASH_KEYS * (i + 1n)) / count - 1n, []);
  }

  return {
    shards,
    records,
    openShards: () =>
      open().map(({ shardId, first, last }) => ({
        shardId,
        startingHashKey: String(first),
        endingHashKey: String(last),
      })),
    put(entries, contentOf, isRejected) {
      const changes = new Set<SimulatedShard>();
      const results = entries.map((entry): PutRecordsResult => {
        if (isRejected()) {
          const errorCode = 'ProvisionedThroughputExceededException';
          return { errorCode, errorMessage: 'Slow down.', shardId: undefined };
        }
        const shard = take(entry, contentOf(entry.data));
        changes.add(shard);
        return { errorCode: undefined, errorMessage: undefined, shardId: shard.shardId };
      });
      for (const shard of changes) changed(shard);
      return results;
    },
    reshard(kind) {
      const ordered = open().sort((a, b) => (a.first < b.first ? -1 : 1));
      const at = random.int(0, ordered.length - 1);
      const [shard, neighbour] = [ordered[at], ordered[at + 1]];
      const closing = kind === 'split' ? [shard] : [shard, neighbour];
      const parents = closing.filter((each) => each !== undefined);
      const [left, right] = [parents[0], parents.at(-1)];
      if (left === undefined || right === undefined || parents.length < closing.length) return [];
      for (const parent of parents) parent.isOpen = false;
      const middle = left.first + (left.last - left.first) / 2n;
      const made =
        kind === 'merge'
          ? [add(left.first, right.last, parents)]
          : [add(left.first, middle, parents), add(middle + 1n, left.last, parents)];
      for (const parent of parents) changed(parent);
      return made;
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
