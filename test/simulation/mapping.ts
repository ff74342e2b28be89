/**
 * The event source mapping of one consumer: the state machine of the local runtime, a shard at a time, children after
 * their parents. Pollers begin anew from a stored checkpoint that may lag behind; what was in flight then goes on.
 */
import { step } from '../../local/lambda/event-source-mapping.ts';
import { type EncodedRecord, encodeRecords } from '../../local/lambda/kinesis-event.ts';
import { readableShards } from '../../local/lambda/shard-lineage.ts';
import {
  type Input,
  type InvocationResult,
  initialState,
  type MappingSettings,
  type Output,
  type ShardState,
} from '../../local/lambda/shard-state.ts';
import type { Conditions } from './conditions.ts';
import { type SimulatedShard, type SimulatedStream, STREAM_ARN, type StreamedRecord } from './stream.ts';
import { Violation } from './violation.ts';

export interface MappingOptions {
  readonly name: string;
  readonly conditions: Conditions;
  readonly stream: SimulatedStream;
  readonly settings: MappingSettings;
  readonly invoke: (batch: MappedBatch, end: (result: InvocationResult) => void) => void;
  /** Records that are given up, on their way to the on-failure destination. */
  readonly park: (discard: Discard) => void;
}

export type Discard = MappedBatch &
  Pick<Extract<Output<EncodedRecord>, { kind: 'discard' }>, 'condition' | 'invocations'>;

export interface MappedBatch {
  readonly shardId: string;
  readonly records: readonly StreamedRecord[];
  readonly encoded: readonly EncodedRecord[];
}

export interface SimulatedMapping {
  /** Opens the shards that there are. */
  start(): void;
  restart(lag: number): void;
  /** Shards whose records are not all done. */
  unfinished(): readonly string[];
}

interface MappedRecord extends EncodedRecord {
  readonly streamed: StreamedRecord;
}

interface Runner {
  readonly shard: SimulatedShard;
  restart(lag: number): void;
  wake(): void;
  isAtTip(): boolean;
}

const READ_MS_MAX = 20;
const DISCARD_MS = 50;
const SOURCE = { streamArn: STREAM_ARN, region: 'us-east-1', roleArn: 'arn:aws:iam::123456789012:role/simulated' };

export function createMapping(options: MappingOptions): SimulatedMapping {
  const { stream, name, conditions } = options;
  const runners = new Map<string, Runner>();
  const finished = new Set<string>();

  function open(shard: SimulatedShard): void {
    if (runners.has(shard.shardId)) return;
    conditions.say(() => `${name} opens ${shard.shardId}`);
    const runner = createRunner(shard, options, () => advance(shard));
    runners.set(shard.shardId, runner);
    runner.wake();
  }

  function openReadable(): void {
    const lineage = stream.shards.map(({ shardId, parents }) => ({
      shardId,
      parents: parents.map((each) => each.shardId),
    }));
    const readable = new Set(readableShards(lineage, finished));
    for (const shard of stream.shards) if (readable.has(shard.shardId)) open(shard);
  }

  /** A closed shard that is done with lets its children begin. */
  function advance(shard: SimulatedShard): void {
    if (shard.isOpen || finished.has(shard.shardId) || !runners.get(shard.shardId)?.isAtTip()) return;
    finished.add(shard.shardId);
    openReadable();
  }

  stream.onChange((shard) => runners.get(shard.shardId)?.wake());
  return {
    start: openReadable,
    restart(lag) {
      for (const runner of runners.values()) runner.restart(lag);
    },
    unfinished: () =>
      stream.shards.filter(({ shardId }) => !runners.get(shardId)?.isAtTip()).map(({ shardId }) => shardId),
  };
}

function createRunner(shard: SimulatedShard, options: MappingOptions, onStep: () => void): Runner {
  const { conditions, settings, name } = options;
  const { time, say } = conditions;
  const random = conditions.random(`${name} ${shard.shardId}`);
  const checkpoints: (string | undefined)[] = [undefined];
  let state: ShardState<MappedRecord> = initialState({ from: 'TRIM_HORIZON' });
  /** Pollers so far: what an earlier one still gets is not for this one. */
  let generation = 0;
  let cancelWait = (): void => undefined;

  function feed(input: Input<MappedRecord>): void {
    const taken = step(settings, state, input, time.now());
    state = taken.state;
    for (const output of taken.outputs) perform(output);
    onStep();
  }

  /** Feeds the poller that is there now, if it still is there then. */
  function feeding(): (input: Input<MappedRecord>) => void {
    const mine = generation;
    return (input) => {
      if (mine === generation) feed(input);
    };
  }

  function perform(output: Output<MappedRecord>): void {
    const then = feeding();
    switch (output.kind) {
      case 'checkpoint':
        if (output.sequenceNumber < (checkpoints.at(-1) ?? '') && generation === 0) {
          conditions.fail(new Violation('checkpoints rise', `${name} ${shard.shardId}: ${output.sequenceNumber}`));
        }
        checkpoints.push(output.sequenceNumber);
        return;
      case 'wait':
        cancelWait();
        cancelWait = time.after(output.untilMs - time.now(), () => then({ kind: 'tick' }));
        return;
      case 'read':
        time.after(random.int(1, READ_MS_MAX), () => then({ kind: 'records', records: read(output) }));
        return;
      case 'invoke': {
        const batch = { shardId: shard.shardId, records: output.records.map(streamedOf), encoded: output.records };
        say(() => `${name} invokes with ${spanOf(batch.records)}`);
        options.invoke(batch, (result) => time.after(1, () => then({ kind: 'invoked', result })));
        return;
      }
      case 'discard':
        time.after(DISCARD_MS, () => {
          say(() => `${name} gives up ${spanOf(output.records.map(streamedOf))}: ${output.condition}`);
          const { shardId } = shard;
          const { condition, invocations } = output;
          const records = output.records.map(streamedOf);
          options.park({ shardId, records, encoded: output.records, condition, invocations });
          then({ kind: 'discarded' });
        });
    }
  }

  function read({ after = '', recordsMax, bytesMax }: Extract<Output<MappedRecord>, { kind: 'read' }>): MappedRecord[] {
    const records: StreamedRecord[] = [];
    let bytes = 0;
    for (const record of shard.records) {
      if (record.sequenceNumber <= after) continue;
      bytes += record.data.length;
      if (records.length === recordsMax || (records.length > 0 && bytes > bytesMax)) break;
      records.push(record);
    }
    const encoded = encodeRecords(records, { ...SOURCE, shardId: shard.shardId });
    return encoded.flatMap((each, index) => {
      const streamed = records[index];
      return streamed === undefined ? [] : [{ ...each, streamed }];
    });
  }

  return {
    shard,
    wake() {
      const then = feeding();
      time.after(1, () => then({ kind: 'available' }));
    },
    restart(lag) {
      generation += 1;
      cancelWait();
      const checkpoint = checkpoints[Math.max(0, checkpoints.length - 1 - lag)];
      say(() => `${name} polls ${shard.shardId} anew after ${checkpoint ?? 'the beginning'}`);
      state = initialState(checkpoint === undefined ? { from: 'TRIM_HORIZON' } : { from: 'CHECKPOINT', checkpoint });
      this.wake();
    },
    isAtTip: () =>
      state.caughtUp &&
      state.gathered.length === 0 &&
      state.portions.length === 0 &&
      state.underWay === 'nothing' &&
      !state.reading &&
      (state.checkpoint ?? '') >= (shard.records.at(-1)?.sequenceNumber ?? ''),
  };
}

function streamedOf({ streamed }: MappedRecord): StreamedRecord {
  return streamed;
}

export function spanOf(records: readonly StreamedRecord[]): string {
  const [first, last] = [records[0], records.at(-1)];
  return `${first?.shardId} ${records.length} records, #${first?.index} to #${last?.index}`;
}
