/**
 * Reads the body of a request once: takes off its framing, measures it, and checks it against every length and checksum
 * that the request declares, in headers or trailers. A body that fails is an error to whoever consumes it, at its end.
 */
import type { ServiceRequest } from '../service.ts';
import { AwsError } from '../service.ts';
import { type ChecksumAlgorithm, checksumAlgorithm, createChecksum } from './checksum.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { createMeasure, type Measurement } from './measurement.ts';
import { badDigest, incompleteBody, invalidRequest } from './s3-error.ts';

/** Headers that begin as those of checksums do and are not. */
const CHECKSUM_SETTINGS = new Set(['algorithm', 'mode', 'type']);
const CHECKSUM_PREFIX = 'x-amz-checksum-';

/**
 * @param consume gets the bytes; it must read to the end, and fails with the error of a bad body
 * @param alsoCompute checksums to compute though the request may not declare them
 * @throws AwsError `IncompleteBody`, `BadDigest`, `XAmzContentSHA256Mismatch`, `InvalidChunkSizeError`, `InvalidRequest`
 */
export async function receiveBody(
  request: Pick<ServiceRequest, 'headers' | 'body'>,
  consume: (bytes: AsyncIterable<Buffer>) => Promise<void>,
  alsoCompute: readonly ChecksumAlgorithm[] = [],
): Promise<Measurement> {
  const { headers } = request;
  const decoder = isChunked(headers) ? new ChunkDecoder() : undefined;
  const declared = declaredChecksums(headers);
  const trailing = trailingChecksums(headers);
  const measure = createMeasure([...declared.keys(), ...trailing, ...alsoCompute]);
  const payloadSha256 = headers['x-amz-content-sha256'] ?? '';
  const sha256 = /^[0-9a-f]{64}$/i.test(payloadSha256) ? createChecksum('sha256') : undefined;
  let result: Measurement | undefined;

  async function* checked(): AsyncGenerator<Buffer> {
    const raw = rawBytes(request.body);
    for await (const bytes of decoder ? decoder.decode(raw) : raw) {
      measure.update(bytes);
      sha256?.update(bytes);
      yield bytes;
    }
    const measurement = measure.result();
    checkLength(headers, decoder !== undefined, measurement.size);
    for (const algorithm of trailing) declared.set(algorithm, trailer(decoder, algorithm));
    for (const [algorithm, value] of declared) {
      const computed = measurement.checksums[algorithm] ?? '';
      if (value !== computed) throw badDigest(algorithm.toUpperCase(), value, computed);
    }
    checkMd5(headers['content-md5'], measurement.md5);
    checkPayloadHash(payloadSha256, sha256?.digest());
    result = measurement;
  }

  await consume(checked());
  if (!result) throw new Error('The body was not read to its end.');
  return result;
}

/** Whether the request has a checksum of its own beside those that are for the transfer alone. */
export function declaresChecksum({ headers }: Pick<ServiceRequest, 'headers'>): boolean {
  return declaredChecksums(headers).size > 0 || trailingChecksums(headers).length > 0;
}

/** @throws AwsError as `receiveBody` does, and `MaxMessageLengthExceeded` */
export async function receiveSmallBody(
  request: Pick<ServiceRequest, 'headers' | 'body'>,
  bytesMax: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  await receiveBody(request, async (body) => {
    for await (const part of body) {
      bytes += part.length;
      if (bytes > bytesMax) {
        throw new AwsError('MaxMessageLengthExceeded', `The body is longer than the ${bytesMax} bytes allowed.`, 400);
      }
      parts.push(part);
    }
  });
  return Buffer.concat(parts);
}

async function* rawBytes(body: ServiceRequest['body']): AsyncGenerator<Buffer> {
  try {
    // Destroying the body would destroy the connection, and with it the answer that says what was wrong.
    yield* body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof AwsError || !Error.isError(error) || !('code' in error)) throw error;
    if (error.code !== 'ECONNRESET' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    throw incompleteBody('The connection closed before the whole body had come.');
  }
}

function isChunked(headers: ServiceRequest['headers']): boolean {
  const encodings = (headers['content-encoding'] ?? '').split(',').map((encoding) => encoding.trim().toLowerCase());
  return (headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-') || encodings.includes('aws-chunked');
}

function declaredChecksums(headers: ServiceRequest['headers']): Map<ChecksumAlgorithm, string> {
  const declared = new Map<ChecksumAlgorithm, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(CHECKSUM_PREFIX)) continue;
    const rest = name.slice(CHECKSUM_PREFIX.length);
    if (!CHECKSUM_SETTINGS.has(rest)) declared.set(knownAlgorithm(rest), value);
  }
  return declared;
}

function trailingChecksums(headers: ServiceRequest['headers']): readonly ChecksumAlgorithm[] {
  return (headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name.startsWith(CHECKSUM_PREFIX))
    .map((name) => knownAlgorithm(name.slice(CHECKSUM_PREFIX.length)));
}

function knownAlgorithm(name: string): ChecksumAlgorithm {
  const algorithm = checksumAlgorithm(name);
  if (algorithm) return algorithm;
  throw invalidRequest(`The local s3 has no checksum ${name}; use CRC32, CRC32C, CRC64NVME, SHA1 or SHA256.`);
}

function trailer(decoder: ChunkDecoder | undefined, algorithm: ChecksumAlgorithm): string {
  const name = `${CHECKSUM_PREFIX}${algorithm}`;
  const value = decoder?.trailers.get(name);
  if (value !== undefined) return value;
  throw new AwsError('MalformedTrailerError', `x-amz-trailer announces ${name}, but it did not come.`, 400);
}

function checkLength(headers: ServiceRequest['headers'], chunked: boolean, size: number): void {
  const declared = chunked ? headers['x-amz-decoded-content-length'] : headers['content-length'];
  if (declared !== undefined && Number(declared) !== size) {
    throw incompleteBody(`The request declares ${declared} bytes, and ${size} came.`);
  }
}

function checkMd5(declared: string | undefined, computed: Buffer): void {
  if (declared === undefined) return;
  if (Buffer.from(declared, 'base64').length !== computed.length) {
    throw new AwsError('InvalidDigest', `Content-MD5 is not the base64 of an MD5: ${declared}`, 400);
  }
  if (declared !== computed.toString('base64')) throw badDigest('Content-MD5', declared, computed.toString('base64'));
}

function checkPayloadHash(declared: string, computed: Buffer | undefined): void {
  if (computed === undefined || declared.toLowerCase() === computed.toString('hex')) return;
  const message = `x-amz-content-sha256 is ${declared}, and the body received has ${computed.toString('hex')}.`;
  throw new AwsError('XAmzContentSHA256Mismatch', message, 400);
}
