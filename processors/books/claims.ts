/**
 * Claims on what may be processed once. The owner is the claimant's position, so an attempt that is made again passes;
 * a higher generation, which redrive and recovery give, passes once more.
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

  return {
    async claim(claims) {
      const refused = new Set<number>();
      const holders = new Map<string, string>();
      let some = new Map<number, Claim>();
      for (const [index, claim] of claims.entries()) {
        const holder = holders.get(claim.subject);
        // The first of those in hand has it: a transaction takes no item twice.
        if (holder !== undefined && holder !== claim.owner) refused.add(index);
        if (holder !== undefined) continue;
        holders.set(claim.subject, claim.owner);
        some.set(index, claim);
        if (some.size < CLAIMS_PER_TRANSACTION_MAX) continue;
        await claimSome(some, refused);
        some = new Map();
      }
      await claimSome(some, refused);
      return refused;
    },
  };
}
