/** Base64 as AWS's JSON protocols carry bytes: with padding, or without. */

/** Bytes that well-formed base64 decodes to. `Buffer.write` gives fewer when it is not well-formed. */
export function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.floor(((base64.length - padding) * 3) / 4);
}
