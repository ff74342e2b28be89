/** What was appended last, of all shards together, so that reading it needs no disk. The oldest goes first. */

/** Frames in memory. */
export interface CachedFrames {
  readonly buffer: Buffer;
  /** Position in the shard of the first record, and behind the last. */
  readonly position: number;
  readonly endPosition: number;
  /** Where the frames begin in their file. */
  readonly offset: number;
}

/** Counted for each entry beside its bytes, so that many small ones are bounded too. */
const ENTRY_OVERHEAD_BYTES = 256;

export class RecordCache {
  readonly #bytesMax: number;
  #bytes = 0;
  readonly #queue = new Fifo<{ readonly shard: CachedShard; readonly bytes: number }>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  shard(): CachedShard {
    return new CachedShard((added, shard) => this.#add(added, shard));
  }

  #add(added: CachedFrames, shard: CachedShard): void {
    const bytes = added.buffer.length + ENTRY_OVERHEAD_BYTES;
    this.#queue.push({ shard, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#queue.shift();
      if (!oldest) return;
      this.#bytes -= oldest.bytes;
      oldest.shard.forgetOldest();
    }
  }
}

/** The part of the cache that holds the newest records of one shard. */
export class CachedShard {
  readonly #frames = new Fifo<CachedFrames>();
  readonly #onAdded: (added: CachedFrames, shard: CachedShard) => void;

  constructor(onAdded: (added: CachedFrames, shard: CachedShard) => void) {
    this.#onAdded = onAdded;
  }

  add(frames: CachedFrames): void {
    this.#frames.push(frames);
    this.#onAdded(frames, this);
  }

  forgetOldest(): void {
    this.#frames.shift();
  }

  /** Position from which on records are cached; undefined when none are. */
  get position(): number | undefined {
    return this.#frames.at(0)?.position;
  }

  find(position: number): CachedFrames | undefined {
    let low = 0;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#frames.at(middle)?.endPosition ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    const found = this.#frames.at(low);
    return found && found.position <= position ? found : undefined;
  }
}

/** A queue whose `shift` does not move what is left. */
class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  at(index: number): Item | undefined {
    return this.#items[this.#head + index];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#head];
    if (this.length === 0) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
