/** Objects in memory, read by ranges as those of S3 are. */
import { createHash } from 'node:crypto';
import { ObjectError, type ObjectsPort, type StoredObject } from '../../../processors/landed/objects.ts';

export interface MemoryObjects extends ObjectsPort {
  put(bucket: string, key: string, content: Uint8Array | string): StoredObject;
  /** Bytes that each read asked for. */
  readonly reads: readonly number[];
  /** Most reads that were under way at once. */
  readonly atOnceMax: () => number;
}

export function createMemoryObjects(): MemoryObjects {
  const contents = new Map<string, Buffer>();
  const reads: number[] = [];
  let [atOnce, most] = [0, 0];
  return {
    reads,
    atOnceMax: () => most,
    put(bucket, key, content) {
      const bytes = Buffer.from(content);
      contents.set(`${bucket}/${key}`, bytes);
      return { bucket, key, sizeBytes: bytes.length, etag: etagOf(bytes) };
    },
    async read(object, from, to) {
      reads.push(to - from);
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      const bytes = contents.get(`${object.bucket}/${object.key}`);
      if (!bytes) throw new ObjectError(object, 'NoSuchKey');
      if (etagOf(bytes) !== object.etag) throw new ObjectError(object, 'PreconditionFailed');
      return bytes.subarray(from, to);
    },
  };
}

function etagOf(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
