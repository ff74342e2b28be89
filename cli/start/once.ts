/** `npm start -- --once`: every record of the demonstration through the whole pipeline, then the books. */
import { isEmptyState } from '../../local/state-folder.ts';
import { invokeFunction } from '../pipeline/invoke-function.ts';
import { ReconcileReport } from '../pipeline/reconcile-report.ts';
import { type Landed, readLanded, SHOWCASE } from './books.ts';
import { type Clients, createClients } from './clients.ts';
import { createFeed } from './feed.ts';
import { createFigures } from './figures.ts';
import { startLocalPipeline } from './local-pipeline.ts';
import { PROCESSOR_LOG_GROUP } from './names.ts';
import type { StartOptions } from './options.ts';
import { type QueryResult, query } from './query.ts';
import { bytes, count, table } from './view.ts';

/** What `--json` prints. Counts are of records; a batch that was tried twice counts once in what SQL counts. */
export interface OnceReport {
  /** Events that the stream accepted. */
  readonly put: number;
  /** Events that the processor took in, by its own metrics. */
  readonly received: number;
  readonly delivered: number;
  readonly quarantined: number;
  readonly dropped: number;
  /** Parquet objects. */
  readonly files: number;
  readonly fileBytes: number;
  /** Objects of Firehose's error output. */
  readonly errorFiles: number;
  /** Rows in the datasets' Parquet files, by SQL. */
  readonly parquetRows: number;
  /** Distinct records in `failed_events`, by SQL. */
  readonly failed: number;
  readonly failures: Landed['failures'];
  /** put − distinct `_record_id` in Parquet − failed − dropped: 0, or something was lost or made up. */
  readonly residual: number;
  /** The books against the tape and the files, as `npm run pipeline -- reconcile` gives them. */
  readonly reconciled: ReconcileReport;
  /** From the first record put until all was at rest. */
  readonly seconds: number;
  readonly result: QueryResult;
  readonly stateFolder: string;
}

/** Longer than any sound run takes; past it something hangs, and says what. */
const DRAIN_TIMEOUT_MS = 120_000;

export async function runOnce(options: StartOptions, say: (line: string) => void): Promise<OnceReport> {
  if (!options.fresh && !isEmptyState(options.state)) {
    throw new Error(
      `${options.state} has state of an earlier run, which the books would count: add --fresh to empty it.`,
    );
  }
  const figures = createFigures();
  const pipeline = await startLocalPipeline({
    stateFolder: options.state,
    port: options.port,
    fresh: options.fresh,
    onLog: (group, message) => group === PROCESSOR_LOG_GROUP && figures.take(message),
    warn: say,
  });
  const clients = createClients(pipeline.endpoint, pipeline.region);
  try {
    say(`the pipeline runs on ${pipeline.endpoint}, state in ${options.state}`);
    const startedAtMs = performance.now();
    const feed = await createFeed(clients);
    const put = options.feed ? await feed.demonstration() : 0;
    say(`put ${count(put)} events on the stream, some of them flawed`);
    await pipeline.drain(DRAIN_TIMEOUT_MS);
    const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
    const landed = await readLanded(clients.athena);
    const reconciled = await reconcile(clients.settings);
    const { received, delivered, quarantined, dropped } = figures.sums;
    return {
      ...{ put, received, delivered, quarantined, dropped },
      ...pipeline.files(),
      parquetRows: landed.parquetRows,
      failed: landed.failed,
      failures: landed.failures,
      residual: put - landed.records - landed.failed - dropped,
      reconciled,
      seconds,
      result: await query(clients.athena, SHOWCASE.sql),
      stateFolder: options.state,
    };
  } finally {
    clients.close();
    await pipeline.stop();
  }
}

/** Folds what the minute has not yet, and compares. */
async function reconcile(settings: Clients['settings']): Promise<ReconcileReport> {
  const quiet = { progress: () => {} };
  await invokeFunction({ name: 'Ledger', event: {}, doing: 'folding' }, settings, quiet);
  const event = { action: 'reconcile' };
  return ReconcileReport.parse(
    await invokeFunction({ name: 'Reconcile', event, doing: 'reconciling' }, settings, quiet),
  );
}

/** The report as a person reads it. Pure. */
export function renderReport(report: OnceReport): string[] {
  const line = (label: string, value: number, more = '') => `  ${label.padEnd(14)}${count(value).padStart(8)}  ${more}`;
  return [
    '',
    'the books',
    line('put', report.put, 'events on the stream'),
    line('received', report.received, 'by the processor'),
    line('delivered', report.delivered, `${count(report.parquetRows)} rows in Parquet`),
    line('quarantined', report.quarantined, `${count(report.failed)} in failed_events`),
    ...(report.dropped > 0 ? [line('dropped', report.dropped, 'by a transform, on purpose')] : []),
    line('files', report.files, `${bytes(report.fileBytes)} of Parquet below ${report.stateFolder}/s3`),
    ...(report.errorFiles > 0 ? [line('error files', report.errorFiles, 'that Firehose could not convert')] : []),
    line(
      'residual',
      report.residual,
      report.residual === 0 ? 'nothing lost' : 'put − in Parquet − failed − dropped: NOT balanced',
    ),
    ...tape(report.reconciled).map(([label, value, more]) => line(label, value, more)),
    '',
    'failed events by reason',
    ...report.failures.map(({ code, records }) => `  ${code.padEnd(28)}${count(records).padStart(4)}`),
    '',
    SHOWCASE.title,
    ...table(report.result).map((row) => `  ${row}`),
    '',
    `${report.seconds} s from the first record put until all was at rest`,
  ].map((text) => text.trimEnd());
}

function tape({
  shards,
  residual,
  findings,
  isEmpty,
}: ReconcileReport): [label: string, value: number, more: string][] {
  const records = shards.reduce((sum, { tapeRecords }) => sum + tapeRecords, 0);
  const agreed = isEmpty ? 'nothing was compared' : 'tape, journal, ledger and files agree';
  const verdict =
    residual === 0
      ? agreed
      : `NOT balanced: ${findings.find((finding) => finding.residual > 0)?.message ?? 'see npm run pipeline -- reconcile'}`;
  return [
    ['tape', records, 'Kinesis records, kept as they came'],
    ['reconciled', residual, verdict],
  ];
}
