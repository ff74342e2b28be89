/** Chunks, and what the processor's own decoder makes of them. */
import { gunzipSync } from 'node:zlib';
import { isRecord } from '../../../schemas/describe.ts';
import { datasets } from '../../../schemas/index.ts';
import { createDecodeContext } from '../../../streams/codecs/decode-context.ts';
import { decodeRecord } from '../../../streams/codecs/decode-record.ts';
import type { DecodeOutcome } from '../../../streams/codecs/outcomes.ts';
import type { Chunk } from '../../../streams/ingest/chunk.ts';
import { type ReadChunksOptions, readChunks } from '../../../streams/ingest/read-chunks.ts';
import { BadObject, type SourceObject } from '../../../streams/ingest/source-object.ts';

const context = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: 'earthquakes',
  defaultSource: 'urn:test',
});

export function outcomesOf(chunk: Chunk): readonly DecodeOutcome[] {
  return decodeRecord(chunk.data, context);
}

/** Values of good records; for others, code, what was received and what is expected. */
export function recordsOf(chunks: readonly Chunk[]): unknown[] {
  return chunks.flatMap(outcomesOf).map((outcome) => {
    if (outcome.kind === 'event') return outcome.value;
    const { code, received, expected } = outcome.failure;
    return { code, received, expected };
  });
}

/** `data` of the events as they are in the batches, whatever their dataset. */
export function jsonRecordsOf(chunks: readonly Chunk[]): unknown[] {
  return chunks.flatMap(({ data }) => {
    const events: unknown = JSON.parse(gunzipSync(data).toString());
    if (!Array.isArray(events)) throw new TypeError('a chunk is no CloudEvents batch');
    return events.map((event: unknown) => (isRecord(event) ? event.data : undefined));
  });
}

/** CloudEvents ids, in order. */
export function placesOf(chunks: readonly Chunk[]): unknown[] {
  return chunks.flatMap(outcomesOf).map((outcome) => {
    const event: unknown = outcome.kind === 'event' ? outcome : JSON.parse(outcome.bytes().toString());
    return typeof event === 'object' && event !== null && 'id' in event ? event.id : undefined;
  });
}

export interface Read {
  readonly chunks: readonly Chunk[];
  /** Message of the BadObject that ended it. */
  readonly bad: string | undefined;
}

/** @throws what is no BadObject */
export async function readAll(object: SourceObject, options: ReadChunksOptions): Promise<Read> {
  const chunks: Chunk[] = [];
  try {
    for await (const chunk of readChunks(object, options)) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof BadObject)) throw error;
    return { chunks, bad: error.message };
  }
  return { chunks, bad: undefined };
}
