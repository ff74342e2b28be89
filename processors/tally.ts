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
  // A column a kind, not an entry a failure: a batch can hold millions of failures, of some 25 kinds a dataset.
  const failures = new Map<string, Int32Array>();

  return {
    count(routed) {
      const index = routed.outcome === 'dropped' ? routed.recordIndex : routed.document.recordIndex;
      const column = counts[routed.outcome];
      column[index] = (column[index] ?? 0) + 1;
      if (routed.outcome !== 'quarantined') return;
      const kind = `${routed.dataset ?? '?'}/${routed.code}`;
      const failed = failures.get(kind) ?? new Int32Array(recordCount);
      failures.set(kind, failed);
      failed[index] = (failed[index] ?? 0) + 1;
    },
    upTo(done) {
      const [delivered = 0, quarantined = 0, dropped = 0] = OUTCOMES.map((outcome) =>
        sumOf(counts[outcome].subarray(0, done)),
      );
      return { received: delivered + quarantined + dropped, delivered, quarantined, dropped };
    },
    failuresUpTo(done) {
      const byKind = new Map<string, number>();
      for (const [kind, failed] of failures) {
        const count = sumOf(failed.subarray(0, done));
        if (count > 0) byKind.set(kind, count);
      }
      return byKind;
    },
  };
}

function sumOf(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
