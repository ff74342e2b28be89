import { FirehoseClient } from '@aws-sdk/client-firehose';
import { S3Client } from '@aws-sdk/client-s3';
import { datasets } from '../../schemas/index.ts';
import { required, requiredShare } from '../adapters/environment.ts';
import { createFirehoseDelivery } from '../adapters/firehose-delivery.ts';
import { createS3Payload } from '../adapters/s3-payload.ts';
import { createUnwrittenBooks } from '../adapters/unwritten-books.ts';
import { createRealtimeHandler } from '../realtime.ts';

const clock = { now: Date.now };
const client = new FirehoseClient({ maxAttempts: 1 });
export const handler = createRealtimeHandler(
  {
    datasets: datasets.values(),
    defaultDataset: required('DEFAULT_DATASET'),
    metricsNamespace: process.env.METRICS_NAMESPACE ?? 'DataPipeline',
    payloadBucket: required('PAYLOAD_BUCKET'),
  },
  {
    books: createUnwrittenBooks(clock, requiredShare('QUALITY_THRESHOLD')),
    delivery: createFirehoseDelivery({ client, streamPrefix: required('DELIVERY_STREAM_PREFIX'), clock }),
    payloads: createS3Payload(new S3Client({})),
    clock,
    log: console.log,
  },
);
