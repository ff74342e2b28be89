/** What the books say of a run: its own ledger, and what was given up of it. */
import { runKey, runLedgerKey, type StreamRef } from '../../processors/books/keys.ts';
import { numberOf, type StateTablePort } from '../../processors/books/state-table.ts';
import { SCORE_UNITS } from '../ledger/gains.ts';
import { ENDED, type RunCounts } from './run.ts';
import { readStoredRun } from './run-item.ts';
import { readParked } from './run-parked.ts';

/**
 * @param stream as of `readParked`
 * @throws StateUnavailable
 */
export async function readRunCounts(table: StateTablePort, id: string, stream?: StreamRef): Promise<RunCounts> {
  // In this order: what is folded in between is then missing from both, and never in both.
  const ledger = await table.get(runLedgerKey(id));
  const parked = await readParked(table, id, stream);
  const item = await table.get(runKey(id));
  const run = item && readStoredRun(item);
  const [delivered, quarantined] = [numberOf(ledger, 'delivered'), numberOf(ledger, 'quarantined')];
  const [dropped, duplicate] = [numberOf(ledger, 'dropped'), numberOf(ledger, 'duplicate')];
  const left = (run?.produced ?? 0) - delivered - quarantined - dropped - duplicate;
  const hasEnded = run !== undefined && ENDED.has(run.status);
  return {
    delivered,
    quarantined,
    dropped,
    duplicate,
    // Nobody marks what is processed of a run that has ended: it balances by its ledger.
    parked: hasEnded ? Math.max(0, Math.min(parked, left)) : parked,
    landed: run?.landedRows,
    qualityScore: delivered === 0 ? undefined : numberOf(ledger, 'score_millionths') / SCORE_UNITS / delivered,
  };
}
