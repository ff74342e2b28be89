/** What the Ingestion function works on, by its environment; `infra/ingestion.ts` gives it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import { required, requiredCount } from '../../processors/adapters/environment.ts';
import { writeLine } from '../../processors/adapters/write-line.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import { datasets as allDatasets } from '../../schemas/index.ts';
import { createKinesisPutRecords } from '../../streams/adapters/kinesis-put-records.ts';
import { cutObject } from '../ingestion/cut-object.ts';
import type { IngestionPorts, IngestionSettings } from '../ingestion/handler.ts';
import { createReadSchedule } from '../ingestion/pull-schedule.ts';
import { createObjectReader, createReadObjectRun } from '../ingestion/read-objects.ts';
import { scheduledRun } from '../ingestion/scheduled-run.ts';
import { createRuns } from '../runs/create-runs.ts';
import { createHttpWeb } from './http-web.ts';
import { createKinesisReplay } from './kinesis-replay.ts';
import { createS3PulledObjects } from './s3-pulled-objects.ts';
import { createS3SourceObjects } from './s3-source-objects.ts';
import { createSqsRetryAfter, createSqsRunRequests } from './sqs-messages.ts';

/** @throws Error naming what the environment lacks */
export function readIngestionSettings(): IngestionSettings {
  return {
    bucket: required('RAW_BUCKET'),
    datasets: new Set(allDatasets.keys()),
    defaultDataset: required('DEFAULT_DATASET'),
    chunkRecordsMax: requiredCount('BATCH_SIZE'),
    runsQueue: queueName(required('RUNS_QUEUE_URL')),
    ingestQueue: queueName(required('INGEST_QUEUE_URL')),
    metricsNamespace: process.env.METRICS_NAMESPACE ?? 'DataPipeline',
  };
}

/**
 * @param datasets by name. Default: all
 * @throws Error naming what the environment lacks
 */
export function createIngestionPorts(
  { bucket, chunkRecordsMax }: IngestionSettings,
  datasets: ReadonlyMap<string, Dataset> = allDatasets,
): IngestionPorts {
  const clock = { now: Date.now };
  const s3 = new S3Client({});
  const sqs = new SQSClient({});
  const queueUrls = [required('RUNS_QUEUE_URL'), required('INGEST_QUEUE_URL')] as const;
  const reader = createObjectReader({
    objects: createS3SourceObjects(s3),
    cut: cutObject,
    datasets,
    bucket,
    objectBytesMax: requiredCount('OBJECT_BYTES_MAX'),
  });
  const readObjectRun = createReadObjectRun(reader);
  const table = createDynamoDbStateTable({ client: new DynamoDBClient({}), tableName: required('STATE_TABLE') });
  const readSchedule = createReadSchedule({
    datasets,
    bucket,
    reader,
    web: createHttpWeb(),
    pulled: createS3PulledObjects(s3),
    table,
  });
  return {
    runs: createRuns({ table, clock }),
    put: createKinesisReplay({
      port: createKinesisPutRecords(new KinesisClient({ maxAttempts: 1 })),
      streamName: required('STREAM_NAME'),
    }),
    request: createSqsRunRequests(sqs, queueUrls[0]),
    retryAfter: createSqsRetryAfter(sqs, queueUrls),
    readers: { s3: readObjectRun, 's3-prefix': readObjectRun, schedule: readSchedule },
    scheduledRun: (request) => scheduledRun(request, { datasets, chunkRecordsMax }),
    clock,
    log: writeLine,
  };
}

function queueName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}
