import { FirehoseClient } from '@aws-sdk/client-firehose';
import { S3Client } from '@aws-sdk/client-s3';
import { createFirehoseDelivery } from '../adapters/firehose-delivery.ts';
import { readRealtimeEnvironment } from '../adapters/realtime-environment.ts';
import { createS3Payload } from '../adapters/s3-payload.ts';
import { createUnwrittenBooks } from '../adapters/unwritten-books.ts';
import { writeLine } from '../adapters/write-line.ts';
import { createRealtimeHandler } from '../realtime.ts';

const clock = { now: Date.now };
const { settings, streamPrefix, qualityThreshold } = readRealtimeEnvironment();
export const handler = createRealtimeHandler(settings, {
  books: createUnwrittenBooks(qualityThreshold),
  delivery: createFirehoseDelivery({ client: new FirehoseClient({ maxAttempts: 1 }), streamPrefix, clock }),
  payloads: createS3Payload(new S3Client({}), clock),
  clock,
  log: writeLine,
});
