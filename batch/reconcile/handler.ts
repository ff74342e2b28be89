/**
 * The Reconcile function: compares the books with what entered and what is at rest, or traces one record. A schedule invokes
 * it, and whoever may invoke it asks it questions; so they need no other permission.
 */
import type { Context } from 'aws-lambda';
import { type TracePorts, type TraceReport, trace } from '../trace/trace.ts';
import { fitReport } from './fit-report.ts';
import { type ReconcileSettings, reconcile } from './reconcile.ts';
import { reconcileLogLine } from './reconcile-log-line.ts';
import { RefusedRequest } from './refused-request.ts';
import type { ReconcileReport } from './report.ts';
import { readRequest } from './request.ts';

export interface ReconcileHandlerSettings extends ReconcileSettings {
  /** CloudWatch namespace of the embedded metrics. */
  readonly metricsNamespace: string;
}

export interface ReconcileHandlerPorts extends Omit<TracePorts, 'isTimeUp'> {
  /** Takes one JSON line an invocation. */
  readonly log: (line: string) => void;
}

/** The answer to what makes no sense, in one line. It is no error of the function: those have an alarm, which no typing slip is worth. */
export interface Refusal {
  readonly refused: string;
}

export type ReconcileHandler = (
  event: unknown,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
) => Promise<ReconcileReport | TraceReport | Refusal>;

/** Kept back of the time that a search may take. */
const RESERVE_MS = 30_000;

/** @throws StateUnavailable, ReadError from the function that it gives */
export function createReconcileHandler(
  settings: ReconcileHandlerSettings,
  ports: ReconcileHandlerPorts,
): ReconcileHandler {
  const { clock } = ports;

  async function answer(event: unknown, endsInMs: number): Promise<ReconcileReport | TraceReport> {
    const startedAtMs = clock.now();
    const asked = readRequest(event);
    const endMs = startedAtMs + endsInMs - RESERVE_MS;
    if (asked.action === 'trace') {
      const report = await trace(asked.subject, settings, { ...ports, isTimeUp: () => clock.now() >= endMs });
      const { subject, records } = report;
      ports.log(JSON.stringify({ level: 'INFO', message: 'traced', subject, records: records.length }));
      return report;
    }
    const report = await reconcile(asked.request, settings, ports);
    const atMs = clock.now();
    const durationMs = atMs - startedAtMs;
    ports.log(reconcileLogLine({ namespace: settings.metricsNamespace, atMs, durationMs, report }));
    return fitReport(report);
  }

  return async (event, context) => {
    try {
      return await answer(event, context.getRemainingTimeInMillis());
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error;
      ports.log(JSON.stringify({ level: 'WARN', message: 'refused', reason: error.message }));
      return { refused: error.message };
    }
  };
}
