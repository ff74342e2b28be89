/** What of the books is compared: hours of arrival, and a run. */

import type { JournalEntry, JournalGroup } from '../../processors/books/journal-entry.ts';
import { formatHour } from '../../schemas/timestamp.ts';

const HOUR_MS = 3_600_000;

export interface Scope {
  /** First moment of arrival, the start of an hour; epoch milliseconds. Default: the first there is. */
  readonly fromMs?: number;
  /** End of the last hour of arrival, not included; epoch milliseconds. Default: now. */
  readonly toMs?: number;
  /** Default: whatever its run. */
  readonly runId?: string;
}

/** Whether all there is gets compared, the ledger included. */
export function isWhole({ fromMs, toMs, runId }: Scope): boolean {
  return fromMs === undefined && toMs === undefined && runId === undefined;
}

export function holdsGroup({ fromMs, toMs, runId }: Scope, group: JournalGroup): boolean {
  if (runId !== undefined && group.runId !== runId) return false;
  return (
    (fromMs === undefined || group.hour >= formatHour(fromMs)) && (toMs === undefined || group.hour < formatHour(toMs))
  );
}

/** Whether records of an entry may have arrived within the hours. */
export function overlapsEntry({ fromMs, toMs }: Scope, { arrivedFromMs, arrivedToMs }: JournalEntry): boolean {
  return (fromMs === undefined || arrivedToMs >= fromMs) && (toMs === undefined || arrivedFromMs < toMs);
}

/** The start of the hour that a moment lies in. */
export function hourStartMs(epochMs: number): number {
  return Math.floor(epochMs / HOUR_MS) * HOUR_MS;
}

/** Hours that a batch may reach over the end of a scope, in either consumer. */
const MARGIN_HOURS = 24;

/** Hours in which tape objects of the scope may stand; undefined: in any. */
export function tapeHours({ fromMs, toMs }: Scope, nowMs: number): { from: string; to: string } | undefined {
  if (fromMs === undefined) return undefined;
  const marginMs = MARGIN_HOURS * HOUR_MS;
  return { from: formatHour(fromMs - marginMs), to: formatHour(Math.min(toMs ?? nowMs, nowMs) + marginMs) };
}
