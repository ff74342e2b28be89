/** `reconcile`: whether the books balance, and which record is not where it should be. */
import { CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { invokeFunction } from './invoke-function.ts';
import { readHours } from './read-hour.ts';
import { ReconcileReport, renderReconcileReport, SETTLED_MINUTES } from './reconcile-report.ts';
import { UsageError, type Verb } from './verb.ts';

/** As the function allows: a week. */
const GRACE_MINUTES_MAX = 10_080;
/** Exit code of a comparison of nothing: a check that has not checked is no success, and no loss either. */
const NOTHING_COMPARED = 3;

export const reconcile: Verb = {
  name: 'reconcile',
  summary: 'compare what entered with what was decided and what is at rest; name what is missing',
  help: `npm run pipeline -- reconcile [options]

Compares the tape with the journal, the journal with the ledger, and the ledger with the rows of the tables, and names each
record that is not where it should be. Rows that are there twice are told, and are no loss. Exits 0 if nothing is missing and
nothing is too much, 1 if something is, or there is no such run, and ${NOTHING_COMPARED} if nothing was compared, since nothing arrived in
these hours.

  --from HOUR          first hour of arrival, such as 2026-11-25T07, UTC (default: the first)
  --to HOUR            last hour of arrival (default: all up to now)
  --run ID             the events of one run
  --grace MINUTES      how long records may be under way, 0 to ${GRACE_MINUTES_MAX}. Hours are compared whole: what arrived in the hour
                       that this reaches into, or later, is left out: at 16:25, --grace 20 compares what arrived before
                       16:00, and --grace 60 what arrived before 15:00. What arrived longer ago than these minutes and
                       is not processed is wrong (default: all is compared)
${CONNECTION_HELP}

While records flow, those of the last minutes are not on the tape or at rest yet, and show as missing, though nothing is lost:
stop the feed and wait until all has landed, or give --grace ${SETTLED_MINUTES}, which compares the hours before. A pipeline that was begun
within the hour has none: stop its feed. What the tape has let go by its age shows as missing from it: give --from.`,
  async run(args, output) {
    const { values, positionals } = parseVerb('reconcile', args, {
      from: { type: 'string' },
      to: { type: 'string' },
      run: { type: 'string' },
      grace: { type: 'string' },
    });
    if (positionals.length > 0) throw new UsageError(`reconcile takes no ${positionals[0]}`);
    const { from, to, run: runId, grace } = values;
    if (grace !== undefined && !(/^\d{1,5}$/.test(grace) && Number(grace) <= GRACE_MINUTES_MAX)) {
      throw new UsageError(
        `--grace: received ${grace}, allowed: minutes, a whole number from 0 to ${GRACE_MINUTES_MAX}`,
      );
    }
    readHours(from, to);
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
    if (report.residual !== 0) return 1;
    return report.isEmpty ? NOTHING_COMPARED : 0;
  },
};
