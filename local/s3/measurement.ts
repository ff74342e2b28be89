/** Size, MD5 and checksums of content, taken as its bytes pass. */
import { type ChecksumAlgorithm, createChecksum } from './checksum.ts';

export interface Measurement {
  readonly size: number;
  readonly md5: Buffer;
  /** In base64. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

export interface Measure {
  readonly update: (bytes: Buffer) => void;
  /** To be called once, at the end. */
  readonly result: () => Measurement;
}

export function createMeasure(algorithms: Iterable<ChecksumAlgorithm>): Measure {
  const checksums = [...new Set(algorithms)].map((algorithm) => [algorithm, createChecksum(algorithm)] as const);
  const md5 = createChecksum('md5');
  let size = 0;
  return {
    update(bytes) {
      size += bytes.length;
      md5.update(bytes);
      for (const [, checksum] of checksums) checksum.update(bytes);
    },
    result() {
      const digests: Partial<Record<ChecksumAlgorithm, string>> = {};
      for (const [algorithm, checksum] of checksums) digests[algorithm] = checksum.digest().toString('base64');
      return { size, md5: md5.digest(), checksums: digests };
    },
  };
}

/** Passes bytes on and measures them. */
export async function* measured(bytes: AsyncIterable<Buffer>, measure: Measure): AsyncGenerator<Buffer> {
  for await (const part of bytes) {
    measure.update(part);
    yield part;
  }
}
