/** What the books say of a run: its own ledger, and what was given up of it. */
import { runLedgerKey } from '../../processors/books/keys.ts';
import { numberOf, type StateTablePort } from '../../processors/books/state-table.ts';
import { SCORE_UNITS } from '../ledger/gains.ts';
import type { RunCounts } from './run.ts';

/** @throws StateUnavailable */
export async function readRunCounts(table: StateTablePort, id: string): Promise<RunCounts> {
  const ledger = await table.get(runLedgerKey(id));
  const delivered = numberOf(ledger, 'delivered');
  return {
    delivered,
    quarantined: numberOf(ledger, 'quarantined'),
    dropped: numberOf(ledger, 'dropped'),
    duplicate: numberOf(ledger, 'duplicate'),
    parked: 0,
    landed: undefined,
    qualityScore: delivered === 0 ? undefined : numberOf(ledger, 'score_millionths') / SCORE_UNITS / delivered,
  };
}
