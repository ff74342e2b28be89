/** Where verbs write: what they give on standard output, what goes on on standard error. */
import type { Output } from './verb.ts';

export interface OutputOptions {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** What ends sooner has nothing to say of its progress where nobody looks. */
const FIRST_LINE_AFTER_MS = 3_000;
/** Often enough to see in a log that it goes on. */
const LINE_EVERY_MS = 15_000;
const COLUMNS_BY_DEFAULT = 80;

/** On a terminal progress is one line that is written over and never wraps; elsewhere a line after 3 s, then every 15 s. */
export function createOutput({ out, err, now = () => performance.now() }: OutputOptions): Output {
  let shown = 0;
  let nextLineAtMs = now() + FIRST_LINE_AFTER_MS;

  function overwrite(text: string): void {
    const columns = (err.columns ?? COLUMNS_BY_DEFAULT) - 1;
    const line = text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
    if (line !== '' || shown > 0) err.write(`\r${line.padEnd(shown)}${line === '' ? '\r' : ''}`);
    shown = line.length;
  }

  return {
    print: (line) => void out.write(`${line}\n`),
    note(line) {
      if (err.isTTY) overwrite('');
      err.write(`pipeline: ${line}\n`);
    },
    progress(text) {
      if (err.isTTY) return overwrite(text);
      const nowMs = now();
      if (text === '' || nowMs < nextLineAtMs) return;
      nextLineAtMs = nowMs + LINE_EVERY_MS;
      err.write(`${text}\n`);
    },
  };
}
