/**
 * The file beside the logs that says which shards a stream has. It is replaced whole, so that a killed process leaves all of
 * a reshard or nothing of it.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { initialShards, Shard } from './shard.ts';
import type { StreamDefinition } from './stream-definition.ts';

const StreamDescription = z.object({
  name: z.string(),
  madeAtMs: z.number(),
  /** In the order of their ids. */
  shards: z.array(Shard).min(1),
  /** What had been accepted by shards that are expired, and no longer among `shards`. */
  expired: z.object({ records: z.number(), dataBytes: z.number() }).default({ records: 0, dataBytes: 0 }),
});
export type StreamDescription = Readonly<z.infer<typeof StreamDescription>>;

/** Of an earlier run; undefined when there is none. @throws Error when the file is not what this module wrote */
export function readDescription(folder: string): StreamDescription | undefined {
  let text: string;
  try {
    text = readFileSync(fileIn(folder), 'utf8');
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return StreamDescription.parse(JSON.parse(text));
}

/** Of a stream that is made anew. */
export function describeNew({ name, shardCount }: StreamDefinition, nowMs: number): StreamDescription {
  const shards = initialShards(shardCount, nowMs);
  return { name, madeAtMs: nowMs, shards, expired: { records: 0, dataBytes: 0 } };
}

/** @throws Error when the disk does not take it; what was there before stays */
export function writeDescription(folder: string, description: StreamDescription): void {
  const draft = `${fileIn(folder)}.new`;
  writeFileSync(draft, JSON.stringify(description, undefined, 2));
  renameSync(draft, fileIn(folder));
}

const fileIn = (folder: string): string => path.join(folder, 'stream.json');
