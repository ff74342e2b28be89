/**
 * Claims on what may be processed once. The owner is the claimant's position, so an attempt that is made again passes;
 * a higher generation, which a record has that is played once more, passes again.
 */
import type { Claim, ClaimsPort, ClockPort } from '../ports.ts';
import { claimKey } from './keys.ts';
import { ConditionFailed, type StatePut, type StateTablePort } from './state-table.ts';

/** Writes of a transaction: amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
const CLAIMS_PER_TRANSACTION_MAX = 100;

/** How long a claim is kept: longer than any record is tried again, and than most sources repeat themselves. */
export const CLAIM_DAYS = 30;
const DAY_SECONDS = 86_400;

export function createClaims(table: StateTablePort, clock: ClockPort): ClaimsPort {
  /** Claims all that are free at once; what is held is left out, and the rest is asked for again. */
  async function claimSome(claims: ReadonlyMap<number, Claim>, refused: Set<number>): Promise<void> {
    const expires_at = Math.floor(clock.now() / 1000) + CLAIM_DAYS * DAY_SECONDS;
    let asked = [...claims];
    while (asked.length > 0) {
      try {
        await table.transact(
          asked.map(([, { subject, owner, generation }]): StatePut => {
            return {
              kind: 'put',
              key: claimKey(subject),
              attributes: { owner, generation, expires_at },
              when: 'claim',
            };
          }),
        );
        return;
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
        for (const at of error.failed.keys()) refused.add(asked[at]?.[0] ?? -1);
        asked = asked.filter((_, at) => !error.failed.has(at));
      }
    }
  }

  /** Claims of distinct subjects. */
  async function claimAll(claims: readonly [number, Claim][], refused: Set<number>): Promise<void> {
    for (let at = 0; at < claims.length; at += CLAIMS_PER_TRANSACTION_MAX) {
      await claimSome(new Map(claims.slice(at, at + CLAIMS_PER_TRANSACTION_MAX)), refused);
    }
  }

  return {
    async claim(claims) {
      const refused = new Set<number>();
      let waiting: readonly [number, Claim][] = [...claims.entries()];
      while (waiting.length > 0) {
        const now = new Map<string, [number, Claim]>();
        // A transaction takes no item twice.
        const others: [number, Claim][] = [];
        for (const [index, claim] of waiting) {
          if (now.has(claim.subject)) others.push([index, claim]);
          else now.set(claim.subject, [index, claim]);
        }
        await claimAll([...now.values()], refused);
        waiting = others.filter(([index, claim]) => {
          const [first = -1, holder] = now.get(claim.subject) ?? [];
          // Where the first of them was refused, another of them may be the one that holds it.
          if (holder === undefined || refused.has(first) || claim.generation > holder.generation) return true;
          if (claim.owner !== holder.owner) refused.add(index);
          return false;
        });
      }
      return refused;
    },
  };
}
