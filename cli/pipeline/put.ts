/** `put`: records of a file or of standard input onto the stream, by the producers' library. */
import { createReadStream, statSync } from 'node:fs';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { datasets } from '../../schemas/index.ts';
import { createEventProducer, createKinesisPutRecords } from '../../streams/index.ts';
import { checkFile } from './check-file.ts';
import { type ClientSettings, CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { createProgress } from './progress.ts';
import { IndentedJsonError, readValues } from './read-values.ts';
import { type Output, UsageError, type Verb } from './verb.ts';

const STREAM = 'data-pipeline-stream';
const PROGRESS_MS = 250;
/** Reasons that are told one by one. */
const REASONS_MAX = 10;

export const put: Verb = {
  name: 'put',
  summary: 'put records of a file, or of standard input, on the stream',
  help: `npm run pipeline -- put <file | -> --dataset NAME [options]

A JSON value a line (NDJSON), or the lines of a JSON array; a document that is indented over many lines is none, and replay takes
it. Each record is checked against the schema of its dataset; those that do not conform are told by their lines, the first
${REASONS_MAX} one by one, and not put. Records that are put belong to no run: for a file that is to be followed, see replay. Exits 1 if a
record was refused.

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
    if (file !== '-') checkFile('put', file);
    const { accepted, refused, reasons } = await putFile(file, dataset, clientSettings(values), output).catch(
      (error: unknown) => {
        throw explained(error);
      },
    );
    if (values.json) output.print(JSON.stringify({ accepted, refused, reasons }));
    else {
      for (const reason of reasons) output.print(`REFUSED ${reason}`);
      if (refused > reasons.length) output.print(`and ${refused - reasons.length} more`);
      output.print(`${accepted} records are on ${STREAM}, ${refused} refused`);
    }
    return refused === 0 ? 0 : 1;
  },
};

interface Put {
  readonly accepted: number;
  /** Lines that are no JSON, and records that do not conform. */
  readonly refused: number;
  /** Of the first that were refused, in the order of the lines. */
  readonly reasons: readonly string[];
}

async function putFile(file: string, dataset: string, settings: ClientSettings, output: Output): Promise<Put> {
  const total = file === '-' ? undefined : statSync(file).size;
  const client = new KinesisClient({ ...settings, maxAttempts: 1 });
  const progress = createProgress({ doing: 'putting', unit: total === undefined ? 'records' : 'bytes', output });
  const reasons: string[] = [];
  let badLines = 0;
  let place = '';
  const tell = (reason: string): void => {
    if (reasons.length < REASONS_MAX) reasons.push(reason);
  };
  const stream = file === '-' ? undefined : createReadStream(file);

  async function* records(): AsyncGenerator<unknown> {
    const read = readValues(stream ?? process.stdin, (badPlace) => {
      badLines += 1;
      tell(`${badPlace}: no JSON`);
    });
    for await (const { value, place: valuePlace } of read) {
      place = valuePlace;
      yield value;
    }
  }

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
    // A record is refused before the next is read, so it is the one at the place.
    const whenRefused = ({ message }: { readonly message: string }): void => tell(`${place}: ${message}`);
    const { accepted, refusedCount } = await producer.putEvents(dataset, records(), { whenRefused });
    await producer.close();
    return { accepted, refused: refusedCount + badLines, reasons };
  } finally {
    stream?.destroy();
    progress.close();
    client.destroy();
  }
}

/** What a person can do something about, in place of what it comes wrapped in. */
function explained(error: unknown): unknown {
  if (!Error.isError(error) || !Error.isError(error.cause)) return error;
  if (error.cause instanceof IndentedJsonError) {
    return new UsageError(
      `put: ${error.cause.message}, allowed: a JSON value a line (NDJSON), as jq -c . writes it. For a document as it is, see npm run pipeline -- replay --help`,
    );
  }
  // HTTP/2 names the stream that never began, and not the connection that was refused.
  return 'code' in error && error.code === 'ERR_HTTP2_STREAM_CANCEL' ? error.cause : error;
}
