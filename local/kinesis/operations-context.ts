/** What the operations work on. */
import type { Clock } from '../clock.ts';
import type { ServiceRequest } from '../service.ts';
import type { Base64Span } from './base64.ts';
import type { FaultSwitch } from './faults.ts';
import type { ShardLimits } from './shard-limits.ts';
import type { StreamsOfAccount } from './stream-reference.ts';

export interface OperationsContext extends StreamsOfAccount {
  readonly clock: Clock;
  readonly faults: FaultSwitch;
  readonly limits: ShardLimits;
  /** What was cut out of a request's body. */
  readonly spansOf: (request: ServiceRequest) => readonly Base64Span[] | undefined;
  /** Gets one line for what clients are told only in general terms. */
  readonly warn: (line: string) => void;
}
