/** A span of bytes to decode, and what it was when it arrived. */
export interface Payload {
  readonly data: Buffer;
  readonly start: number;
  readonly end: number;
  /** The payload as it arrived: for decompressed bytes, the compressed ones. */
  readonly bytes: () => Buffer;
}

/** Bytes of a payload that a failure shows. */
const SHOWN_BYTES_MAX = 16;

/** The first bytes of a payload in hex, and its length: what a failure shows of bytes that are no text. */
export function describeBytes(data: Buffer, start: number, end: number): string {
  const shown = data.toString('hex', start, Math.min(end, start + SHOWN_BYTES_MAX));
  return `${end - start} bytes starting ${shown}`;
}
