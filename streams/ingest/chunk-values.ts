/** Chunks of values that a request brought. */
import type { Chunk, ChunkEnvelope, ChunkLimits } from './chunk.ts';
import { ChunkCutter, SOURCE_RECORD_BYTES_MAX } from './chunk-cutter.ts';
import { compressChunkSync } from './compress-chunk.ts';

/**
 * @param values as `JSON.parse` gives them; each is an event, whose id is `record:<n>` from 1
 * @returns chunks, numbered from 0
 * @throws RangeError for limits that are none, TypeError for a value that has no JSON
 */
export function chunkValues(values: readonly unknown[], options: ChunkEnvelope & ChunkLimits): readonly Chunk[] {
  const cutter = new ChunkCutter({ ...options, places: 'record' });
  const chunks: Chunk[] = [];
  for (const [index, value] of values.entries()) {
    const json: unknown = JSON.stringify(value);
    if (typeof json !== 'string') throw new TypeError(`value ${index}: received ${typeof value}, allowed: JSON`);
    const text = Buffer.from(json);
    if (text.length > SOURCE_RECORD_BYTES_MAX) {
      const received = `a record of ${text.length} bytes`;
      cutter.unreadable(index + 1, { received, expected: `at most ${SOURCE_RECORD_BYTES_MAX} bytes` }, text);
    } else {
      cutter.admit(index + 1, text.length);
      cutter.json(text, 0, text.length);
    }
    for (const cut of cutter.take()) chunks.push(compressChunkSync(cut, options.source));
  }
  cutter.finish();
  for (const cut of cutter.take()) chunks.push(compressChunkSync(cut, options.source));
  return chunks;
}
