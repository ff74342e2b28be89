/** A verb of `npm run pipeline`: one file each. */

export interface Verb {
  readonly name: string;
  /** A line in the list of verbs. */
  readonly summary: string;
  /** The whole text of `--help`. */
  readonly help: string;
  /**
   * @param args what follows the verb, without `--help`
   * @returns the exit code
   * @throws UsageError for a wrong command line; any other Error is told in one line
   */
  run(args: readonly string[], output: Output): Promise<number>;
}

export interface Output {
  /** A line on standard output. */
  readonly print: (line: string) => void;
  /** A line on standard error that stays, for a person: of what standard output cannot tell, such as that there is nothing. */
  readonly note: (line: string) => void;
  /** What goes on: on a terminal written over the line before, elsewhere a line now and then. An empty text takes it away. */
  readonly progress: (text: string) => void;
}

/** What is wrong with a command line; its message is one line. */
export class UsageError extends Error {}
