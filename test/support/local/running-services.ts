/** All local services behind the real front, on a folder of their own, with a stream, a bucket, a table and a queue. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Clock, createClock } from '../../../local/clock.ts';
import { createFront } from '../../../local/front/front.ts';
import type { Environment, Properties } from '../../../local/service.ts';
import { createServices, type Services } from '../../../local/services.ts';

export interface RunningServices {
  readonly services: Services;
  readonly clock: Clock;
  readonly endpoint: string;
  /** What any client of the SDK is made with: one attempt. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: 1;
  };
  stop(): Promise<void>;
}

/** The name of each resource. */
export const SUBJECT = 'subject';

const CONTEXT = { logicalId: 'Logical', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };

const RESOURCES: Readonly<Record<string, Properties>> = {
  'AWS::Kinesis::Stream': { Name: SUBJECT, ShardCount: 1 },
  'AWS::S3::Bucket': { BucketName: SUBJECT },
  'AWS::SQS::Queue': { QueueName: SUBJECT },
  'AWS::DynamoDB::Table': {
    TableName: SUBJECT,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  },
};

export async function startServices(): Promise<RunningServices> {
  const root = mkdtempSync(path.join(tmpdir(), 'services-'));
  const clock = createClock();
  const folder = (scope: string): string => {
    mkdirSync(path.join(root, scope), { recursive: true });
    return path.join(root, scope);
  };
  const environment: Environment = { ...CONTEXT, endpoint: 'http://127.0.0.1:4566', clock, folder };
  const services = createServices(environment, { assetFolder: () => root });
  for (const kind of services.resourceKinds) {
    const properties = RESOURCES[kind.type];
    if (properties) await kind.create?.(properties, kind.identify(properties, CONTEXT), CONTEXT);
  }
  const front = createFront({ services: services.all, port: 0 });
  const endpoint = await front.listen();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return {
    services,
    clock,
    endpoint,
    client: { endpoint, region: CONTEXT.region, credentials, maxAttempts: 1 },
    async stop() {
      await front.close();
      for (const service of [...services.all].reverse()) await service.stop?.();
      clock.stop();
      rmSync(root, { recursive: true });
    },
  };
}
