/** A chunk as it goes onto the stream: gzip, whose header has no time, so that the same chunk is the same bytes. */
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import { RECORD_BYTES_MAX } from '../producer/limits.ts';
import type { Chunk } from './chunk.ts';
import type { CutChunk } from './chunk-cutter.ts';

/** Level 1: events of a chunk share their envelopes, which it finds too, and it is several times as fast as level 6. */
const GZIP = { level: 1, chunkSize: 256 * 1024 } as const;
const PARTITION_KEY_CHARACTERS = 32;

const gzipInPool = promisify<Buffer, typeof GZIP, Buffer>(gzip);

/** @param source of its events: with the chunk's number it decides the shard */
export async function compressChunk(cut: CutChunk, source: string): Promise<Chunk> {
  const data = await gzipInPool(cut.plain, GZIP);
  return chunkOf(cut, source, fits(data) || !cut.instead ? data : await gzipInPool(cut.instead, GZIP));
}

/** As `compressChunk`, on this thread. */
export function compressChunkSync(cut: CutChunk, source: string): Chunk {
  const data = gzipSync(cut.plain, GZIP);
  return chunkOf(cut, source, fits(data) || !cut.instead ? data : gzipSync(cut.instead, GZIP));
}

function fits(data: Buffer): boolean {
  return data.length + PARTITION_KEY_CHARACTERS <= RECORD_BYTES_MAX;
}

function chunkOf({ number, records, recordsUpTo }: CutChunk, source: string, data: Buffer): Chunk {
  const partitionKey = hash('sha256', `${source}\n${number}`).slice(0, PARTITION_KEY_CHARACTERS);
  return { number, records, recordsUpTo, partitionKey, data };
}
