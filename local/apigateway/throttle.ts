/**
 * Throttling as API Gateway does it: token buckets, and quotas of usage plans, on the shared clock and in memory.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
 */
import type { Clock } from '../clock.ts';
import type { Throttle, UsagePlan } from './rest-api.ts';

/** What an account has in a region. */
const ACCOUNT_RATE = 10_000;
const ACCOUNT_BURST = 5_000;
const DAY_MS = 86_400_000;
const QUOTA_DAYS = { DAY: 1, WEEK: 7, MONTH: 30 } as const;

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

export class Throttles {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #buckets = new Map<string, Bucket>();
  readonly #used = new Map<string, { requests: number; endsAtMs: number }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Takes a token of each bucket, or of none. @param limits by names that are the same for each request of a kind */
  take(limits: readonly (readonly [name: string, throttle: Throttle])[]): boolean {
    const buckets = limits.map(([name, throttle]) => this.#filled(name, throttle));
    if (buckets.some(({ tokens }) => tokens < 1)) return false;
    for (const bucket of buckets) bucket.tokens -= 1;
    return true;
  }

  /** Counts a request of a key; false when its plan has no more of them until the period ends. */
  use(plan: UsagePlan, keyId: string): boolean {
    if (!plan.quota) return true;
    const nowMs = this.#clock.now();
    const name = `${plan.id} ${keyId}`;
    const before = this.#used.get(name);
    const current =
      before && before.endsAtMs > nowMs ? before : { requests: 0, endsAtMs: periodEndMs(plan.quota.period, nowMs) };
    this.#used.set(name, current);
    if (current.requests >= plan.quota.limit) return false;
    current.requests += 1;
    return true;
  }

  #filled(name: string, { rateLimit = ACCOUNT_RATE, burstLimit = ACCOUNT_BURST }: Throttle): Bucket {
    const nowMs = this.#clock.now();
    const bucket = this.#buckets.get(name) ?? { tokens: burstLimit, filledAtMs: nowMs };
    const passedMs = Math.max(0, nowMs - bucket.filledAtMs);
    bucket.tokens = Math.min(burstLimit, bucket.tokens + (passedMs / 1_000) * rateLimit);
    bucket.filledAtMs = nowMs;
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

/** Periods are days of UTC here: 1, 7 or 30 of them. */
function periodEndMs(period: keyof typeof QUOTA_DAYS, nowMs: number): number {
  const lengthMs = QUOTA_DAYS[period] * DAY_MS;
  return (Math.floor(nowMs / lengthMs) + 1) * lengthMs;
}
