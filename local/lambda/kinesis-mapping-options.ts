/** What the mapping of a Kinesis stream, and each of its shards, runs on. */
import type { Clock } from '../clock.ts';
import type { StreamReader } from '../ports.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { Invoke } from './mapping.ts';
import type { KinesisMappingDefinition } from './mapping-definition.ts';
import type { DestinationPorts } from './on-failure-destination.ts';

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
