/** The first bytes after all keys with the prefix: UTF-8 has no byte 255, so the last byte can be raised. */
export function upperBound(prefix: Uint8Array): Buffer {
  if (prefix.length === 0) return Buffer.of(0xff);
  const bound = Buffer.from(prefix);
  bound[bound.length - 1] = (bound.at(-1) ?? 0) + 1;
  return bound;
}
