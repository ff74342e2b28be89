/** How far long work has come: a bar, a rate and the time that is left, in one line that is written over. */
import type { Output } from './verb.ts';

export type ProgressUnit = 'records' | 'bytes';

export interface ProgressOptions {
  /** In a word: `uploading`. */
  readonly doing: string;
  readonly unit: ProgressUnit;
  readonly output: Pick<Output, 'progress'>;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

export interface Progress {
  /** @param total undefined: not known, so there is no bar and no end */
  update(done: number, total?: number, note?: string): void;
  /** Takes the line away. */
  close(): void;
}

/** The rate is that of the last seconds: what was minutes ago says little of when it ends. */
const RATE_OVER_MS = 10_000;
/** Nobody reads faster. */
const SHOWN_EVERY_MS = 100;

export function createProgress({ doing, unit, output, now = () => performance.now() }: ProgressOptions): Progress {
  const seen: { readonly atMs: number; readonly done: number }[] = [];
  let shownAtMs = Number.NEGATIVE_INFINITY;
  return {
    update(done, total, note) {
      const atMs = now();
      if (atMs - shownAtMs < SHOWN_EVERY_MS && done !== total) return;
      shownAtMs = atMs;
      seen.push({ atMs, done });
      while (seen.length > 2 && atMs - (seen[0]?.atMs ?? atMs) > RATE_OVER_MS) seen.shift();
      const [first = { atMs, done }] = seen;
      const perSecond = atMs > first.atMs ? ((done - first.done) * 1_000) / (atMs - first.atMs) : 0;
      output.progress(renderProgress({ doing, unit, done, total, perSecond, note }));
    },
    close: () => output.progress(''),
  };
}

export interface ProgressState {
  readonly doing: string;
  readonly unit: ProgressUnit;
  readonly done: number;
  readonly total?: number | undefined;
  readonly perSecond: number;
  readonly note?: string | undefined;
}

const BAR_CELLS = 24;

/** `uploading  ████████░░░░░░░░░░░░░░░░  33 %  33.0 MB of 100.0 MB  11.0 MB/s  6 s left` */
export function renderProgress({ doing, unit, done, total, perSecond, note }: ProgressState): string {
  const share = total === undefined ? undefined : total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor((share ?? 0) * BAR_CELLS);
  const leftSeconds = total !== undefined && perSecond > 0 && done < total ? (total - done) / perSecond : undefined;
  const parts = [
    doing,
    ...(share === undefined
      ? [amount(done, unit)]
      : [
          `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}`,
          `${Math.floor(share * 100)} %`,
          `${amount(done, unit)} of ${amount(total ?? 0, unit)}`,
        ]),
    `${amount(Math.round(perSecond), unit)}/s`,
    ...(leftSeconds === undefined ? [] : [`${duration(leftSeconds)} left`]),
    ...(note === undefined ? [] : [note]),
  ];
  return parts.join('  ');
}

/** A count of records, or bytes in MB of 10⁶. */
export function amount(value: number, unit: ProgressUnit): string {
  return unit === 'bytes' ? `${(value / 1e6).toFixed(1)} MB` : `${value.toLocaleString('en-US')} records`;
}

/** `7 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
