/** An hour of arrival on a command line. */
import { UsageError } from './verb.ts';

const HOUR = /^\d{4}-\d{2}-\d{2}T\d{2}$/;

/**
 * @param option such as `--from`
 * @param value such as `2026-11-25T07`, UTC
 * @returns its start, epoch milliseconds; undefined for none
 * @throws UsageError
 */
export function readHour(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const epochMs = HOUR.test(value) ? Date.parse(`${value}:00:00Z`) : Number.NaN;
  if (Number.isNaN(epochMs)) {
    throw new UsageError(`${option}: received ${value}, allowed: an hour such as 2026-11-25T07, UTC`);
  }
  return epochMs;
}

/** The first hour and the last, which is the first or a later one. @throws UsageError */
export function readHours(from: string | undefined, to: string | undefined) {
  const [fromMs, toMs] = [readHour('--from', from), readHour('--to', to)];
  if (fromMs !== undefined && toMs !== undefined && toMs < fromMs) {
    throw new UsageError(`--to: received ${to}, allowed: an hour from ${from} on`);
  }
  return { fromMs, toMs };
}
