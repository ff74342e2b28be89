import { accountedFor, type ShownRun } from './shown-run.ts';

/**
 * What a run waits for, in words; undefined while its counts move, which say more.
 *
 * The books are folded once a minute (`infra/ledger.ts`), and Firehose gathers rows for its buffer interval before it writes
 * them (`infra/settings.ts`): with the 60 s of a laptop a run ends 1 to 2 minutes after it was put, with the 300 s of
 * production after about 6.
 */
export function runWait(run: ShownRun): string | undefined {
  const { status, produced, all_produced, error } = run;
  if (status === 'queued') return 'queued: nothing of it is on the stream yet';
  if (error !== null && all_produced) return `${error}: the run ends with the next count, which is made once a minute`;
  if (status === 'landing') return 'delivered; waiting for rows to land, up to about 2 minutes (production: 6)';
  if (!all_produced) return undefined;
  const accounted = accountedFor(run);
  if (accounted > 0 && accounted < produced) return undefined;
  return 'put on the stream; what came of it is counted once a minute, then rows land';
}
