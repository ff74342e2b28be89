/** The answer of the Reconcile function, checked, and as text. */
import { z } from 'zod';

const Count = z.number();

export const ReconcileReport = z.object({
  residual: Count,
  residuals: z.object({ records: Count, ledger: Count, rows: Count }),
  at: z.string(),
  scope: z.object({ from: z.string().nullable(), to: z.string().nullable(), runId: z.string().nullable() }),
  shards: z.array(
    z.object({
      shardId: z.string(),
      tapeRecords: Count,
      journalRecords: Count,
      parkedRecords: Count,
      inFlightRecords: Count,
      journalEntries: Count,
    }),
  ),
  datasets: z.array(
    z.object({
      dataset: z.string(),
      received: Count,
      delivered: Count,
      quarantined: Count,
      dropped: Count,
      duplicate: Count,
    }),
  ),
  tables: z.array(z.object({ table: z.string(), expected: Count, rows: Count, records: Count, misdelivered: Count })),
  duplicatesAtRest: Count,
  isEmpty: z.boolean(),
  lastArrivedAt: z.string().nullable(),
  inFlight: z.object({ records: Count, oldestArrivedAt: z.string().nullable() }),
  lag: z.object({ entries: Count }),
  findings: z.array(
    z.object({
      kind: z.string(),
      message: z.string(),
      count: Count,
      residual: Count,
      recordIds: z.array(z.string()),
    }),
  ),
  findingsLeftOff: Count,
});
export type ReconcileReport = z.infer<typeof ReconcileReport>;

/**
 * From arrival until a record is on the tape and in its table. Firehose buffers for 15 minutes at most
 * (firehose/latest/APIReference/API_BufferingHints.html); the rest is for what comes before and after.
 */
export const SETTLED_MINUTES = 20;
/** Identities of a finding that the text shows. */
const IDS_SHOWN_MAX = 5;

export function renderReconcileReport(report: ReconcileReport): readonly string[] {
  const { scope, inFlight, lag, findings } = report;
  const span = `${scope.from ?? 'the start'} to ${scope.to ?? report.at}${scope.runId === null ? '' : `, run ${scope.runId}`}`;
  return [
    `Books from ${span}`,
    '',
    ...table(
      ['shard', 'tape', 'journal', 'parked', 'in flight', 'entries'],
      report.shards.map((shard) => [
        shard.shardId,
        ...[shard.tapeRecords, shard.journalRecords, shard.parkedRecords, shard.inFlightRecords, shard.journalEntries],
      ]),
    ),
    '',
    ...table(
      ['dataset', 'received', 'delivered', 'quarantined', 'dropped', 'duplicate'],
      report.datasets.map((each) => [
        each.dataset,
        ...[each.received, each.delivered, each.quarantined, each.dropped, each.duplicate],
      ]),
    ),
    '',
    ...table(
      ['table', 'expected', 'records', 'rows', 'misdelivered'],
      report.tables.map((each) => [each.table, each.expected, each.records, each.rows, each.misdelivered]),
    ),
    '',
    ...(inFlight.records > 0 ? [`in flight: ${inFlight.records} records, since ${inFlight.oldestArrivedAt}`] : []),
    ...(lag.entries > 0 ? [`the ledger has ${lag.entries} entries of the journal still to fold`] : []),
    ...findings.flatMap(renderFinding),
    ...(report.findingsLeftOff > 0 ? [`and ${report.findingsLeftOff} findings more`] : []),
    ...renderYoung(report),
    verdictOf(report),
  ];
}

function verdictOf({ residual, residuals, isEmpty, scope }: ReconcileReport): string {
  if (isEmpty) return `nothing was compared: ${emptinessOf(scope)}`;
  if (residual === 0) return 'residual 0: the books balance';
  return `residual ${residual}: ${residuals.records} records, ${residuals.ledger} of the ledger, ${residuals.rows} rows`;
}

function emptinessOf({ from, to, runId }: ReconcileReport['scope']): string {
  const what = runId === null ? 'no record that was processed' : `no processed record of run ${runId}`;
  if (from === null && to === null) return runId === null ? 'no record has been processed yet' : `there is ${what} yet`;
  const span = [...(from === null ? [] : [`from ${from} on`]), ...(to === null ? [] : [`before ${to}`])].join(' and ');
  return `${what} arrived ${span}. Hours are compared whole: widen --from and --to, or give a smaller --grace, or none once the feed stands still`;
}

/** What young records may be the cause of: they are in the journal before they are on the tape, and in tables. */
const OF_YOUNG: ReadonlySet<string> = new Set(['records_not_on_tape', 'rows_missing', 'rows_extra', 'rows_differ']);

function renderYoung({ at, lastArrivedAt, findings }: ReconcileReport): string[] {
  if (lastArrivedAt === null || !findings.some(({ kind, residual }) => residual > 0 && OF_YOUNG.has(kind))) return [];
  const ageMs = Date.parse(at) - Date.parse(lastArrivedAt);
  if (ageMs >= SETTLED_MINUTES * 60_000) return [];
  return [
    `the last record arrived ${Math.max(0, Math.round(ageMs / 1_000))} s ago: those of the last ${SETTLED_MINUTES} minutes may still be on their way, and count as missing until they`,
    `are there. Stop the feed, wait until all has landed, and compare again; or leave them out: --grace ${SETTLED_MINUTES}`,
  ];
}

function renderFinding({ residual, message, count, recordIds }: ReconcileReport['findings'][number]): string[] {
  const shown = recordIds.slice(0, IDS_SHOWN_MAX);
  const rest = count > shown.length ? ` and ${count - shown.length} more` : '';
  return [
    `${residual > 0 ? 'WRONG' : 'note '} ${message}`,
    ...(shown.length > 0 ? [`      ${shown.join(' ')}${rest}`] : []),
  ];
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const all = [head, ...rows.map((row) => row.map((cell) => cell.toLocaleString('en-US')))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}
