/** What a benchmark is to `bench/run.ts`. */

export interface BenchmarkResult {
  /** What `--json` prints: one object. */
  readonly json: object;
  /** What a person reads. */
  readonly text: string;
}

export interface BenchmarkOptions {
  /** How much there is to do, where a benchmark can be told. Default: its own. */
  readonly bytes?: number | undefined;
}

/** @param progress takes a line of how far it has come, for standard error */
export type Benchmark = (progress: (line: string) => void, options?: BenchmarkOptions) => Promise<BenchmarkResult>;
