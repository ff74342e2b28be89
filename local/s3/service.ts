/** S3 on the disk of this machine, as far as README.md says: buckets of the template, their objects, and events of them. */

import { closeSync, readFile, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { EventBus, ObjectStore } from '../ports.ts';
import type { Environment, LocalService, ServiceHandler, ServiceRequest } from '../service.ts';
import { BucketStore } from './bucket-store.ts';
import { createMeasure, type Measurement } from './measurement.ts';
import { checkKey } from './name-rules.ts';
import { createObjectEvents } from './object-events.ts';
import { headersToKeep } from './object-headers.ts';
import type { Usage } from './object-index.ts';
import { answerS3, S3_OPERATIONS } from './operations.ts';
import { readContent } from './read-content.ts';
import { s3ResourceKinds } from './resource-kinds.ts';
import { readS3Request } from './s3-request.ts';
import { UploadStore } from './upload-store.ts';

export interface S3Ports {
  readonly events: EventBus;
}

type NewObject = Parameters<ObjectStore['put']>[0];
type StoredObject = Awaited<ReturnType<ObjectStore['put']>>;

export interface S3Service extends LocalService, ObjectStore {
  /** Objects with the prefix, and their bytes. @throws AwsError `NoSuchBucket` */
  usage(bucket: string, prefix: string): Usage;
  /** They also hold for `put` and `get` of other services, as PutObject and GetObject. */
  readonly faults: FaultSwitch;
}

export function createS3Service(environment: Environment, ports: S3Ports): S3Service {
  const { account, region, clock } = environment;
  const store = new BucketStore(environment.folder('s3'), clock, createObjectEvents(account, ports.events));
  const uploads = new UploadStore(store);
  const faults = new FaultSwitch({ scope: 's3', clock, handle: () => handle, batches: ['DeleteObjects'] });
  const handle: ServiceHandler = Object.assign(
    (request: ServiceRequest) => answerS3(request, { store, uploads, faults, account, region, now: clock.now }),
    { operations: S3_OPERATIONS, operationOf: (request: ServiceRequest) => readS3Request(request).operation },
  );

  async function put({ bucket, key, content, contentType }: NewObject): Promise<StoredObject> {
    store.bucket(bucket);
    checkKey(key);
    const given = Buffer.isBuffer(content) ? store.incomingFile() : content.file;
    if (Buffer.isBuffer(content)) await writeFile(given, content, { flag: 'wx' });
    const { size, md5, checksums: values } = await measure(given);
    const etag = md5.toString('hex');
    const file = Buffer.isBuffer(content) ? given : store.borrow(given);
    const headers = headersToKeep(contentType === undefined ? {} : { 'content-type': contentType });
    const checksums = { type: 'FULL_OBJECT' as const, values };
    try {
      store.commit({ bucket, key, file, size, etag, headers, checksums, reason: 'PutObject' });
    } finally {
      rmSync(file, { force: true });
    }
    return { etag, size };
  }

  async function get(bucket: string, key: string): Promise<Buffer> {
    const descriptor = store.open(bucket, store.object(bucket, key));
    try {
      return await promisify(readFile)(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  return {
    scope: 's3',
    handle,
    resourceKinds: s3ResourceKinds(store),
    start: () => store.publishLeftovers(),
    stop: () => store.close(),
    faults,
    async put(object) {
      const stored = await faults.around('PutObject', () => put(object));
      // Whoever gets no answer puts the file again.
      if (!Buffer.isBuffer(object.content)) rmSync(object.content.file);
      return stored;
    },
    get: (bucket, key) => faults.around('GetObject', () => get(bucket, key)),
    fileOf(bucket, key) {
      const object = store.index.find(bucket, key);
      return object && store.pathOf(bucket, object);
    },
    keys: (bucket, prefix) => store.keys(bucket, prefix),
    usage: (bucket, prefix) => store.usage(bucket, prefix),
  };
}

async function measure(file: string): Promise<Measurement> {
  const measuring = createMeasure(['crc64nvme']);
  for await (const bytes of readContent(file) as AsyncIterable<Buffer>) measuring.update(bytes);
  return measuring.result();
}
