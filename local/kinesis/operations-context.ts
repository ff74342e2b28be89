/** What the operations work on. */
import type { Clock } from '../clock.ts';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import type { ShardLimits } from './shard-limits.ts';
import type { StreamsOfAccount } from './stream-reference.ts';

export interface OperationsContext extends StreamsOfAccount {
  readonly clock: Clock;
  readonly faults: FaultSwitch;
  readonly limits: ShardLimits;
  /** Gets one line for what clients are told only in general terms. */
  readonly warn: (line: string) => void;
}
