/** `NextToken` of listings: opaque, and good for five minutes. */
import { z } from 'zod';
import { AwsError } from '../service.ts';

const TOKEN_LIFE_MS = 300_000;

const Token = z.object({
  issuedAtMs: z.number(),
  after: z.string(),
  stream: z.string(),
  filter: z.unknown().optional(),
});

export interface PageStart {
  /** The last name of the page before. */
  readonly after: string;
  /** Name of the stream whose shards are listed; empty for streams. */
  readonly stream: string;
  /** What the first call asked for. */
  readonly filter?: unknown;
}

export function formatPageToken(start: PageStart, nowMs: number): string {
  return Buffer.from(JSON.stringify({ ...start, issuedAtMs: nowMs })).toString('base64');
}

/** @throws AwsError `InvalidArgumentException`, `ExpiredNextTokenException` */
export function parsePageToken(token: string, nowMs: number): PageStart {
  const parsed = Token.safeParse(decode(token));
  if (!parsed.success) throw new AwsError('InvalidArgumentException', 'NextToken is none that was given out here.');
  if (nowMs - parsed.data.issuedAtMs > TOKEN_LIFE_MS)
    throw new AwsError('ExpiredNextTokenException', 'NextToken is older than 300 s.');
  return parsed.data;
}

function decode(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64').toString());
  } catch {
    return undefined;
  }
}
