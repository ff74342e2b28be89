/** A stream: its shards, their logs, and who is told of new records. The description is on disk beside the logs. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import type { StoredRecord } from '../ports.ts';
import type { HashKey } from './hash-key.ts';
import type { RecordCache } from './record-cache.ts';
import type { Frames } from './record-frame.ts';
import { type SequenceNumbers, sequenceNumbers } from './sequence-number.ts';
import { parentsOf, type Shard, shardIndexOf, shardRouter } from './shard.ts';
import { type ReadLimits, ShardLog } from './shard-log.ts';
import type { StreamDefinition } from './stream-definition.ts';
import { describeNew, readDescription, type StreamDescription, writeDescription } from './stream-description.ts';

const HOUR_MS = 3_600_000;

export interface StreamOptions {
  readonly folder: string;
  readonly definition: StreamDefinition;
  readonly clock: Clock;
  readonly cache: RecordCache;
  readonly segmentBytesMax: number;
  readonly warn: (line: string) => void;
}

/** A shard, and the records that it keeps. */
export interface KeptShard {
  readonly shard: Shard;
  readonly log: ShardLog;
  readonly numbers: SequenceNumbers;
  /** No record comes any more: it is closed, and what was under way to it then has arrived or failed. */
  readonly isEnded: boolean;
}

interface ChangingShard extends KeptShard {
  shard: Shard;
  isEnded: boolean;
  /** Resolves once no append is under way that had begun by now. */
  settled: Promise<void>;
}

/** Gives the shards that there are afterwards, closed ones included. */
export type Reshard = (shards: readonly Shard[], nowMs: number) => readonly Shard[];

export class Stream {
  readonly definition: StreamDefinition;
  readonly madeAtMs: number;
  readonly #options: StreamOptions;
  readonly #shards = new Map<string, ChangingShard>();
  readonly #listeners = new Set<(shardId: string) => void>();
  #expired: StreamDescription['expired'];
  #route: (hashKey: HashKey) => string;
  #isUpdating = false;

  constructor(options: StreamOptions) {
    const { definition, folder } = options;
    this.definition = definition;
    this.#options = options;
    mkdirSync(folder, { recursive: true });
    const description = openDescription(options);
    this.madeAtMs = description.madeAtMs;
    this.#expired = description.expired;
    this.#route = shardRouter(description.shards);
    for (const shard of description.shards) this.#shards.set(shard.shardId, this.#openShard(shard));
    removeExpired(folder, description.shards);
    this.trim();
  }

  get status(): 'ACTIVE' | 'UPDATING' {
    return this.#isUpdating ? 'UPDATING' : 'ACTIVE';
  }

  /** All that are open, or closed and not yet expired, in the order of their ids. */
  get shards(): readonly Shard[] {
    this.#expire();
    return [...this.#shards.values()].map((kept) => kept.shard);
  }

  get openShards(): readonly Shard[] {
    return this.shards.filter((shard) => shard.closedAtMs === undefined);
  }

  find(shardId: string): KeptShard | undefined {
    this.#expire();
    return this.#shards.get(shardId);
  }

  /** Shards that a shard was split into, or merged into with another. */
  childrenOf(shardId: string): readonly Shard[] {
    return this.shards.filter((shard) => parentsOf(shard).includes(shardId));
  }

  /** The open shard that takes records of a hash key now. */
  route(hashKey: HashKey): string {
    return this.#route(hashKey);
  }

  /**
   * Appends at once in the order of the calls. Resolves to the sequence number of each record when the records are on
   * disk and readable, and listeners have been told. @throws Error and has kept none
   */
  append(shardId: string, frames: Frames): Promise<readonly string[]> {
    const kept = this.#kept(shardId);
    const appended = this.#append(kept, frames);
    // Without the `then`, each would hold the results of all before it.
    kept.settled = Promise.allSettled([kept.settled, appended]).then(() => undefined);
    return appended;
  }

  /**
   * Resolves when records go to the new shards, the description is on disk, and the shards that were closed have ended;
   * listeners have then been told of both. @throws Error when the disk refuses; nothing is changed then
   */
  async reshard(reshard: Reshard): Promise<void> {
    if (this.#isUpdating) throw new Error(`Stream ${this.definition.name} is being resharded.`);
    const shards = reshard(this.shards, this.#options.clock.now());
    const route = shardRouter(shards);
    const made: ChangingShard[] = [];
    try {
      for (const shard of shards) if (!this.#shards.has(shard.shardId)) made.push(this.#openShard(shard));
      this.#describe(shards);
    } catch (error) {
      for (const { log } of made) void log.close();
      throw error;
    }
    this.#isUpdating = true;
    // In one turn of the event loop, as a put chooses its shards and appends to them in one.
    this.#route = route;
    for (const kept of made) this.#shards.set(kept.shard.shardId, kept);
    const closed: ChangingShard[] = [];
    for (const shard of shards) {
      const kept = this.#kept(shard.shardId);
      if (shard.closedAtMs !== undefined && !kept.isEnded) closed.push(kept);
      kept.shard = shard;
    }
    await Promise.all(closed.map((kept) => kept.settled));
    for (const kept of closed) kept.isEnded = true;
    this.#isUpdating = false;
    for (const { shard } of new Set([...closed, ...made])) this.#tell(shard.shardId);
  }

  /** The listener gets the id of a shard that got records, was made, or has ended. */
  onRecords(listener: (shardId: string) => void): () => void {
    // One and the same function may listen twice.
    const own = (shardId: string): void => listener(shardId);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  read(shardId: string, position: number, limits: ReadLimits): StoredRecord[] {
    const { log, numbers } = this.#kept(shardId);
    log.trim(this.#horizonMs());
    return log.read(position, limits).map((record) => ({
      sequenceNumber: numbers.at(record.position, record.arrivedAtMs),
      partitionKey: record.partitionKey,
      data: record.data,
      arrivedAtMs: record.arrivedAtMs,
    }));
  }

  /** Number of the newest record, trimmed or not; undefined when the shard never had one. */
  tip(shardId: string): string | undefined {
    const { log, numbers } = this.#kept(shardId);
    const { position, arrivedAtMs } = log.end;
    return position === 0 ? undefined : numbers.at(position - 1, arrivedAtMs);
  }

  /** Records and data bytes accepted since the stream was made. */
  figures(): { readonly records: number; readonly bytes: number } {
    let { records, dataBytes: bytes } = this.#expired;
    for (const { log } of this.#shards.values()) {
      records += log.end.position;
      bytes += log.end.dataBytes;
    }
    return { records, bytes };
  }

  /** Drops what the retention period is over for: records, and closed shards with them. */
  trim(): void {
    this.#expire();
    for (const { log } of this.#shards.values()) log.trim(this.#horizonMs());
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await Promise.all([...this.#shards.values()].map(({ log }) => log.close()));
  }

  async #append(kept: ChangingShard, frames: Frames): Promise<readonly string[]> {
    const { shard, log, numbers } = kept;
    if (shard.closedAtMs !== undefined) throw new Error(`Shard ${shard.shardId} is closed.`);
    const position = await log.append(frames);
    this.#tell(shard.shardId);
    return frames.ends.map((_end, index) => numbers.at(position + index, frames.arrivedAtMs));
  }

  #tell(shardId: string): void {
    for (const listener of this.#listeners) listener(shardId);
  }

  #openShard(shard: Shard): ChangingShard {
    const { cache, folder, segmentBytesMax, warn } = this.#options;
    const log = new ShardLog({
      folder: path.join(folder, shard.shardId),
      cache: cache.shard(),
      segmentBytesMax,
      warn,
    });
    const numbers = sequenceNumbers({ shardIndex: shardIndexOf(shard.shardId), madeAtMs: shard.madeAtMs });
    const isEnded = shard.closedAtMs !== undefined;
    return { shard, log, numbers, isEnded, settled: Promise.resolve() };
  }

  #kept(shardId: string): ChangingShard {
    const kept = this.#shards.get(shardId);
    if (!kept) throw new Error(`Stream ${this.definition.name} has no shard ${shardId}.`);
    return kept;
  }

  #describe(shards: readonly Shard[]): void {
    const { name } = this.definition;
    writeDescription(this.#options.folder, {
      name,
      madeAtMs: this.madeAtMs,
      shards: [...shards],
      expired: this.#expired,
    });
  }

  /** A shard whose records have all gone by their age goes too: its newest had arrived when it was closed. */
  #expire(): void {
    const horizonMs = this.#horizonMs();
    for (const [shardId, { shard, log, isEnded }] of this.#shards) {
      if (!isEnded || (shard.closedAtMs ?? horizonMs) >= horizonMs) continue;
      const { position, dataBytes } = log.end;
      const { records, dataBytes: before } = this.#expired;
      this.#expired = { records: records + position, dataBytes: before + dataBytes };
      this.#shards.delete(shardId);
      this.#drop(shardId, log);
    }
  }

  /** The description first: a folder that it does not name is removed at a later start. */
  #drop(shardId: string, log: ShardLog): void {
    const { folder, warn } = this.#options;
    void log.close();
    try {
      this.#describe([...this.#shards.values()].map(({ shard }) => shard));
      rmSync(path.join(folder, shardId), { recursive: true });
    } catch (error) {
      warn(`Stream ${this.definition.name}: ${shardId} is expired, and stays on disk: ${String(error)}.`);
    }
  }

  #horizonMs(): number {
    return this.#options.clock.now() - this.definition.retentionHours * HOUR_MS;
  }
}

function openDescription({ folder, definition, clock, warn }: StreamOptions): StreamDescription {
  const kept = readDescription(folder);
  if (!kept) {
    const made = describeNew(definition, clock.now());
    writeDescription(folder, made);
    return made;
  }
  const { length } = kept.shards.filter((shard) => shard.closedAtMs === undefined);
  if (length !== definition.shardCount)
    warn(`Stream ${definition.name} keeps its ${length} shards; the template asks for ${definition.shardCount}.`);
  return kept;
}

/** Folders of earlier shards than the newest that the description no longer names: a killed process had no time for them. */
function removeExpired(folder: string, shards: readonly Shard[]): void {
  const named = new Set(shards.map(({ shardId }) => shardId));
  const newest = shards.at(-1)?.shardId ?? '';
  for (const name of readdirSync(folder)) {
    if (name.startsWith('shardId-') && name < newest && !named.has(name))
      rmSync(path.join(folder, name), { recursive: true });
  }
}
