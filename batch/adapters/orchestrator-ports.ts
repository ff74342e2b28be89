/** What the Orchestrator function works with, by its environment; `infra/` gives it. */
import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import { required } from '../../processors/adapters/environment.ts';
import { writeLine } from '../../processors/adapters/write-line.ts';
import { datasets } from '../../schemas/index.ts';
import { type PipelinesPorts, Unavailable } from '../pipelines/ports.ts';
import type { PipelinesSettings } from '../pipelines/settings.ts';
import { createRuns } from '../runs/create-runs.ts';
import { DynamoDbIdempotency } from './dynamodb-idempotency.ts';
import { createKinesisChunkStream } from './kinesis-chunk-stream.ts';
import { createPowertoolsOnce } from './powertools-once.ts';
import { createS3ObjectVersions } from './s3-object-versions.ts';
import { createSqsRunRequests } from './sqs-messages.ts';

const RUN_ID_BYTES = 16;

/** @throws Error naming what the environment lacks */
export function readPipelinesSettings(): PipelinesSettings {
  return {
    datasets: new Set(datasets.keys()),
    defaultDataset: required('DEFAULT_DATASET'),
    rawBucket: required('RAW_BUCKET'),
    chunkRecordsMax: Number(required('BATCH_SIZE')),
  };
}

/** @throws Error naming what the environment lacks */
export function createOrchestratorPorts(): PipelinesPorts {
  const clock = { now: Date.now };
  const dynamoDb = new DynamoDBClient({});
  const requestRun = createSqsRunRequests(new SQSClient({}), required('RUNS_QUEUE_URL'));
  return {
    runs: createRuns({
      table: createDynamoDbStateTable({ client: dynamoDb, tableName: required('STATE_TABLE') }),
      clock,
    }),
    stream: createKinesisChunkStream(new KinesisClient({ maxAttempts: 1 }), required('STREAM_NAME')),
    runsQueue: {
      async send(request) {
        try {
          await requestRun(request);
        } catch (error) {
          throw new Unavailable('the queue of runs', { cause: error });
        }
      },
    },
    objects: createS3ObjectVersions(new S3Client({})),
    once: createPowertoolsOnce(new DynamoDbIdempotency(dynamoDb, required('IDEMPOTENCY_TABLE'))),
    newId: () => randomBytes(RUN_ID_BYTES).toString('hex'),
    clock,
    log: writeLine,
  };
}
