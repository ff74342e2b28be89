import { createReadStream, type ReadStream } from 'node:fs';
import type { ByteRange } from './byte-range.ts';

/** Bytes read at once: with the 64 KiB of Node's default, half the time of a large copy goes into waiting for the next. */
const READ_BYTES = 512 * 1024;

/** The content of a file, or of a descriptor, which is closed at the end. */
export function readContent(source: string | number, range?: ByteRange): ReadStream {
  const part = range && { start: range.first, end: range.last };
  const options = { highWaterMark: READ_BYTES, ...part };
  return typeof source === 'string'
    ? createReadStream(source, options)
    : createReadStream('', { fd: source, ...options });
}
