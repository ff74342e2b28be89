/**
 * How far a mapping has come with each shard, kept in one file so that a restart goes on from there. Each change replaces
 * the file atomically; it survives the end of the process at any moment, not a power failure (no fsync).
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const content = z.object({
  streamArn: z.string(),
  /** By shard id; null: the trim horizon. */
  checkpoints: z.record(z.string(), z.string().nullable()),
});

export class CheckpointStore {
  readonly #file: string;
  readonly #streamArn: string;
  readonly #checkpoints: Map<string, string | null>;

  /** @throws Error when the file is there and is not what this class wrote */
  constructor(folder: string, mappingId: string, streamArn: string) {
    mkdirSync(folder, { recursive: true });
    this.#file = path.join(folder, `checkpoints-${mappingId}.json`);
    this.#streamArn = streamArn;
    this.#checkpoints = this.#load();
  }

  /** Undefined: the mapping has not seen the shard yet; null: it is at the trim horizon. */
  get(shardId: string): string | null | undefined {
    return this.#checkpoints.get(shardId);
  }

  /** True as long as the mapping has seen no shard. */
  get isEmpty(): boolean {
    return this.#checkpoints.size === 0;
  }

  /** @throws Error when the disk does not take it; the next call, for whatever shard, writes it too */
  set(shardId: string, sequenceNumber: string | null): void {
    this.setAll([[shardId, sequenceNumber]]);
  }

  /** All or none of them are on disk. @throws Error as `set` */
  setAll(checkpoints: Iterable<readonly [shardId: string, sequenceNumber: string | null]>): void {
    for (const [shardId, sequenceNumber] of checkpoints) this.#checkpoints.set(shardId, sequenceNumber);
    this.#write();
  }

  /** Forgets the other shards. @throws Error as `set` */
  keepOnly(shardIds: Pick<ReadonlySet<string>, 'has'>): void {
    const gone = [...this.#checkpoints.keys()].filter((shardId) => !shardIds.has(shardId));
    for (const shardId of gone) this.#checkpoints.delete(shardId);
    if (gone.length > 0) this.#write();
  }

  #write(): void {
    const checkpoints = Object.fromEntries(this.#checkpoints);
    writeFileSync(`${this.#file}.new`, JSON.stringify({ streamArn: this.#streamArn, checkpoints }));
    renameSync(`${this.#file}.new`, this.#file);
  }

  #load(): Map<string, string | null> {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return new Map();
      throw error;
    }
    const parsed = content.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error(`${this.#file} holds no checkpoints: ${parsed.error.message}`);
    // A mapping that was pointed at another stream starts anew.
    return new Map(parsed.data.streamArn === this.#streamArn ? Object.entries(parsed.data.checkpoints) : []);
  }
}
