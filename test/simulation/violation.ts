/** A promise of the pipeline that a run of the simulation saw broken. */
export class Violation extends Error {
  /** Which promise, such as `counted once`: a scenario is shrunk while it breaks the same one. */
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}
