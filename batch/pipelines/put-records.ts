/** Records of a request go onto the stream as chunks of its run, and are then counted once for it. */
import type { Chunk } from '../../streams/ingest/chunk.ts';
import type { Run } from '../runs/run.ts';
import { ApiError } from './api-error.ts';
import type { RouteContext } from './request-context.ts';

/**
 * The stream first: what was counted and not put would leave the run without an end. Put again, the same request gives the
 * same chunks, which count once.
 * @param request tells the requests of the run apart: hex
 * @returns the run as it stands then
 * @throws ApiError when the run takes no more
 */
export async function putRecords(
  run: Run,
  request: string,
  records: readonly unknown[],
  { ports }: Pick<RouteContext, 'ports'>,
): Promise<Run> {
  const chunks: Chunk[] = [];
  const cut = ports.stream.cut(records, {
    source: `/pipelines/${run.id}/${request}`,
    dataset: run.dataset,
    runId: run.id,
    recordsMax: run.chunkRecordsMax,
  });
  for await (const chunk of cut) chunks.push(chunk);
  await ports.stream.put(chunks);
  const counted = await ports.runs.add(run.id, request, records.length);
  if (counted === undefined) throw takesNoMore(run.id, 'while the records were put');
  return counted;
}

export function takesNoMore(id: string, since: string): ApiError {
  return new ApiError('RUN_ENDED', `the run ${id} takes no more records: it was completed or stopped ${since}`);
}
