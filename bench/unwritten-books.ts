/** Books that are not kept: a batch's terms are the deployed setting, and nothing is committed. */
import type { BooksPort } from '../processors/ports.ts';

export function createUnwrittenBooks(qualityThreshold: number): BooksPort {
  return {
    begin: async () => ({
      qualityThreshold,
      doneUpTo: '',
      attemptsAlone: 0,
      acceptedUpTo: new Map(),
      commit: async ({ done }) => done,
      release: async () => {},
    }),
  };
}
