/** Cuts an object into the chunks of a run, by the readers of `streams/ingest/`. */
import { type FileFormat, formatOfName } from '../../streams/ingest/file-format.ts';
import { readChunks } from '../../streams/ingest/read-chunks.ts';
import type { CutObject } from './read-objects.ts';

const FORMATS: readonly FileFormat[] = ['ndjson', 'json', 'csv', 'avro', 'parquet'];

/** What the one who asked for the run says counts where the name of the object says nothing. */
export const cutObject: CutObject = (object, { envelope, recordsMax, from, dataset, dataType }) => {
  const { source, runId } = envelope;
  const isNamed = formatOfName(object.key).format !== undefined;
  const format = isNamed ? undefined : FORMATS.find((known) => known === dataType);
  return readChunks(object, { source, runId, dataset, recordsMax, fromChunk: from, format });
};
