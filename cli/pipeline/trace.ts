/** `trace`: where a record is now, and how it came there. */
import { z } from 'zod';
import { CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { invokeFunction } from './invoke-function.ts';
import { UsageError, type Verb } from './verb.ts';

const TraceReport = z.object({
  records: z.array(
    z.object({
      recordId: z.string(),
      where: z.string(),
      told: z.string(),
      shardId: z.string(),
      sequenceNumber: z.string(),
      subsequenceNumber: z.number(),
      eventId: z.string().nullable(),
      dataset: z.string().nullable(),
      runId: z.string().nullable(),
      failure: z.object({ message: z.string() }).nullable(),
      tape: z.array(z.string()),
      journal: z
        .object({
          from: z.string(),
          to: z.string(),
          records: z.number(),
          requestId: z.string(),
          attempts: z.number(),
          version: z.string(),
          committedAt: z.string(),
        })
        .nullable(),
      parked: z.object({ document: z.string(), status: z.string() }).nullable(),
      playedAt: z.string().nullable(),
    }),
  ),
  lookedAt: z.array(z.string()),
});
type Traced = z.infer<typeof TraceReport>['records'][number];

export const trace: Verb = {
  name: 'trace',
  summary: 'where a record is now, and how it came there',
  help: `npm run pipeline -- trace <id> [options]
npm run pipeline -- trace --object KEY --row N [options]

Follows a record in both directions: from its _record_id, its _event_id, its _position or <shard>:<sequence number> to the
object and row that it is in now, or to why it is in none; and from a row of an object back to the stream. Exits 1 when
nothing is found.

  --object KEY         key of a Parquet object in the processed bucket
  --row N              index of the row in it, from 0 (default 0)
${CONNECTION_HELP}`,
  async run(args, output) {
    const { values, positionals } = parseVerb('trace', args, { object: { type: 'string' }, row: { type: 'string' } });
    const [id, ...others] = positionals;
    if (others.length > 0) throw new UsageError(`trace takes one id, received ${others[0]} too`);
    if ((id === undefined) === (values.object === undefined)) {
      throw new UsageError('trace: allowed: an id, or --object. See npm run pipeline -- trace --help');
    }
    const row = values.row === undefined ? undefined : Number(values.row);
    if (row !== undefined && !(Number.isSafeInteger(row) && row >= 0)) {
      throw new UsageError(`--row: received ${values.row}, allowed: a whole number from 0 on`);
    }
    const event = { action: 'trace', id, object: values.object, row };
    const answer = await invokeFunction({ name: 'Reconcile', event, doing: 'tracing' }, clientSettings(values), output);
    const report = TraceReport.parse(answer);
    if (values.json) output.print(JSON.stringify(answer));
    else {
      for (const record of report.records) for (const line of renderTraced(record)) output.print(line);
      if (report.records.length === 0) output.print('nothing is found');
      output.print(`looked at ${report.lookedAt.join('; ')}`);
    }
    return report.records.length === 0 ? 1 : 0;
  },
};

function renderTraced(record: Traced): string[] {
  const { journal, parked, playedAt, failure } = record;
  const place = `${record.shardId} ${record.sequenceNumber}:${record.subsequenceNumber}`;
  return [
    `${record.recordId}  ${record.told}`,
    `  ${record.dataset ?? 'of no known dataset'}${record.eventId ? `, event ${record.eventId}` : ''}${record.runId ? `, run ${record.runId}` : ''}`,
    ...(failure ? [`  ${failure.message}`] : []),
    `  on the stream at ${place}`,
    ...record.tape.map((key) => `  on the tape in ${key}`),
    ...(playedAt ? [`  played again by ${playedAt}`] : []),
    journal
      ? `  counted by request ${journal.requestId}, attempt ${journal.attempts}, at ${journal.committedAt}: ${journal.records} records to ${journal.to}`
      : '  counted by no entry of the journal',
    ...(journal ? [`  decided by ${renderVersion(journal.version)}`] : []),
    ...(parked ? [`  ${parked.status} in ${parked.document}`] : []),
  ];
}

/** @param version `<code>/<dataset of plain JSON>`: both decide, and the dataset is that of the batch's settings, not the record's */
function renderVersion(version: string): string {
  const [, code, dataset] = /^(.*)\/([^/]*)$/.exec(version) ?? [];
  return code === undefined ? `code ${version}` : `code ${code}, for which plain JSON is of ${dataset}`;
}
