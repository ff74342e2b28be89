/**
 * Books that are not kept: a batch's terms are the moment it starts and the deployed setting, and nothing is committed.
 * A retry may thus decide an event on the edge of its window otherwise than the first attempt did.
 */
import type { BooksPort, ClockPort } from '../ports.ts';

export function createUnwrittenBooks(clock: ClockPort, qualityThreshold: number): BooksPort {
  return {
    begin: async () => ({ evaluatedAtMs: clock.now(), qualityThreshold }),
    commit: async () => {},
  };
}
