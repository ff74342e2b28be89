import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { createDynamoDbStateTable } from '../adapters/dynamodb-state-table.ts';
import { required } from '../adapters/environment.ts';
import { createGluePartitions } from '../adapters/glue-partitions.ts';
import { createS3Objects } from '../adapters/s3-objects.ts';
import { writeLine } from '../adapters/write-line.ts';
import { createCatalogHandler } from '../catalog.ts';

const buckets = { processedBucket: required('PROCESSED_BUCKET'), archiveBucket: required('ARCHIVE_BUCKET') };
const ports = {
  partitions: createGluePartitions(new GlueClient({}), required('DATABASE_NAME')),
  objects: createS3Objects(new S3Client({})),
  table: createDynamoDbStateTable({ client: new DynamoDBClient({}), tableName: required('STATE_TABLE') }),
  clock: { now: Date.now },
  log: writeLine,
};
export const handler = createCatalogHandler({ ...buckets, tapeFunction: required('TAPE_FUNCTION') }, ports);
