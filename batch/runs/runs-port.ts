/** Runs, as producers and the pipelines API use them. Every method throws `StateUnavailable` when the table does not answer. */
import type { NewRun, Run, RunCounts, RunStatus } from './run.ts';

export interface RunPage {
  /** The one that was changed last first. */
  readonly runs: readonly Run[];
  /** Where the next page begins; undefined: this is the last. */
  readonly next: string | undefined;
}

export interface RunsPort {
  /** Makes the run, queued; where there is one of its id, that one is as it was. @returns the run as it stands */
  open(run: NewRun): Promise<Run>;
  get(id: string): Promise<Run | undefined>;
  /**
   * The producer's word that it has put so much, in order: what is lower than what is known changes nothing. A queued run
   * is running from then on.
   * @param position where it goes on
   * @returns the run as it stands: a producer stops when it is asked to, or when all is produced
   */
  progress(id: string, told: { readonly produced: number; readonly position: string }): Promise<Run>;
  /**
   * Nothing more will be produced. The same again changes nothing.
   * @param error why the source was not read whole
   */
  finish(id: string, told: { readonly produced: number; readonly error?: string }): Promise<Run>;
  /**
   * Records that a request brought to a run of source `api`, once a request.
   * @param request tells requests apart
   * @returns undefined when the run takes no more
   */
  add(id: string, request: string, records: number): Promise<Run | undefined>;
  /** Asks for the end. A run that is queued has produced nothing, and ends. @returns undefined when there is none */
  cancel(id: string): Promise<Run | undefined>;
  /** @param next of the page before @throws RangeError for one that is none of its own */
  list(status: RunStatus, limit: number, next?: string): Promise<RunPage>;
  counts(run: Run): Promise<RunCounts>;
}
