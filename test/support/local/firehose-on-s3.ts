/** The local Firehose with one delivery stream `plain` of the column `id`, and the local S3 that it writes to, on a folder. */
import path from 'node:path';
import { Readable } from 'node:stream';
import { createClock } from '../../../local/clock.ts';
import { createFirehoseService, type FirehoseService } from '../../../local/firehose/service.ts';
import { createS3Service, type S3Service } from '../../../local/s3/service.ts';
import type { Environment, LocalService, Properties } from '../../../local/service.ts';
import { createFixedCatalog } from './fixed-catalog.ts';

export interface FirehoseOnS3 {
  readonly firehose: FirehoseService;
  readonly s3: S3Service;
  /** Puts records in one call and gives the status of the answer. */
  put(records: readonly string[]): Promise<number>;
  stop(): Promise<void>;
}

export const BUCKET = 'subject';

const CONTEXT = { logicalId: 'Logical', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };
const BUCKET_PROPERTIES = {
  BucketName: BUCKET,
  NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
};
const STREAM_PROPERTIES = {
  DeliveryStreamName: 'plain',
  ExtendedS3DestinationConfiguration: {
    BucketARN: `arn:aws:s3:::${BUCKET}`,
    Prefix: 'rows/',
    ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
    DataFormatConversionConfiguration: {
      InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
      OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
      SchemaConfiguration: { DatabaseName: 'db', TableName: 'events' },
    },
  },
};

/** Starts both, as at each start of the runtime. @param onEvent gets the detail of each event of S3 */
export async function openFirehoseOnS3(folder: string, onEvent: (detail: object) => void): Promise<FirehoseOnS3> {
  const clock = createClock();
  const environment: Environment = { ...CONTEXT, endpoint: '', clock, folder: (scope) => path.join(folder, scope) };
  const catalog = createFixedCatalog();
  catalog.set({ database: 'db', name: 'events', columns: [{ name: 'id', type: 'int' }] });
  const s3 = createS3Service(environment, { events: { publish: async ({ detail }) => onEvent(detail) } });
  const firehose = createFirehoseService(environment, { objects: s3, catalog, logs: { write: () => undefined } });
  await declare(s3, BUCKET_PROPERTIES);
  await declare(firehose, STREAM_PROPERTIES);
  await s3.start?.();
  await firehose.start?.();
  return {
    firehose,
    s3,
    async put(records) {
      const Records = records.map((record) => ({ Data: Buffer.from(record).toString('base64') }));
      const { status } = await firehose.handle({
        id: 'request',
        method: 'POST',
        path: '/',
        query: new URLSearchParams(),
        headers: { 'x-amz-target': 'Firehose_20150804.PutRecordBatch' },
        body: Readable.from([Buffer.from(JSON.stringify({ DeliveryStreamName: 'plain', Records }))]),
      });
      return status;
    },
    async stop() {
      await firehose.stop?.();
      await s3.stop?.();
      clock.stop();
    },
  };
}

async function declare(owner: LocalService, properties: Properties): Promise<void> {
  const [kind] = owner.resourceKinds;
  await kind?.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
}
