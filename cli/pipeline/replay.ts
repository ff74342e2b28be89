/** `replay`: a file, or objects of the raw bucket, through the pipeline as one run. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { datasets } from '../../schemas/index.ts';
import { objectRunId } from '../../streams/ingest/object-run-id.ts';
import { callPipelines } from './call-pipelines.ts';
import { checkFile } from './check-file.ts';
import { type ClientSettings, CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { findBucket } from './find-bucket.ts';
import { awaitRun, followRun } from './follow-run.ts';
import { createProgress } from './progress.ts';
import { exitCodeOf, renderRun, ShownRun } from './shown-run.ts';
import { uploadFile } from './upload-file.ts';
import { type Output, UsageError, type Verb } from './verb.ts';

/** From an object to its run: the way over EventBridge and the queue. */
const DROP_MS_MAX = 30_000;

export const replay: Verb = {
  name: 'replay',
  summary: 'put a file or objects of the raw bucket through the pipeline, and watch the run',
  help: `npm run pipeline -- replay <file> [options]
npm run pipeline -- replay s3://BUCKET/KEY [options]
npm run pipeline -- replay s3://BUCKET/PREFIX/ [options]

A file is uploaded below incoming/ of the raw bucket, in parts where it is large; an object is taken where it is, and of a
prefix, which ends with a slash, all objects. NDJSON, JSON, CSV, Avro or Parquet, plain, gzip or zstd, by name and content. The
same version of an object again delivers nothing twice. Exits 1 if the run failed or was stopped.

However small the file, its run ends 1 to 2 minutes after it was put: what came of records is counted once a minute, and rows are
gathered for 60 seconds before they land (in production for 300, and it ends after about 6 minutes).

  --dataset NAME       ${[...datasets.keys()].join(', ')} (default: that of the folder, else the default dataset)
  --data-type TYPE     json, ndjson, csv, avro, parquet: where name and content leave it open
  --bucket NAME        the raw bucket (default: the one whose name begins with data-pipeline-raw-)
  --no-follow          do not wait for its end
${CONNECTION_HELP}`,
  async run(args, output) {
    const { values, positionals } = parseVerb('replay', args, {
      dataset: { type: 'string' },
      'data-type': { type: 'string' },
      bucket: { type: 'string' },
      'no-follow': { type: 'boolean', default: false },
    });
    const [what, ...others] = positionals;
    if (what === undefined || others.length > 0) {
      throw new UsageError(
        `replay takes one file or s3 URL, received ${positionals.length}. See npm run pipeline -- replay --help`,
      );
    }
    const { dataset } = values;
    if (dataset !== undefined && !datasets.has(dataset)) {
      throw new UsageError(`--dataset: received ${dataset}, allowed: ${[...datasets.keys()].join(', ')}`);
    }
    const settings = clientSettings(values);
    const asks = { dataset, data_type: values['data-type'] };
    const place = placeOf(what);
    const asked = place
      ? await askToRun({ ...place, ...asks }, settings, output)
      : await runFile(what, { ...asks, bucket: values.bucket }, settings, output);
    const { answer, run } = values['no-follow'] ? asked : await followRun(asked.run.pipeline_id, settings, output);
    for (const line of values.json ? [JSON.stringify(answer)] : renderRun(run)) output.print(line);
    return exitCodeOf(run);
  },
};

type Place = { readonly bucket: string; readonly key: string } | { readonly bucket: string; readonly prefix: string };

/** @returns undefined for what is no s3 URL */
function placeOf(what: string): Place | undefined {
  if (!what.startsWith('s3://')) return undefined;
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(what) ?? [];
  if (bucket === '') throw new UsageError(`replay: received ${what}, allowed: s3://bucket/key, or s3://bucket/prefix/`);
  return key.endsWith('/') ? { bucket, prefix: key } : { bucket, key };
}

interface Asks {
  readonly dataset: string | undefined;
  readonly data_type: string | undefined;
}

async function askToRun(asked: Asks & Place, settings: ClientSettings, output: Output) {
  const headers = { 'Idempotency-Key': randomUUID() };
  const body = { source: 's3', ...asked };
  const call = { method: 'POST', path: '/pipelines', headers, body, doing: 'asking for the run' } as const;
  const answer = await callPipelines(call, settings, output);
  return { answer, run: ShownRun.parse(answer) };
}

/** Uploads the file; its run is made by itself, but for what only the asker knows. */
async function runFile(
  file: string,
  { bucket: named, ...asks }: Asks & { readonly bucket: string | undefined },
  settings: ClientSettings,
  output: Output,
) {
  checkFile('replay', file);
  const client = new S3Client({ ...settings, forcePathStyle: settings.endpoint !== undefined });
  const progress = createProgress({ doing: 'uploading', unit: 'bytes', output });
  try {
    const bucket = named ?? (await findBucket(client, 'raw'));
    const key = ['incoming', ...(asks.dataset === undefined ? [] : [asks.dataset]), path.basename(file)].join('/');
    const onProgress = (bytes: number, total: number): void => progress.update(bytes, total);
    const version = await uploadFile(client, { file, bucket, key, onProgress });
    progress.close();
    const dropped =
      asks.data_type === undefined
        ? await awaitRun(objectRunId({ bucket, key, ...version }), DROP_MS_MAX, settings, output)
        : undefined;
    return dropped ?? (await askToRun({ bucket, key, ...asks }, settings, output));
  } finally {
    progress.close();
    client.destroy();
  }
}
