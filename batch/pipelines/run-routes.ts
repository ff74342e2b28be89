/** What is asked of one run: its records, its end, and how it stands. */
import { ENDED, type Run } from '../runs/run.ts';
import { ApiError, invalid } from './api-error.ts';
import { type ApiRequest, readJsonBody, refuseUnknown } from './api-request.ts';
import { putRecords, takesNoMore } from './put-records.ts';
import { readRecords } from './read-records.ts';
import { digest, idempotencyKey, onceByKey, type RouteContext } from './request-context.ts';

const ID = /^[\w-]{1,64}$/;

/** @throws ApiError when there is none */
export async function findRun(id: string, { ports }: Pick<RouteContext, 'ports'>): Promise<Run> {
  if (!ID.test(id)) throw invalid('pipeline_id', id, '1 to 64 letters, digits, - and _');
  const run = await ports.runs.get(id);
  if (run === undefined) throw new ApiError('NOT_FOUND', `there is no run ${id}`);
  return run;
}

/** `POST /pipelines/{id}/records` */
export async function addRecords(id: string, request: ApiRequest, context: RouteContext): Promise<Run> {
  const body = readJsonBody(request);
  refuseUnknown(body, ['records']);
  const records = readRecords(body.records);
  const key = idempotencyKey(request);
  const bodyHash = digest(request.body);
  await onceByKey(context, key && digest('records', id, key), bodyHash, async () => {
    const run = await findApiRun(id, context);
    // Another request under a key that was used before is another one still, and none of its records are lost.
    const name = key === undefined ? digest('body', bodyHash) : digest('key', key, bodyHash);
    if (run.hasAllProduced || run.cancelRequestedAtMs !== undefined) throw takesNoMore(id, 'before');
    return (await putRecords(run, name, records, context)).id;
  });
  return findRun(id, context);
}

/** `POST /pipelines/{id}/complete`: done again, it changes nothing. */
export async function completeRun(id: string, request: ApiRequest, context: RouteContext): Promise<Run> {
  refuseUnknown(readJsonBody(request), []);
  const run = await findApiRun(id, context);
  return run.hasAllProduced ? run : context.ports.runs.finish(id, { produced: run.produced });
}

/** `DELETE /pipelines/{id}`: what it has put by then is accounted for before it ends. */
export async function stopRun(id: string, context: RouteContext): Promise<Run> {
  const { runs } = context.ports;
  const run = await findRun(id, context);
  if (run.status === 'cancelled') return run;
  if (ENDED.has(run.status)) throw new ApiError('RUN_ENDED', `the run ${id} has ended: it is ${run.status}`);
  const asked = await runs.cancel(id);
  if (asked === undefined) throw new ApiError('NOT_FOUND', `there is no run ${id}`);
  // Nobody but this API produces its records, so nobody else would say that there will be no more.
  if (asked.source.kind !== 'api' || asked.hasAllProduced || ENDED.has(asked.status)) return asked;
  return runs.finish(id, { produced: asked.produced });
}

async function findApiRun(id: string, context: RouteContext): Promise<Run> {
  const run = await findRun(id, context);
  if (run.source.kind === 'api') return run;
  throw new ApiError(
    'INVALID_REQUEST',
    `the run ${id} is of the source ${run.source.kind}, allowed: one of the source api`,
  );
}
