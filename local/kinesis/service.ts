/**
 * Kinesis Data Streams, as far as README.md says. A put is answered when its records are on disk, in segment files that
 * are only appended to; a killed process loses nothing that was answered.
 */
import path from 'node:path';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { StreamReader } from '../ports.ts';
import { AwsError, type Environment, type LocalService } from '../service.ts';
import { kinesisOperations } from './operations.ts';
import { RecordCache } from './record-cache.ts';
import { parentsOf } from './shard.ts';
import { createShardLimits, NO_LIMITS } from './shard-limits.ts';
import { Stream } from './stream.ts';
import { streamKind } from './stream-definition.ts';

export interface KinesisOptions {
  /** Whether shards take 1 MB and 1,000 records and give 2 MB and 5 reads a second, as on AWS. Default false. */
  readonly enforceShardLimits?: boolean;
  /** Newest records kept in memory, of all shards together. Default 64 MiB. */
  readonly cacheBytesMax?: number;
  /** Size from which a file of a shard is followed by the next. Default 64 MiB. */
  readonly segmentBytesMax?: number;
  /** Gets one line for what deserves attention and reaches no client. Default: standard error. */
  readonly warn?: (line: string) => void;
}

export interface StreamFigures {
  /** Accepted since the stream was made, trimmed ones included. */
  readonly records: number;
  /** Of their data. */
  readonly bytes: number;
}

export interface KinesisService extends LocalService, StreamReader {
  readonly faults: FaultSwitch;
  /** @throws AwsError `ResourceNotFoundException` */
  figures(streamName: string): StreamFigures;
}

const DEFAULT_BYTES = 64 * 1024 * 1024;
const TRIM_INTERVAL_MS = 60_000;

export function createKinesisService(environment: Environment, options: KinesisOptions = {}): KinesisService {
  const { account, clock } = environment;
  const { warn = (line) => void process.stderr.write(`${line}\n`) } = options;
  const streams = new Map<string, Stream>();
  const cache = new RecordCache(options.cacheBytesMax ?? DEFAULT_BYTES);
  let trimming: { cancel(): void } | undefined;

  function named(name: string): Stream {
    const stream = streams.get(name);
    if (!stream) throw new AwsError('ResourceNotFoundException', `Stream ${name} under account ${account} not found.`);
    return stream;
  }

  const byArn = (arn: string): Stream => named(arn.slice(arn.lastIndexOf('/') + 1));

  function trimRegularly(): void {
    const trim = (): void => {
      for (const stream of streams.values()) stream.trim();
      trimRegularly();
    };
    trimming = clock.after(TRIM_INTERVAL_MS, trim, 'upkeep');
  }

  const faults = new FaultSwitch({ scope: 'kinesis', clock, handle: () => handle, batches: ['PutRecords'] });
  const handle = kinesisOperations({
    account,
    clock,
    streams,
    faults,
    warn,
    limits: options.enforceShardLimits === true ? createShardLimits(clock) : NO_LIMITS,
  });

  return {
    scope: 'kinesis',
    handle,
    resourceKinds: [
      streamKind((definition) => {
        // The ending keeps names such as `..` apart from folders.
        const folder = path.join(environment.folder('kinesis'), `${definition.name}.stream`);
        const segmentBytesMax = options.segmentBytesMax ?? DEFAULT_BYTES;
        streams.set(definition.name, new Stream({ folder, definition, clock, cache, segmentBytesMax, warn }));
      }),
    ],
    faults,
    figures: (streamName) => named(streamName).figures(),
    shards(streamArn) {
      const stream = byArn(streamArn);
      return stream.shards.map((shard) => ({
        shardId: shard.shardId,
        parents: parentsOf(shard),
        isEnded: stream.find(shard.shardId)?.isEnded ?? true,
      }));
    },
    read(streamArn, shardId, after, recordsMax, bytesMax) {
      const stream = byArn(streamArn);
      const kept = stream.find(shardId);
      if (!kept) return [];
      const position = after === undefined ? 0 : kept.numbers.positionAfter(after);
      return stream.read(shardId, position, { recordsMax, bytesMax });
    },
    tip(streamArn, shardId) {
      const stream = byArn(streamArn);
      return stream.find(shardId) && stream.tip(shardId);
    },
    onRecords: (streamArn, listener) => byArn(streamArn).onRecords(listener),
    start: trimRegularly,
    async stop() {
      trimming?.cancel();
      await Promise.all([...streams.values()].map((stream) => stream.close()));
    },
  };
}
