/**
 * The Ledger function: folds the journal into the ledger until nothing is left or its time is short, and then brings runs as
 * far as the ledger says. A schedule invokes it; what it does not get to, the next invocation does.
 */
import type { Context } from 'aws-lambda';
import { type StateTablePort, StateUnavailable } from '../../processors/books/state-table.ts';
import type { NamedStreamPort } from '../../processors/books/stream-info.ts';
import type { ClockPort } from '../../processors/ports.ts';
import { advanceRuns } from '../runs/advance-runs.ts';
import { runsLogLine } from '../runs/runs-log-line.ts';
import { foldLedger } from './fold.ts';
import { type FoldTotals, foldLogLine, foldTotals } from './ledger-log-line.ts';
import type { ShardFoldReport } from './shard-fold.ts';

export interface LedgerSettings {
  readonly streamName: string;
  /** CloudWatch namespace of the embedded metrics. */
  readonly metricsNamespace: string;
}

export interface LedgerPorts {
  readonly table: StateTablePort;
  readonly streams: NamedStreamPort;
  readonly clock: ClockPort;
  /** Takes one JSON line an invocation, and one more when a run came further. */
  readonly log: (line: string) => void;
}

export type LedgerHandler = (event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>) => Promise<FoldTotals>;

/** Kept back of the invocation's time: a transaction that is under way takes two calls to the table, 5 s each at most. */
export const RESERVE_MS = 12_000;

/** A table or a stream that does not answer is reported, not thrown: what is not folded now is folded next time. */
export function createLedgerHandler(settings: LedgerSettings, ports: LedgerPorts): LedgerHandler {
  const { table, streams, clock } = ports;
  return async (_event, context) => {
    const startedAtMs = clock.now();
    const stopAtMs = startedAtMs + context.getRemainingTimeInMillis() - RESERVE_MS;
    const isTimeUp = () => clock.now() >= stopAtMs;
    let shards: readonly ShardFoldReport[] = [];
    let reason: string | undefined;
    try {
      const stream = await streams.refOf(settings.streamName);
      shards = await foldLedger(stream, { table, clock, isTimeUp });
      const line = runsLogLine(
        settings.metricsNamespace,
        clock.now(),
        await advanceRuns(stream, { table, clock, isTimeUp }),
      );
      if (line !== undefined) ports.log(line);
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error;
      reason = error.message;
    }
    const atMs = clock.now();
    const durationMs = atMs - startedAtMs;
    ports.log(foldLogLine({ namespace: settings.metricsNamespace, atMs, durationMs, shards, reason }));
    return foldTotals(shards, atMs);
  };
}
