/** Where the live view goes: a screen redrawn in place on a terminal, a line now and then elsewhere, or JSON lines. */
import { renderLine, renderScreen, type Snapshot } from './view.ts';

export interface Display {
  show(snapshot: Snapshot): void;
  /** A line that stays. */
  say(line: string): void;
  /** What should be known though nobody asked; on a screen it waits until the screen is closed. */
  warn(line: string): void;
  close(): void;
}

export interface DisplayOptions {
  readonly json: boolean;
  /** Default: standard output. */
  readonly out?: NodeJS.WriteStream;
}

/** Without a terminal a line is enough every ten seconds. */
const LINE_EVERY_MS = 10_000;
const ALTERNATE_SCREEN = { enter: '\u001b[?1049h\u001b[?25l', leave: '\u001b[?25h\u001b[?1049l' };
const HOME = '\u001b[H';
const CLEAR_TO_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const COLUMNS_BY_DEFAULT = 100;
const WARNINGS_KEPT = 20;

export function createDisplay({ json, out = process.stdout }: DisplayOptions): Display {
  if (json) return lines(out, (snapshot) => JSON.stringify(snapshot));
  return out.isTTY ? screen(out) : lines(out, renderLine);
}

function lines(out: NodeJS.WriteStream, render: (snapshot: Snapshot) => string): Display {
  let nextAtMs = 0;
  let unshown: Snapshot | undefined;
  const write = (snapshot: Snapshot): void => void out.write(`${render(snapshot)}\n`);
  return {
    show(snapshot) {
      unshown = snapshot;
      const nowMs = performance.now();
      if (nowMs < nextAtMs) return;
      nextAtMs = nowMs + LINE_EVERY_MS;
      unshown = undefined;
      write(snapshot);
    },
    say: (line) => void process.stderr.write(`${line}\n`),
    warn: (line) => void process.stderr.write(`${line}\n`),
    close() {
      if (unshown) write(unshown);
      unshown = undefined;
    },
  };
}

function screen(out: NodeJS.WriteStream): Display {
  const warnings: string[] = [];
  let last: Snapshot | undefined;
  let isOpen = false;
  return {
    show(snapshot) {
      if (!isOpen) out.write(ALTERNATE_SCREEN.enter);
      isOpen = true;
      last = snapshot;
      const rows = renderScreen(snapshot, out.columns ?? COLUMNS_BY_DEFAULT).slice(
        0,
        Math.max(1, (out.rows ?? 40) - 1),
      );
      out.write(`${HOME}${rows.map((row) => `${row}${CLEAR_TO_LINE_END}\n`).join('')}${CLEAR_BELOW}`);
    },
    say: (line) => void out.write(`${line}\n`),
    warn(line) {
      warnings.push(line);
      if (warnings.length > WARNINGS_KEPT) warnings.shift();
    },
    close() {
      if (isOpen) out.write(ALTERNATE_SCREEN.leave);
      isOpen = false;
      if (last) out.write(`${renderLine(last)}\n`);
      for (const line of warnings.splice(0)) process.stderr.write(`${line}\n`);
    },
  };
}
