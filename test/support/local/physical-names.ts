/** Physical names of a local pipeline that tests rely on, as `infra/names.ts` gives them. */
export const STATE_TABLE = 'data-pipeline-state';
export const ARCHIVE_BUCKET = 'data-pipeline-archive-000000000000-us-east-1';
export const PROCESSED_BUCKET = 'data-pipeline-processed-000000000000-us-east-1';
