/** What a benchmark is to `bench/run.ts`. */

export interface BenchmarkResult {
  /** What `--json` prints: one object. */
  readonly json: object;
  /** What a person reads. */
  readonly text: string;
}

/** @param progress takes a line of how far it has come, for standard error */
export type Benchmark = (progress: (line: string) => void) => Promise<BenchmarkResult>;
