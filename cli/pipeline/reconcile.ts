/** `reconcile`: whether the books balance, and which record is not where it should be. */
import { CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { invokeFunction } from './invoke-function.ts';
import { ReconcileReport, renderReconcileReport } from './reconcile-report.ts';
import { UsageError, type Verb } from './verb.ts';

export const reconcile: Verb = {
  name: 'reconcile',
  summary: 'compare what entered with what was decided and what is at rest; name what is missing',
  help: `npm run pipeline -- reconcile [options]

Compares the tape with the journal, the journal with the ledger, and the ledger with the rows of the tables, and names each
record that is not where it should be. Exits 0 only if nothing is missing and nothing is too much. Rows that are there twice
are told, and are no loss.

  --from HOUR          first hour of arrival, such as 2026-11-25T07, UTC (default: the first)
  --to HOUR            last hour of arrival (default: all up to now)
  --run ID             the events of one run
  --grace MINUTES      how long records may be under way: what arrived in the hour that this reaches into, or later, is left
                       out, and what arrived before and is not processed is wrong (default: all is compared)
${CONNECTION_HELP}

While records flow, those of the last minutes are not at rest yet: give --grace 60. What the tape has let go by its age shows
as missing from it: give --from.`,
  async run(args, output) {
    const { values, positionals } = parseVerb('reconcile', args, {
      from: { type: 'string' },
      to: { type: 'string' },
      run: { type: 'string' },
      grace: { type: 'string' },
    });
    if (positionals.length > 0) throw new UsageError(`reconcile takes no ${positionals[0]}`);
    const { from, to, run: runId, grace } = values;
    if (grace !== undefined && !/^\d{1,5}$/.test(grace)) {
      throw new UsageError(`--grace: received ${grace}, allowed: minutes, a whole number`);
    }
    const event = {
      action: 'reconcile',
      from,
      to,
      runId,
      graceMinutes: grace === undefined ? undefined : Number(grace),
    };
    const answer = await invokeFunction(
      { name: 'Reconcile', event, doing: 'reconciling' },
      clientSettings(values),
      output,
    );
    const report = ReconcileReport.parse(answer);
    // All that was answered, and not only what the text shows.
    for (const line of values.json ? [JSON.stringify(answer)] : renderReconcileReport(report)) output.print(line);
    return report.residual === 0 ? 0 : 1;
  },
};
