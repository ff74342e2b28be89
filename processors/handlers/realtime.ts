import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { createDynamoDbStateTable } from '../adapters/dynamodb-state-table.ts';
import { createFirehoseDelivery } from '../adapters/firehose-delivery.ts';
import { createKinesisStreamInfo } from '../adapters/kinesis-stream-info.ts';
import { readRealtimeEnvironment } from '../adapters/realtime-environment.ts';
import { createS3Payload } from '../adapters/s3-payload.ts';
import { writeLine } from '../adapters/write-line.ts';
import { createBooks } from '../books/books.ts';
import { createClaims } from '../books/claims.ts';
import { createRealtimeHandler } from '../realtime.ts';

const clock = { now: Date.now };
const { settings, streamPrefix, tableName, ...terms } = readRealtimeEnvironment();
const table = createDynamoDbStateTable({ client: new DynamoDBClient({}), tableName });
const streams = createKinesisStreamInfo(new KinesisClient({}));

export const handler = createRealtimeHandler(settings, {
  books: createBooks({ table, streams, clock, ...terms }),
  delivery: createFirehoseDelivery({ client: new FirehoseClient({ maxAttempts: 1 }), streamPrefix, clock }),
  payloads: createS3Payload(new S3Client({}), clock),
  claims: createClaims(table, clock),
  clock,
  log: writeLine,
});
