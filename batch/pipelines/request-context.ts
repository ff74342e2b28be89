import { createHash } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { ApiRequest } from './api-request.ts';
import type { PipelinesPorts } from './ports.ts';
import type { PipelinesSettings } from './settings.ts';

/** What a route has. */
export interface RouteContext {
  readonly settings: PipelinesSettings;
  readonly ports: PipelinesPorts;
  readonly remainingTimeMs: () => number;
}

/** Visible ASCII and spaces, as a header has them. */
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

/** @returns undefined when there is none @throws ApiError for one that is too long */
export function idempotencyKey({ headers }: ApiRequest): string | undefined {
  const key = headers.get('idempotency-key')?.trim();
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return key;
  throw new ApiError(
    'INVALID_REQUEST',
    `Idempotency-Key: received ${key.length} characters, allowed: 1 to 255 of visible ASCII`,
  );
}

/** 32 hex digits that tell lists of texts apart. */
export function digest(...texts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  // The length first: no two lists run together to the same bytes.
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n`).update(text);
  return hash.digest('hex').slice(0, 32);
}

/** Does the work once a key, and each time where there is no key. */
export async function onceByKey(
  { ports, remainingTimeMs }: RouteContext,
  key: string | undefined,
  bodyHash: string,
  work: () => Promise<string>,
): Promise<string> {
  return key === undefined ? work() : ports.once.once({ key, bodyHash }, remainingTimeMs, work);
}
