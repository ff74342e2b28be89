/** What becomes of a user event. */
export type EventKind =
  | 'good'
  /** Scores 2/3: below one threshold that is deployed, above another. */
  | 'odd'
  /** Its schema refuses it. */
  | 'invalid'
  | 'throws'
  | 'garbage'
  | 'drop'
  /** Ends the process whenever it is transformed. */
  | 'poison'
  /** Garbage that is too large for its row. */
  | 'large';
