import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { required } from '../adapters/environment.ts';
import { createKinesisStreamInfo } from '../adapters/kinesis-stream-info.ts';
import { createS3Tape } from '../adapters/s3-tape.ts';
import { writeLine } from '../adapters/write-line.ts';
import { createTapeHandler } from '../tape.ts';

const clock = { now: Date.now };

export const handler = createTapeHandler(process.env.METRICS_NAMESPACE ?? 'DataPipeline', {
  tape: createS3Tape(new S3Client({}), required('ARCHIVE_BUCKET'), clock),
  streams: createKinesisStreamInfo(new KinesisClient({})),
  clock,
  log: writeLine,
});
