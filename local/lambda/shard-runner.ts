/**
 * Runs the state machine of one shard: feeds it with what the stream, the clock and the function have to say, and does what
 * it asks for.
 */
import { randomUUID } from 'node:crypto';
import type { Timer } from '../clock.ts';
import { step } from './event-source-mapping.ts';
import type { InvocationOutcome } from './function-pool.ts';
import { type EncodedRecord, encodeRecords, kinesisEvent } from './kinesis-event.ts';
import type { KinesisMappingOptions } from './kinesis-mapping-options.ts';
import type { ShardLag } from './mapping.ts';
import { sendToDestination } from './on-failure-destination.ts';
import {
  type Input,
  type InvocationResult,
  initialState,
  type Output,
  type ShardState,
  type StartingPosition,
} from './shard-state.ts';

/** How long a checkpoint that the disk did not take waits to be written again. */
const CHECKPOINT_RETRY_MS = 1_000;

export interface ShardRunnerOptions extends KinesisMappingOptions {
  readonly onResult: (result: string) => void;
  /** Called whenever all that could be read is done with, and the checkpoint says so. */
  readonly onRest: () => void;
}

export class ShardRunner {
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

  /** Of a shard that has ended: it is drained. */
  isAtRest(): boolean {
    const { caughtUp, gathered, portions } = this.#state;
    const isDone = caughtUp && gathered.length === 0 && portions.length === 0;
    return isDone && this.idle() && this.#unwritten === undefined;
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
    this.#tellRest();
  }

  #tellRest(): void {
    if (!this.#isRunning && this.isAtRest()) this.#options.onRest();
  }

  /** The shard goes on without: after a restart from an older checkpoint, records are invoked with again. */
  #writeCheckpoint(sequenceNumber: string): void {
    const { checkpoints, clock, definition, warn } = this.#options;
    const isFirstFailure = this.#unwritten === undefined;
    this.#unwritten?.timer.cancel();
    this.#unwritten = undefined;
    try {
      checkpoints.set(this.#shardId, sequenceNumber);
      if (!isFirstFailure) this.#tellRest();
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
