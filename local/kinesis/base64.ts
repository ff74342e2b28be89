/** The data of an entry as it came: base64 in a string, or in the bytes of the call's body. */

export interface Base64Span {
  readonly body: Buffer;
  readonly from: number;
  readonly to: number;
}

export type Base64 = string | Base64Span;

const PADDING = 0x3d;

/** Bytes that well-formed base64 decodes to. */
export function decodedBytes(data: Base64): number {
  if (typeof data === 'string') {
    return byteCount(data.length, data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0);
  }
  const { body, from, to } = data;
  const length = to - from;
  const isPadded = length > 0 && body[to - 1] === PADDING;
  return byteCount(length, isPadded ? (length > 1 && body[to - 2] === PADDING ? 2 : 1) : 0);
}

/** @returns bytes written: fewer than `decodedBytes` when it is not well-formed */
export function writeDecoded(data: Base64, target: Buffer, at: number): number {
  const text = typeof data === 'string' ? data : data.body.toString('latin1', data.from, data.to);
  return target.write(text, at, 'base64');
}

function byteCount(length: number, padding: number): number {
  return Math.floor(((length - padding) * 3) / 4);
}
