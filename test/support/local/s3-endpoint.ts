/** The local S3 behind a real front, with a bucket `subject`, for tests that speak to it as clients do. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { createClock } from '../../../local/clock.ts';
import { createFront, type Front } from '../../../local/front/front.ts';
import type { EventBus } from '../../../local/ports.ts';
import { createS3Service, type S3Service } from '../../../local/s3/service.ts';
import type { Properties } from '../../../local/service.ts';

export type PublishedEvent = Parameters<EventBus['publish']>[0];

export interface RawRequest {
  readonly method: string;
  /** Sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface S3Endpoint {
  readonly client: S3Client;
  readonly url: string;
  readonly service: () => S3Service;
  readonly folder: string;
  /** What has been published; the test may take it out. */
  readonly events: PublishedEvent[];
  /** Runs on each event, before the write is answered. */
  onEvent: (event: PublishedEvent) => void;
  /** Makes a bucket as the template does, and gives its name. */
  declare(properties: Properties, logicalId?: string): Promise<string>;
  /** Sends what no SDK would. */
  send(request: RawRequest): Promise<RawAnswer>;
  /** Stops the service and opens it again on the same folder; nothing is declared. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const BUCKET = 'subject';

const ACCOUNT = '123456789012';
const NOTIFIES = { EventBridgeConfiguration: { EventBridgeEnabled: true } };

/** @param region default `us-east-1` */
export async function openS3Endpoint(region = 'us-east-1'): Promise<S3Endpoint> {
  const folder = mkdtempSync(path.join(tmpdir(), 's3-'));
  const clock = createClock();
  let service: S3Service;
  const open = (): S3Service =>
    createS3Service(
      {
        ...{ account: ACCOUNT, region, endpoint: 'http://127.0.0.1', clock },
        folder(scope) {
          mkdirSync(path.join(folder, scope), { recursive: true });
          return path.join(folder, scope);
        },
      },
      {
        events: {
          async publish(event) {
            endpoint.events.push(event);
            endpoint.onEvent(event);
          },
        },
      },
    );
  const front: Front = createFront({ services: () => [service], port: 0, log: () => undefined });
  const url = await front.listen();
  const client = new S3Client({
    endpoint: url,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const endpoint: S3Endpoint = {
    client,
    url,
    service: () => service,
    folder: path.join(folder, 's3'),
    events: [],
    onEvent: () => undefined,
    async declare(properties, logicalId = 'Bucket') {
      const kind = service.resourceKinds.find(({ type }) => type === 'AWS::S3::Bucket');
      if (!kind) throw new Error('There is no kind for buckets.');
      const context = { logicalId, stackName: 'Stack', account: ACCOUNT, region };
      const identity = kind.identify(properties, context);
      await kind.create?.(properties, identity, context);
      return identity.ref;
    },
    send: (request) => sendRaw(url, request),
    async restart() {
      await service.stop?.();
      service = open();
    },
    async close() {
      client.destroy();
      await front.close();
      await service.stop?.();
      clock.stop();
      rmSync(folder, { recursive: true });
    },
  };
  service = open();
  await endpoint.declare({ BucketName: BUCKET, NotificationConfiguration: NOTIFIES });
  await service.start?.();
  return endpoint;
}

function sendRaw(url: string, { method, path: target, headers = {}, body = '' }: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, path: target, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
