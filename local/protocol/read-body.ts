/** Collects a request's body under a cap. */
import type { Readable } from 'node:stream';
import { AwsError } from '../service.ts';

/** @throws AwsError `RequestEntityTooLarge` (413) once more than `bytesMax` bytes have come */
export async function readBody(body: Readable, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bytesMax) {
      throw new AwsError('RequestEntityTooLarge', `The request body exceeds the ${bytesMax} bytes allowed here.`, 413);
    }
    parts.push(part);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}
