/** Counts events by outcome, so that a batch that was done in part is counted in part: a retry counts the rest. */
import type { BatchCounts } from './ports.ts';
import type { Routed } from './stages/route.ts';

export interface Tally {
  count(routed: Routed): void;
  /** Events of the records before index `done`. */
  upTo(done: number): BatchCounts;
  /** The quarantined ones of them by `<dataset>/<code>`; `?` where the dataset could not be told. */
  failuresUpTo(done: number): ReadonlyMap<string, number>;
}

const OUTCOMES = ['delivered', 'quarantined', 'dropped'] as const;

export function createTally(recordCount: number): Tally {
  const counts = {
    delivered: new Int32Array(recordCount),
    quarantined: new Int32Array(recordCount),
    dropped: new Int32Array(recordCount),
  };
  const failures: { readonly index: number; readonly kind: string }[] = [];

  return {
    count(routed) {
      const index = routed.outcome === 'dropped' ? routed.recordIndex : routed.document.recordIndex;
      const column = counts[routed.outcome];
      column[index] = (column[index] ?? 0) + 1;
      if (routed.outcome !== 'quarantined') return;
      failures.push({ index, kind: `${routed.dataset ?? '?'}/${routed.code}` });
    },
    upTo(done) {
      const [delivered = 0, quarantined = 0, dropped = 0] = OUTCOMES.map((outcome) =>
        counts[outcome].subarray(0, done).reduce((sum, value) => sum + value, 0),
      );
      return { received: delivered + quarantined + dropped, delivered, quarantined, dropped };
    },
    failuresUpTo(done) {
      const byKind = new Map<string, number>();
      for (const { index, kind } of failures) {
        if (index < done) byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
      }
      return byKind;
    },
  };
}
