/** S3 on the disk of this machine, as far as README.md says: buckets of the template, their objects, and events of them. */

import { closeSync, readFile, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { EventBus, ObjectStore } from '../ports.ts';
import type { Environment, LocalService, ServiceRequest, ServiceResponse } from '../service.ts';
import { BucketStore } from './bucket-store.ts';
import { createFaultSwitch, type Faults } from './faults.ts';
import { createMeasure, type Measurement } from './measurement.ts';
import { checkKey } from './name-rules.ts';
import { createObjectEvents } from './object-events.ts';
import { headersToKeep } from './object-headers.ts';
import type { Usage } from './object-index.ts';
import { answerS3, S3_OPERATIONS } from './operations.ts';
import { readContent } from './read-content.ts';
import { s3ResourceKinds } from './resource-kinds.ts';
import { UploadStore } from './upload-store.ts';

export interface S3Ports {
  readonly events: EventBus;
}

export interface S3Service extends LocalService, ObjectStore {
  /** Objects with the prefix, and their bytes. @throws AwsError `NoSuchBucket` */
  usage(bucket: string, prefix: string): Usage;
  readonly faults: Faults;
}

export function createS3Service(environment: Environment, ports: S3Ports): S3Service {
  const { account, region, clock } = environment;
  const store = new BucketStore(environment.folder('s3'), clock, createObjectEvents(account, ports.events));
  const uploads = new UploadStore(store);
  const faults = createFaultSwitch();
  const handle = async (request: ServiceRequest): Promise<ServiceResponse> => {
    faults.checkAvailable();
    return answerS3(request, { store, uploads, account, region, now: clock.now });
  };

  return {
    scope: 's3',
    handle: Object.assign(handle, { operations: S3_OPERATIONS }),
    resourceKinds: s3ResourceKinds(store),
    start: () => store.publishLeftovers(),
    stop: () => store.close(),
    faults,
    async put({ bucket, key, content, contentType }) {
      faults.checkAvailable();
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
      if (!Buffer.isBuffer(content)) rmSync(given);
      return { etag, size };
    },
    async get(bucket, key) {
      faults.checkAvailable();
      const descriptor = store.open(bucket, store.object(bucket, key));
      try {
        return await promisify(readFile)(descriptor);
      } finally {
        closeSync(descriptor);
      }
    },
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
