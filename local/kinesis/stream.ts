/** A stream: its shards, their logs, and who is told of new records. The description is on disk beside the logs. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { StoredRecord } from '../ports.ts';
import type { RecordCache } from './record-cache.ts';
import type { Frames } from './record-frame.ts';
import { type SequenceNumbers, sequenceNumbers } from './sequence-number.ts';
import { initialShards, Shard, shardIndexOf, shardRouter } from './shard.ts';
import { type ReadLimits, ShardLog } from './shard-log.ts';
import type { StreamDefinition } from './stream-definition.ts';

const HOUR_MS = 3_600_000;

const StreamDescription = z.object({ name: z.string(), madeAtMs: z.number(), shards: z.array(Shard).min(1) });

export interface StreamOptions {
  readonly folder: string;
  readonly definition: StreamDefinition;
  readonly clock: Clock;
  readonly cache: RecordCache;
  readonly segmentBytesMax: number;
  readonly warn: (line: string) => void;
}

export interface OpenShard {
  readonly shard: Shard;
  readonly log: ShardLog;
  readonly numbers: SequenceNumbers;
}

export class Stream {
  readonly definition: StreamDefinition;
  readonly madeAtMs: number;
  /** Finds the shard that takes records of a hash key. */
  readonly route: (hashKey: string) => string;
  readonly #clock: Clock;
  readonly #shards = new Map<string, OpenShard>();
  readonly #listeners = new Set<(shardId: string) => void>();

  constructor(options: StreamOptions) {
    this.definition = options.definition;
    this.#clock = options.clock;
    mkdirSync(options.folder, { recursive: true });
    const description = readDescription(options) ?? makeDescription(options);
    this.madeAtMs = description.madeAtMs;
    this.route = shardRouter(description.shards);
    for (const shard of description.shards) {
      const log = new ShardLog({
        folder: path.join(options.folder, shard.shardId),
        cache: options.cache.shard(),
        segmentBytesMax: options.segmentBytesMax,
        warn: options.warn,
      });
      const numbers = sequenceNumbers({ shardIndex: shardIndexOf(shard.shardId), madeAtMs: shard.madeAtMs });
      this.#shards.set(shard.shardId, { shard, log, numbers });
    }
    this.trim();
  }

  /** In the order of their ids. */
  get shards(): readonly Shard[] {
    return [...this.#shards.values()].map((open) => open.shard);
  }

  find(shardId: string): OpenShard | undefined {
    return this.#shards.get(shardId);
  }

  /**
   * Appends at once in the order of the calls. Resolves to the sequence number of each record when the records are on
   * disk and readable, and listeners have been told. @throws Error and has kept none
   */
  async append(shardId: string, frames: Frames): Promise<readonly string[]> {
    const { log, numbers } = this.#open(shardId);
    const position = await log.append(frames);
    for (const listener of this.#listeners) listener(shardId);
    return frames.ends.map((_end, index) => numbers.at(position + index, frames.arrivedAtMs));
  }

  onRecords(listener: (shardId: string) => void): () => void {
    // One and the same function may listen twice.
    const own = (shardId: string): void => listener(shardId);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  read(shardId: string, position: number, limits: ReadLimits): StoredRecord[] {
    const { log, numbers } = this.#open(shardId);
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
    const { log, numbers } = this.#open(shardId);
    const { position, arrivedAtMs } = log.end;
    return position === 0 ? undefined : numbers.at(position - 1, arrivedAtMs);
  }

  /** Records and data bytes accepted since the stream was made. */
  figures(): { readonly records: number; readonly bytes: number } {
    let records = 0;
    let bytes = 0;
    for (const { log } of this.#shards.values()) {
      records += log.end.position;
      bytes += log.end.dataBytes;
    }
    return { records, bytes };
  }

  /** Drops what the retention period is over for. */
  trim(): void {
    for (const { log } of this.#shards.values()) log.trim(this.#horizonMs());
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await Promise.all([...this.#shards.values()].map(({ log }) => log.close()));
  }

  #open(shardId: string): OpenShard {
    const open = this.#shards.get(shardId);
    if (!open) throw new Error(`Stream ${this.definition.name} has no shard ${shardId}.`);
    return open;
  }

  #horizonMs(): number {
    return this.#clock.now() - this.definition.retentionHours * HOUR_MS;
  }
}

const descriptionFile = (folder: string): string => path.join(folder, 'stream.json');

function readDescription({ folder, definition, warn }: StreamOptions) {
  const file = descriptionFile(folder);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const description = StreamDescription.parse(JSON.parse(text));
  const { length } = description.shards;
  if (length !== definition.shardCount)
    warn(`Stream ${definition.name} keeps its ${length} shards; the template now asks for ${definition.shardCount}.`);
  return description;
}

function makeDescription({ folder, definition, clock }: StreamOptions) {
  const madeAtMs = clock.now();
  const description = { name: definition.name, madeAtMs, shards: initialShards(definition.shardCount, madeAtMs) };
  const draft = `${descriptionFile(folder)}.new`;
  writeFileSync(draft, JSON.stringify(description, undefined, 2));
  renameSync(draft, descriptionFile(folder));
  return description;
}
