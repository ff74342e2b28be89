/** A running event source mapping, whatever its source. */
import type { InvocationOutcome } from './function-pool.ts';
import type { MappingDefinition } from './mapping-definition.ts';

export interface Mapping {
  start(): void;
  /** True when no batch is in work; one that waits for a later time of the clock does not count. */
  idle(): boolean;
  /** Starts nothing more and resolves once what is in work has ended. */
  stop(): Promise<void>;
  /** What `GetEventSourceMapping` tells as `LastProcessingResult`. */
  lastResult(): string;
}

export interface RunningMapping {
  readonly definition: MappingDefinition;
  readonly mapping: Mapping;
}

/** How far a Kinesis mapping is behind its stream. */
export interface ShardLag {
  readonly shardId: string;
  /** Records not done with yet; undefined while some have not even been read. */
  readonly behindRecords: number | undefined;
  /** Age of the oldest record that is not done with, 0 when there is none. */
  readonly millisBehind: number;
}

export type Invoke = (event: object) => Promise<InvocationOutcome>;
