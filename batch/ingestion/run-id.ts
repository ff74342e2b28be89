/** The id of a run follows from what it reads, where it can. */
export { type ObjectToRun, objectRunId } from '../../streams/ingest/object-run-id.ts';
