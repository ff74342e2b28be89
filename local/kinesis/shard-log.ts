/**
 * The records of one shard: segments on disk, the newest frames in memory. Positions count the records of the shard from
 * 0 and are never used twice, also not after what they named was trimmed.
 */
import { mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { CachedShard } from './record-cache.ts';
import { type DecodedFrame, decodeFrame, type Frames } from './record-frame.ts';
import { Segment, type SegmentStart } from './segment.ts';

export interface ShardLogOptions {
  readonly folder: string;
  readonly cache: CachedShard;
  /** A segment that has reached this is followed by another. */
  readonly segmentBytesMax: number;
  /** Gets one line when the unfinished end of a file had to be dropped. */
  readonly warn: (line: string) => void;
}

export interface PositionedRecord extends DecodedFrame {
  readonly position: number;
}

export interface ReadLimits {
  readonly recordsMax: number;
  /** Of data. The first record may be larger. */
  readonly bytesMax: number;
}

const ORIGIN: SegmentStart = { position: 0, dataBytes: 0, arrivedAtMs: 0 };

export class ShardLog {
  readonly #options: ShardLogOptions;
  /** Oldest first; never empty. The last is appended to. */
  readonly #segments: Segment[];
  /** Of the oldest record that is not trimmed. */
  #firstPosition: number;
  /** Calls of append that have not come to their end. */
  #writes = 0;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(options: ShardLogOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#segments = openSegments(options);
    this.#firstPosition = this.#segments[0]?.start.position ?? 0;
  }

  get firstPosition(): number {
    return this.#firstPosition;
  }

  /** Where the next record will be, and what all records before it came to, trimmed ones included. */
  get end(): SegmentStart {
    return this.#active.end;
  }

  /** Appends behind all earlier calls. Resolves to the position of the first record when all are on disk and readable. @throws Error and has kept none */
  append(frames: Frames): Promise<number> {
    this.#writes++;
    const turn = this.#lastWrite.then(() => this.#write(frames));
    this.#lastWrite = turn.then(
      () => void this.#writes--,
      () => void this.#writes--,
    );
    return turn;
  }

  /** At least one record when there is one at or after `position`. */
  read(position: number, limits: ReadLimits): PositionedRecord[] {
    const records: PositionedRecord[] = [];
    const end = this.#active.end.position;
    let bytes = 0;
    let at = Math.max(position, this.#firstPosition);
    while (at < end && records.length < limits.recordsMax) {
      const run = this.#load(at, end, limits.recordsMax - records.length, limits.bytesMax - bytes);
      let offset = run.offset;
      for (; at < run.endPosition && records.length < limits.recordsMax; at++) {
        const frame = decodeFrame(run.buffer, offset);
        bytes += frame.data.length;
        if (bytes > limits.bytesMax && records.length > 0) return records;
        records.push({ ...frame, position: at });
        offset = frame.data.byteOffset - run.buffer.byteOffset + frame.data.length;
      }
    }
    return records;
  }

  /** Position of the first record that arrived at or after a time; the end when there is none. */
  positionAt(timeMs: number): number {
    for (const [index, segment] of this.#segments.entries()) {
      // Arrivals rise but for clocks set back: a segment whose successor begins earlier than the time has nothing.
      const next = this.#segments[index + 1];
      if (next && next.start.arrivedAtMs < timeMs) continue;
      for (let i = Math.max(0, this.#firstPosition - segment.start.position); i < segment.count; i++) {
        if (segment.arrivedAtMs(i) >= timeMs) return segment.start.position + i;
      }
    }
    return this.end.position;
  }

  /** Arrival of the oldest record; undefined when there is none. */
  oldestArrivalMs(): number | undefined {
    const [oldest] = this.#segments;
    const index = this.#firstPosition - (oldest?.start.position ?? 0);
    if (index === 0) return oldest?.firstArrivalMs;
    return oldest && index < oldest.count ? oldest.arrivedAtMs(index) : undefined;
  }

  /** Drops records that arrived before a time, oldest first, and the segments that hold nothing else. */
  trim(beforeMs: number): void {
    for (let next = this.#segments[1]; next && next.start.arrivedAtMs < beforeMs; next = this.#segments[1]) {
      this.#segments.shift()?.remove();
      this.#firstPosition = Math.max(this.#firstPosition, next.start.position);
    }
    for (let oldest = this.oldestArrivalMs(); oldest !== undefined && oldest < beforeMs; ) {
      this.#firstPosition++;
      oldest = this.oldestArrivalMs();
    }
    if (this.#writes === 0 && this.#active.count > 0 && this.#firstPosition === this.end.position) {
      this.#beginSegment();
      for (const segment of this.#segments.splice(0, this.#segments.length - 1)) segment.remove();
    }
  }

  async close(): Promise<void> {
    await this.#lastWrite;
    for (const segment of this.#segments) segment.close();
  }

  get #active(): Segment {
    const active = this.#segments.at(-1);
    if (!active) throw new Error(`${this.#options.folder} has no segment.`);
    return active;
  }

  async #write(frames: Frames): Promise<number> {
    // Files are named by their first position: an empty one is not followed by another.
    if (this.#active.count > 0 && this.#active.fileBytes >= this.#options.segmentBytesMax) this.#beginSegment();
    const { position } = this.#active.end;
    const offset = await this.#active.append(frames);
    const endPosition = position + frames.ends.length;
    this.#options.cache.add({ buffer: frames.buffer, position, endPosition, offset });
    return position;
  }

  #beginSegment(): void {
    this.#segments.push(Segment.create(this.#options.folder, this.#active.end));
  }

  /** A run of frames that begins with a position: from memory, or as much of one segment as the limits ask for. */
  #load(position: number, end: number, recordsMax: number, bytesMax: number) {
    const segment = this.#segmentOf(position);
    const index = position - segment.start.position;
    if (index >= segment.count) throw new Error(`${segment.file} is damaged: record ${position} is missing.`);
    const offset = segment.offset(index);
    const cached = this.#options.cache.find(position);
    if (cached) return { buffer: cached.buffer, offset: offset - cached.offset, endPosition: cached.endPosition };

    const uncachedEnd = Math.min(end, this.#options.cache.position ?? end);
    const lastIndex = Math.min(segment.count, index + recordsMax, uncachedEnd - segment.start.position);
    let stop = index + 1;
    while (stop < lastIndex && segment.offset(stop + 1) - offset <= bytesMax) stop++;
    return {
      buffer: segment.read(offset, segment.offset(stop)),
      offset: 0,
      endPosition: segment.start.position + stop,
    };
  }

  #segmentOf(position: number): Segment {
    const found = this.#segments.findLast((segment) => segment.start.position <= position);
    if (!found) throw new Error(`${this.#options.folder} has no record at position ${position}.`);
    return found;
  }
}

/** Segments of an earlier run. Only the last can be unfinished: the others were complete when their successor began. */
function openSegments({ folder, warn }: ShardLogOptions): Segment[] {
  const segments: Segment[] = [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  for (const name of names.sort()) {
    const file = path.join(folder, name);
    const segment = Segment.open(file);
    if (segment) segments.push(segment);
    else if (name === names.at(-1)) unlinkSync(file);
    else throw new Error(`${file} is damaged: it does not begin with the header of a segment.`);
  }
  const torn = segments.at(-1)?.repair() ?? 0;
  if (torn > 0) warn(`${folder}: dropped ${torn} bytes behind the last whole record: a write that was cut short.`);
  if (segments.length === 0) segments.push(Segment.create(folder, ORIGIN));
  return segments;
}
