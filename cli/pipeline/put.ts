/** `put`: records of a file or of standard input onto the stream, by the producers' library. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { datasets } from '../../schemas/index.ts';
import { createEventProducer, createKinesisPutRecords, type RefusedRecord } from '../../streams/index.ts';
import { CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { createProgress } from './progress.ts';
import { readValues } from './read-values.ts';
import { UsageError, type Verb } from './verb.ts';

const STREAM = 'data-pipeline-stream';
const PROGRESS_MS = 250;
/** Reasons that are told one by one. */
const REASONS_MAX = 10;

export const put: Verb = {
  name: 'put',
  summary: 'put records of a file, or of standard input, on the stream',
  help: `npm run pipeline -- put <file | -> --dataset NAME [options]

A JSON value a line, or the lines of a JSON array. Each is checked against the schema of its dataset; those that do not conform
are told, and not put. Records that are put belong to no run: for a file that is to be followed, see replay. Exits 1 if a record
was refused.

  --dataset NAME       ${[...datasets.keys()].join(', ')}
${CONNECTION_HELP}`,
  async run(args, output) {
    const { values, positionals } = parseVerb('put', args, { dataset: { type: 'string' } });
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) {
      throw new UsageError(
        `put takes one file or -, received ${positionals.length}. See npm run pipeline -- put --help`,
      );
    }
    const { dataset = '' } = values;
    if (!datasets.has(dataset)) {
      throw new UsageError(`--dataset: received ${dataset || 'nothing'}, allowed: ${[...datasets.keys()].join(', ')}`);
    }
    if (file !== '-' && !existsSync(file)) throw new UsageError(`put: received ${file}, and there is no such file`);
    const total = file === '-' ? undefined : statSync(file).size;
    const stream = file === '-' ? undefined : createReadStream(file);
    const client = new KinesisClient({ ...clientSettings(values), maxAttempts: 1 });
    const progress = createProgress({ doing: 'putting', unit: total === undefined ? 'records' : 'bytes', output });
    const reasons: string[] = [];
    let badLines = 0;
    const tell = (reason: string): void => {
      if (reasons.length < REASONS_MAX) reasons.push(reason);
    };
    try {
      const producer = await createEventProducer({
        port: createKinesisPutRecords(client),
        streamName: STREAM,
        metricsIntervalMs: PROGRESS_MS,
        onMetrics({ userRecordsAccepted: accepted }) {
          if (stream === undefined) progress.update(accepted);
          else progress.update(stream.bytesRead, total, `${accepted.toLocaleString('en-US')} records accepted`);
        },
      });
      const records = readValues(stream ?? process.stdin, (line) => {
        badLines += 1;
        tell(`line ${line}: no JSON`);
      });
      const whenRefused = ({ position, message }: RefusedRecord): void => tell(`record ${position + 1}: ${message}`);
      const { accepted, refusedCount } = await producer.putEvents(dataset, records, { whenRefused });
      await producer.close();
      progress.close();
      const refused = refusedCount + badLines;
      if (values.json) output.print(JSON.stringify({ accepted, refused, reasons }));
      else {
        for (const reason of reasons) output.print(`REFUSED ${reason}`);
        output.print(`${accepted} records are on ${STREAM}, ${refused} refused`);
      }
      return refused === 0 ? 0 : 1;
    } finally {
      progress.close();
      client.destroy();
    }
  },
};
