/**
 * Runs the event source mapping of a Kinesis stream: one state machine a shard, driven by the stream, the clock and the
 * function's outcomes. Checkpoints are kept on disk, so that a restart goes on where the last run stopped; a batch that
 * was in flight then is invoked again (at least once, as on AWS).
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../clock.ts';
import type { StreamReader } from '../ports.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { step } from './event-source-mapping.ts';
import type { InvocationOutcome } from './function-pool.ts';
import { type EncodedRecord, encodeRecords, kinesisEvent } from './kinesis-event.ts';
import type { Invoke, Mapping, ShardLag } from './mapping.ts';
import type { KinesisMappingDefinition } from './mapping-definition.ts';
import { type DestinationPorts, sendToDestination } from './on-failure-destination.ts';
import {
  type Input,
  type InvocationResult,
  initialState,
  type Output,
  type ShardState,
  type StartingPosition,
} from './shard-state.ts';

export interface KinesisMappingOptions {
  readonly definition: KinesisMappingDefinition;
  readonly streams: StreamReader;
  readonly invoke: Invoke;
  readonly destinations: DestinationPorts;
  readonly checkpoints: CheckpointStore;
  readonly clock: Clock;
  readonly region: string;
  readonly functionArn: string;
  readonly roleArn: string;
  /** Gets one line for what AWS would only show in metrics: records that were lost. */
  readonly warn: (line: string) => void;
}

export interface KinesisMapping extends Mapping {
  lag(): readonly ShardLag[];
}

export function createKinesisMapping(options: KinesisMappingOptions): KinesisMapping {
  const { definition, streams, checkpoints } = options;
  const streamArn = definition.eventSourceArn;
  const shards = new Map<string, ShardRunner>();
  let unsubscribe: () => void = () => undefined;
  let lastResult = 'No records processed';

  function open(shardId: string, start: StartingPosition): void {
    const onResult = (result: string): void => {
      lastResult = result;
    };
    const runner = new ShardRunner(shardId, start, { ...options, onResult });
    shards.set(shardId, runner);
    runner.wake();
  }

  /** Where an earlier run got to, or else what the mapping is configured for. */
  function startOf(shardId: string): StartingPosition {
    const kept = checkpoints.get(shardId);
    const tip = streams.tip(streamArn, shardId);
    // A stream that was made anew begins with lower numbers, and reading after the old one would find nothing for ever.
    const isStale = typeof kept === 'string' && tip !== undefined && isAfter(kept, tip);
    if (kept !== undefined && !isStale) {
      if (kept !== null) return { from: 'CHECKPOINT', checkpoint: kept };
      if (definition.startingPosition !== 'AT_TIMESTAMP') return { from: 'TRIM_HORIZON' };
    }
    if (definition.startingPosition === 'LATEST' && !isStale) {
      checkpoints.set(shardId, tip ?? null);
      return { from: 'LATEST', tip };
    }
    if (definition.startingPosition === 'AT_TIMESTAMP') {
      return { from: 'AT_TIMESTAMP', timestampMs: definition.startingTimestampMs };
    }
    return { from: 'TRIM_HORIZON' };
  }

  return {
    start() {
      for (const shardId of streams.shardIds(streamArn)) open(shardId, startOf(shardId));
      unsubscribe = streams.onRecords(streamArn, (shardId) => {
        const runner = shards.get(shardId);
        if (runner) runner.wake();
        // A shard that appears later is read from its beginning, whatever the starting position.
        else open(shardId, { from: 'TRIM_HORIZON' });
      });
    },
    idle: () => [...shards.values()].every((shard) => shard.idle()),
    lag: () => [...shards.values()].map((shard) => shard.lag()),
    lastResult: () => lastResult,
    async stop() {
      unsubscribe();
      await Promise.all([...shards.values()].map((shard) => shard.stop()));
    },
  };
}

/** How long a checkpoint that the disk did not take waits to be written again. */
const CHECKPOINT_RETRY_MS = 1_000;

/** Sequence numbers are decimal texts without leading zeros, too long for a number. */
function isAfter(left: string, right: string): boolean {
  return left.length === right.length ? left > right : left.length > right.length;
}

interface ShardRunnerOptions extends KinesisMappingOptions {
  readonly onResult: (result: string) => void;
}

class ShardRunner {
  readonly #shardId: string;
  readonly #options: ShardRunnerOptions;
  readonly #inputs: Input<EncodedRecord>[] = [];
  #state: ShardState<EncodedRecord>;
  #timer: Timer | undefined;
  #isRunning = false;
  #isWoken = false;
  #isStopped = false;
  /** The invocation or discard under way. */
  #work: Promise<void> = Promise.resolve();
  #requestId: string = randomUUID();
  /** The newest checkpoint, while the disk does not take it. */
  #unwritten: { readonly sequenceNumber: string; readonly timer: Timer } | undefined;

  constructor(shardId: string, start: StartingPosition, options: ShardRunnerOptions) {
    this.#shardId = shardId;
    this.#options = options;
    this.#state = initialState(start);
  }

  /** There may be records. Many calls in one turn of the event loop are one. */
  wake(): void {
    if (this.#isWoken || this.#isStopped) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#feed({ kind: 'available' });
    });
  }

  idle(): boolean {
    return !this.#isWoken && this.#state.underWay === 'nothing';
  }

  lag(): ShardLag {
    const { clock, definition, streams } = this.#options;
    const { portions, gathered, checkpoint, caughtUp } = this.#state;
    const held = portions.reduce((sum, portion) => sum + portion.records.length, gathered.length);
    const [oldest] = streams.read(definition.eventSourceArn, this.#shardId, checkpoint, 1, 1);
    return {
      shardId: this.#shardId,
      behindRecords: caughtUp ? held : undefined,
      millisBehind: oldest ? Math.max(0, clock.now() - oldest.arrivedAtMs) : 0,
    };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#work;
    const unwritten = this.#unwritten;
    if (!unwritten) return;
    this.#writeCheckpoint(unwritten.sequenceNumber);
    this.#unwritten?.timer.cancel();
  }

  /** Steps the machine until it has nothing more to say. Reads are answered at once, calls later. */
  #feed(input: Input<EncodedRecord>): void {
    this.#inputs.push(input);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const taken = step(this.#options.definition.settings, this.#state, next, this.#options.clock.now());
        this.#state = taken.state;
        for (const output of taken.outputs) this.#perform(output);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** The shard goes on without: after a restart from an older checkpoint, records are invoked with again. */
  #writeCheckpoint(sequenceNumber: string): void {
    const { checkpoints, clock, definition, warn } = this.#options;
    const isFirstFailure = this.#unwritten === undefined;
    this.#unwritten?.timer.cancel();
    this.#unwritten = undefined;
    try {
      checkpoints.set(this.#shardId, sequenceNumber);
    } catch (error) {
      const timer = clock.after(CHECKPOINT_RETRY_MS, () => this.#writeCheckpoint(sequenceNumber));
      this.#unwritten = { sequenceNumber, timer };
      const problem = `${definition.functionName}: the checkpoint of ${this.#shardId} is not written: ${String(error)}`;
      if (isFirstFailure) warn(`${problem}; tried again.`);
    }
  }

  #perform(output: Output<EncodedRecord>): void {
    const { clock } = this.#options;
    // What is done stays done; nothing new begins.
    if (this.#isStopped && output.kind !== 'checkpoint') return;
    switch (output.kind) {
      case 'checkpoint':
        this.#writeCheckpoint(output.sequenceNumber);
        return;
      case 'wait':
        this.#timer?.cancel();
        this.#timer = clock.after(output.untilMs - clock.now(), () => this.#feed({ kind: 'tick' }));
        return;
      case 'read':
        this.#read(output);
        return;
      case 'invoke':
        this.#work = this.#invoke(output.records);
        return;
      case 'discard':
        this.#work = this.#discard(output);
    }
  }

  #read(output: Extract<Output<EncodedRecord>, { kind: 'read' }>): void {
    const { definition, region, roleArn, streams } = this.#options;
    const streamArn = definition.eventSourceArn;
    const stored = streams.read(streamArn, this.#shardId, output.after, output.recordsMax, output.bytesMax);
    const records = encodeRecords(stored, { streamArn, shardId: this.#shardId, region, roleArn });
    this.#inputs.push({ kind: 'records', records });
  }

  async #invoke(records: readonly EncodedRecord[]): Promise<void> {
    const outcome = await this.#options.invoke(kinesisEvent(records));
    this.#requestId = outcome.requestId;
    this.#options.onResult(outcome.kind === 'returned' ? 'OK' : 'PROBLEM: Function call failed');
    this.#feed({ kind: 'invoked', result: resultOf(outcome) });
  }

  async #discard(output: Extract<Output<EncodedRecord>, { kind: 'discard' }>): Promise<void> {
    const { clock, definition, destinations, functionArn, warn } = this.#options;
    const { onFailureArn } = definition;
    const what = `${output.records.length} records of ${this.#shardId} (${output.condition})`;
    try {
      if (onFailureArn === undefined) warn(`${definition.functionName} dropped ${what}: no on-failure destination.`);
      else {
        const discarded = { ...output, requestId: this.#requestId, functionArn, nowMs: clock.now() };
        const place = { mappingId: definition.id, streamArn: definition.eventSourceArn, shardId: this.#shardId };
        await sendToDestination(onFailureArn, { ...discarded, ...place }, destinations);
      }
    } catch (error) {
      // As AWS does: the shard goes on, and the loss is told.
      warn(`${definition.functionName} lost ${what}: ${onFailureArn} did not take them: ${String(error)}`);
    }
    this.#feed({ kind: 'discarded' });
  }
}

function resultOf(outcome: InvocationOutcome): InvocationResult {
  switch (outcome.kind) {
    case 'returned':
      return { kind: 'returned', payload: outcome.payload };
    case 'failed':
      return { kind: 'failed', functionError: outcome.functionError };
    case 'throttled':
      return { kind: 'unavailable' };
  }
}
