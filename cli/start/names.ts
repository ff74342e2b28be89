/** Physical names that the commands rely on, as `infra/names.ts` gives them. */
export const STREAM = 'data-pipeline-stream';
export const DATABASE = 'data_pipeline_catalog';
export const WORKGROUP = 'data-pipeline-workgroup';
export const PROCESSOR_LOG_GROUP = '/aws/lambda/ServerlessDataPipeline-RealtimeFunction';
export const API = { name: 'data-pipeline-api', stage: 'prod' } as const;
