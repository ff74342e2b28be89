/**
 * Runs the event source mapping of a Kinesis stream: one state machine a shard, driven by the stream, the clock and the
 * function's outcomes. A shard is read once its parents are drained, so that the order by partition key holds over a
 * reshard. Checkpoints are kept on disk, so that a restart goes on where the last run stopped; a batch that was in flight
 * then is invoked again (at least once, as on AWS).
 */
import type { Timer } from '../clock.ts';
import type { StreamShard } from '../ports.ts';
import type { KinesisMappingOptions } from './kinesis-mapping-options.ts';
import type { Mapping, ShardLag } from './mapping.ts';
import { readableShards } from './shard-lineage.ts';
import { ShardRunner } from './shard-runner.ts';
import type { StartingPosition } from './shard-state.ts';

export interface KinesisMapping extends Mapping {
  /** Of each shard that is not drained, those that wait for their parents included. */
  lag(): readonly ShardLag[];
}

/** How often shards that have expired are noticed, when nothing else makes the mapping look. */
const LISTING_INTERVAL_MS = 3_600_000;

export function createKinesisMapping(options: KinesisMappingOptions): KinesisMapping {
  return new ShardRunners(options);
}

class ShardRunners implements KinesisMapping {
  readonly #options: KinesisMappingOptions;
  readonly #streamArn: string;
  /** Listed lately, and those that have expired since and are still in work. */
  #shards: ReadonlyMap<string, StreamShard> = new Map();
  /** Children are listed whose parents have not ended: records may still come to these. */
  #isResharding = false;
  readonly #runners = new Map<string, ShardRunner>();
  readonly #drained = new Set<string>();
  #unsubscribe: () => void = () => undefined;
  #listing: Timer | undefined;
  #isStopped = false;
  #lastResult = 'No records processed';

  constructor(options: KinesisMappingOptions) {
    this.#options = options;
    this.#streamArn = options.definition.eventSourceArn;
  }

  start(): void {
    const { checkpoints, definition, streams } = this.#options;
    if (definition.startingPosition === 'LATEST' && checkpoints.isEmpty) {
      const tips = streams.shards(this.#streamArn).map(({ shardId }) => [shardId, this.#tip(shardId) ?? null] as const);
      checkpoints.setAll(tips);
    }
    this.#listRegularly();
    this.#unsubscribe = streams.onRecords(this.#streamArn, (shardId) => {
      if (!this.#shards.has(shardId) || this.#isResharding) this.#list();
      this.#runners.get(shardId)?.wake();
    });
  }

  idle(): boolean {
    return [...this.#runners.values()].every((runner) => runner.idle());
  }

  lag(): readonly ShardLag[] {
    const unfinished = [...this.#shards.keys()].filter((shardId) => !this.#drained.has(shardId));
    return unfinished.map((shardId) => this.#runners.get(shardId)?.lag() ?? this.#lagOfWaiting(shardId));
  }

  lastResult(): string {
    return this.#lastResult;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unsubscribe();
    this.#listing?.cancel();
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()));
  }

  #listRegularly(): void {
    this.#list();
    this.#listing = this.#options.clock.after(LISTING_INTERVAL_MS, () => this.#listRegularly(), 'upkeep');
  }

  #list(): void {
    const listed = new Map(this.#options.streams.shards(this.#streamArn).map((shard) => [shard.shardId, shard]));
    // What was read of an expired shard is still tried again, and its children wait for it.
    const expired = [...this.#shards.values()].filter(
      ({ shardId }) => this.#runners.has(shardId) && !listed.has(shardId),
    );
    const ended = expired.map((shard) => [shard.shardId, { ...shard, isEnded: true }] as const);
    this.#shards = new Map([...ended, ...listed]);
    this.#isResharding = [...listed.values()].some(({ parents }) =>
      parents.some((parent) => this.#shards.get(parent)?.isEnded === false),
    );
    for (const shardId of this.#drained) if (!listed.has(shardId)) this.#drained.delete(shardId);
    this.#forgetCheckpoints();
    this.#advance();
  }

  /** Leaves drained shards, and opens those that may be read now. */
  #advance(): void {
    if (this.#isStopped) return;
    for (const [shardId, runner] of this.#runners) {
      if (this.#shards.get(shardId)?.isEnded !== true || !runner.isAtRest()) continue;
      this.#drained.add(shardId);
      this.#runners.delete(shardId);
      void runner.stop();
    }
    for (const shardId of readableShards([...this.#shards.values()], this.#drained)) {
      if (!this.#runners.has(shardId)) this.#open(shardId);
    }
  }

  #open(shardId: string): void {
    const runner = new ShardRunner(shardId, this.#startOf(shardId), {
      ...this.#options,
      onResult: (result) => {
        this.#lastResult = result;
      },
      onRest: () => {
        if (this.#shards.get(shardId)?.isEnded === true) this.#advance();
      },
    });
    this.#runners.set(shardId, runner);
    runner.wake();
  }

  /**
   * Where an earlier run got to, or else what the mapping is configured for. LATEST has a checkpoint for every shard that
   * was there when the mapping was made; one that is made later is read from its beginning.
   */
  #startOf(shardId: string): StartingPosition {
    const { checkpoints, definition } = this.#options;
    const kept = checkpoints.get(shardId);
    const tip = this.#tip(shardId);
    // A stream that was made anew begins with lower numbers, and reading after the old one would find nothing for ever.
    const isStale = typeof kept === 'string' && tip !== undefined && isAfter(kept, tip);
    if (typeof kept === 'string' && !isStale) return { from: 'CHECKPOINT', checkpoint: kept };
    if (definition.startingPosition === 'AT_TIMESTAMP') {
      return { from: 'AT_TIMESTAMP', timestampMs: definition.startingTimestampMs };
    }
    if (kept === undefined) this.#write(() => checkpoints.set(shardId, null));
    return { from: 'TRIM_HORIZON' };
  }

  #forgetCheckpoints(): void {
    this.#write(() => this.#options.checkpoints.keepOnly(this.#shards));
  }

  #write(change: () => void): void {
    const { definition, warn } = this.#options;
    try {
      change();
    } catch (error) {
      warn(
        `${definition.functionName}: the checkpoints are not written: ${String(error)}; the next one writes them too.`,
      );
    }
  }

  #lagOfWaiting(shardId: string): ShardLag {
    const { checkpoints, clock, streams } = this.#options;
    const [oldest] = streams.read(this.#streamArn, shardId, checkpoints.get(shardId) ?? undefined, 1, 1);
    if (!oldest) return { shardId, behindRecords: 0, millisBehind: 0 };
    return { shardId, behindRecords: undefined, millisBehind: Math.max(0, clock.now() - oldest.arrivedAtMs) };
  }

  #tip(shardId: string): string | undefined {
    return this.#options.streams.tip(this.#streamArn, shardId);
  }
}

/** Sequence numbers are decimal texts without leading zeros, too long for a number. */
function isAfter(left: string, right: string): boolean {
  return left.length === right.length ? left > right : left.length > right.length;
}
