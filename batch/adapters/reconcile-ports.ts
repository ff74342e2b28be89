/** What the Reconcile function works on, by its environment; `infra/` gives it. */
import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import { required, requiredShare } from '../../processors/adapters/environment.ts';
import { createKinesisNamedStream } from '../../processors/adapters/kinesis-stream-info.ts';
import { writeLine } from '../../processors/adapters/write-line.ts';
import { datasets } from '../../schemas/index.ts';
import type { ReconcileHandlerPorts, ReconcileHandlerSettings } from '../reconcile/handler.ts';
import { createAthenaQuery } from './athena-query.ts';
import { createAthenaRows } from './athena-rows.ts';
import { createAthenaTables } from './athena-tables.ts';
import { createS3Documents, createS3TapeReader } from './s3-archive.ts';

/** @throws Error naming what the environment lacks */
export function readReconcileSettings(): ReconcileHandlerSettings {
  return {
    streamName: required('STREAM_NAME'),
    datasets,
    defaultDataset: required('DEFAULT_DATASET'),
    qualityThreshold: requiredShare('QUALITY_THRESHOLD'),
    metricsNamespace: process.env.METRICS_NAMESPACE ?? 'DataPipeline',
  };
}

/** @throws Error naming what the environment lacks */
export function createReconcilePorts(): ReconcileHandlerPorts {
  const s3 = new S3Client({});
  const [archiveBucket, processedBucket] = [required('ARCHIVE_BUCKET'), required('PROCESSED_BUCKET')];
  const target = { workGroup: required('WORKGROUP'), database: required('DATABASE_NAME') };
  const run = createAthenaQuery({ client: new AthenaClient({}), ...target });
  return {
    table: createDynamoDbStateTable({ client: new DynamoDBClient({}), tableName: required('STATE_TABLE') }),
    streams: createKinesisNamedStream(new KinesisClient({})),
    tape: createS3TapeReader(s3, archiveBucket),
    documents: createS3Documents(s3, archiveBucket, processedBucket),
    tables: createAthenaTables(run, datasets),
    rows: createAthenaRows({ run, datasets, s3, processedBucket }),
    clock: { now: Date.now },
    log: writeLine,
  };
}
