/**
 * How the records of a run are read, one way for each kind of source. Whatever the source, `produceRun` puts what it gives
 * onto the stream, keeps the position and ends the run.
 */
import type { Run } from '../runs/run.ts';

/** A record that is put on the stream. */
export interface StreamRecordData {
  readonly partitionKey: string;
  readonly data: Buffer;
}

/** A step of a run, and where the run stands once it is done. */
export interface RunStep {
  /**
   * What is put on the stream: a chunk of `streams/ingest/`. Undefined: nothing is, and the position is kept before the next
   * step is asked for, so that a later attempt knows what was decided here, such as which version of an object is read.
   */
  readonly record: StreamRecordData | undefined;
  /** Distinct records of the run up to the end of this step. */
  readonly produced: number;
  /** Where the run goes on after it: what `ReadRun` is given as `run.position` the next time. */
  readonly position: string;
}

/** The time of an invocation. */
export interface Deadline {
  /** True from the moment on at which the invocation is to be ended in good order. */
  isOver(): boolean;
}

/**
 * Reads a run from `run.position` on; the same position always gives the same steps.
 *
 * @param deadline of the invocation. Nobody needs to watch it between steps; what reads for long without giving one throws
 *   `TimeOver`
 * @throws BadObject when what was asked for cannot be read, now or later: the run ends with its message as its error, and
 *   keeps what was given before. LeftToBackfill for an object that is too large. Any other error is met by a later attempt
 */
export type ReadRun = (run: Run, deadline: Deadline) => AsyncIterable<RunStep>;

/** The invocation's time is over in the midst of reading: the run goes on from the last position with the next. */
export class TimeOver extends Error {
  constructor() {
    super('the time of the invocation is over');
    this.name = 'TimeOver';
  }
}
