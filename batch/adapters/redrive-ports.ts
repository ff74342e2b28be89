/** What the Redrive function works on, by its environment; `infra/` gives it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { createDynamoDbStateTable } from '../../processors/adapters/dynamodb-state-table.ts';
import { required } from '../../processors/adapters/environment.ts';
import { createFirehoseDelivery } from '../../processors/adapters/firehose-delivery.ts';
import { createKinesisStreamInfo } from '../../processors/adapters/kinesis-stream-info.ts';
import { writeLine } from '../../processors/adapters/write-line.ts';
import { createKinesisPutRecords } from '../../streams/adapters/kinesis-put-records.ts';
import type { RedrivePorts } from '../redrive/handler.ts';
import { createTapePlaces } from '../redrive/tape-places.ts';
import { createKinesisReplay } from './kinesis-replay.ts';
import { createS3Documents, createS3TapeReader, readObject } from './s3-archive.ts';

/** @throws Error naming what the environment lacks */
export function createRedrivePorts(): RedrivePorts {
  const s3 = new S3Client({});
  const kinesis = new KinesisClient({ maxAttempts: 1 });
  const clock = { now: Date.now };
  const [archiveBucket, processedBucket] = [required('ARCHIVE_BUCKET'), required('PROCESSED_BUCKET')];
  const documents = createS3Documents(s3, archiveBucket, processedBucket);
  return {
    table: createDynamoDbStateTable({ client: new DynamoDBClient({}), tableName: required('STATE_TABLE') }),
    documents,
    readErrors: async (key) => Buffer.from(await readObject(s3, processedBucket, key)).toString(),
    tapeOf: createTapePlaces({ tape: createS3TapeReader(s3, archiveBucket), documents }),
    streams: createKinesisStreamInfo(new KinesisClient({})),
    put: createKinesisReplay({ port: createKinesisPutRecords(kinesis), streamName: required('STREAM_NAME') }),
    delivery: createFirehoseDelivery({
      client: new FirehoseClient({ maxAttempts: 1 }),
      streamPrefix: required('DELIVERY_STREAM_PREFIX'),
      clock,
    }),
    now: clock.now,
    log: writeLine,
  };
}
