/** An object of bytes in memory, that is read in pieces of a chosen size. */
import type { SourceObject } from '../../../streams/ingest/source-object.ts';

export interface MemoryObjectOptions {
  /** Default 64 KiB. */
  readonly pieceBytes?: number;
  /** Thrown once so many bytes have been read. */
  readonly failAfterBytes?: number;
}

export class ObjectUnavailable extends Error {}

export function memoryObject(key: string, bytes: Uint8Array | string, options: MemoryObjectOptions = {}): SourceObject {
  const content = Buffer.from(bytes);
  const { pieceBytes = 64 * 1024, failAfterBytes = Number.POSITIVE_INFINITY } = options;
  return {
    key,
    sizeBytes: content.length,
    async *read(from, to = content.length) {
      for (let at = from; at < to; at += pieceBytes) {
        if (at - from >= failAfterBytes) throw new ObjectUnavailable('the object cannot be read now');
        // A copy, as a socket gives it: nobody may count on the next one being its neighbour.
        yield Uint8Array.from(content.subarray(at, Math.min(to, at + pieceBytes)));
      }
    },
  };
}
