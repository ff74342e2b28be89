/** Full-jitter backoff: a random wait up to a ceiling that doubles (aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter). */

export interface Backoff {
  readonly baseMs: number;
  readonly ceilingMs: number;
  /** 0 to 1, such as `Math.random`. */
  readonly random: () => number;
}

/** @param attempt 0 for the wait after the first attempt */
export function backoffMs({ baseMs, ceilingMs, random }: Backoff, attempt: number): number {
  return random() * Math.min(ceilingMs, baseMs * 2 ** attempt);
}
