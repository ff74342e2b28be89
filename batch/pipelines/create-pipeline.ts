/** `POST /pipelines`: makes a run. */
import { objectRunId } from '../../streams/ingest/object-run-id.ts';
import type { NewRun, Run } from '../runs/run.ts';
import { ApiError } from './api-error.ts';
import { type ApiRequest, readJsonBody } from './api-request.ts';
import { type NewPipeline, readNewPipeline } from './new-pipeline.ts';
import { putRecords } from './put-records.ts';
import { digest, idempotencyKey, onceByKey, type RouteContext } from './request-context.ts';

/** @returns the run as it stands @throws ApiError */
export async function createPipeline(request: ApiRequest, context: RouteContext): Promise<Run> {
  const { ports, settings } = context;
  const asked = readNewPipeline(readJsonBody(request), settings);
  const key = idempotencyKey(request);
  const bodyHash = digest(request.body);
  // The same request makes the same run, also when what it came to is not remembered any more.
  const newId = (): string => (key === undefined ? ports.newId() : digest('POST /pipelines', key, bodyHash));
  const id = await onceByKey(context, key && digest('POST /pipelines', key), bodyHash, () =>
    makeRun(asked, newId, context),
  );
  const run = await ports.runs.get(id);
  if (run === undefined) throw new Error(`the run ${id} was made, and is not there`);
  return run;
}

const NOTHING_YET = { produced: 0, position: '' };

/** @returns its id */
async function makeRun(asked: NewPipeline, newId: () => string, context: RouteContext): Promise<string> {
  const { ports, settings } = context;
  const { dataset, dataType, priority, metadata } = asked;
  const common = { dataset, dataType, priority, metadata, chunkRecordsMax: settings.chunkRecordsMax };
  if (asked.source === 'api') {
    const opened = await ports.runs.open({ ...common, id: `api-${newId()}`, source: { kind: 'api' } });
    // It takes records from now on, and who asks for what is running is to see it.
    const run = opened.status === 'queued' ? await ports.runs.progress(opened.id, NOTHING_YET) : opened;
    if (asked.records !== undefined && !run.hasAllProduced) {
      const { produced } = await putRecords(run, 'inline', asked.records, context);
      await ports.runs.finish(run.id, { produced });
    }
    return run.id;
  }
  const run = await ports.runs.open({ ...common, ...(await objects(asked, newId, context)) });
  if (!run.hasAllProduced) await ports.runsQueue.send({ kind: 'run', runId: run.id });
  return run.id;
}

type Objects = Exclude<NewPipeline, { readonly source: 'api' }>;

/** An object has the run that its drop has, one a version; a prefix has a run each time that it is asked for. */
async function objects(
  asked: Objects,
  newId: () => string,
  { ports }: RouteContext,
): Promise<Pick<NewRun, 'id' | 'source'>> {
  if (asked.source === 's3-prefix') {
    const { bucket, prefix } = asked;
    return { id: `prefix-${newId()}`, source: { kind: 's3-prefix', bucket, prefix } };
  }
  const { bucket, key } = asked;
  const version = await ports.objects.find(bucket, key);
  if (version === undefined) throw new ApiError('NOT_FOUND', `s3://${bucket}/${key}: there is no such object`);
  return { id: objectRunId({ bucket, key, ...version }), source: { kind: 's3', bucket, key, ...version } };
}
