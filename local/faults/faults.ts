/**
 * Failures of a service that a test or a person switches on: what AWS and networks do now and then, on demand. One shape for
 * every service; local/README.md says what each does where.
 */

/** What is absent or 0 does not happen. Rates are probabilities, 0 to 1, drawn for each request or entry by itself. */
export interface FaultSettings {
  /** The request is answered by the service's server error (5xx), and nothing is done. */
  readonly errorRate?: number | undefined;
  /** The request is answered by the service's throttling error, and nothing is done. */
  readonly throttleRate?: number | undefined;
  /**
   * Milliseconds before anything of the request is looked at, at most 60,000; a range is drawn from evenly. On the shared
   * clock, as upkeep: a request that waits has not been accepted, and nobody drives the clock for it.
   */
  readonly latencyMs?: number | { readonly min: number; readonly max: number } | undefined;
  /** The request is done, and answered by the service's server error all the same. */
  readonly lostAnswerRate?: number | undefined;
  /** Each entry of a batch is rejected with this probability inside the answer of the batch, and not done. */
  readonly partialRate?: number | undefined;
  /** Operations that all of the above are limited to, by AWS's names. Default: all of the service. */
  readonly operations?: readonly string[] | undefined;
  /** Lambda: the process of an invocation gets SIGKILL at a random moment. */
  readonly killRate?: number | undefined;
  /** Lambda: names of the functions that `killRate` is limited to. Default: all. */
  readonly functions?: readonly string[] | undefined;
  /** Makes the draws the same each time. Default: they are random. */
  readonly seed?: number | undefined;
}

export interface AroundOptions<Answer> {
  /** Ends the wait of `latencyMs` when it is aborted: the request is then not done. */
  readonly signal?: AbortSignal | undefined;
  /** Gets an answer that nobody will get. */
  readonly discard?: (answer: Answer) => void;
}

/** The switch of one service. */
export interface Faults {
  /** What is on; undefined when nothing is. */
  readonly settings: FaultSettings | undefined;
  /** Checks settings of unknown origin. @throws InvalidFaultSettings in one line: what is wrong, received, allowed */
  check(given: unknown): FaultSettings;
  /**
   * Ends what was on, and begins this.
   * @param random gives 0 to 1, exclusive of 1. Default: by `seed`, or `Math.random`
   * @throws InvalidFaultSettings
   */
  set(settings: FaultSettings, random?: () => number): void;
  /** Ends everything; requests that wait go on at once. */
  clear(): void;
  /**
   * Does a request under the faults that are on.
   * @param operation AWS's name of it; undefined when the request names none
   * @throws AwsError of the service, and what `act` throws
   */
  around<Answer>(
    operation: string | undefined,
    act: () => Promise<Answer>,
    options?: AroundOptions<Answer>,
  ): Promise<Answer>;
}
