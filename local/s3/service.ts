/** S3 on the disk of this machine, as far as README.md says: buckets of the template, their objects, and events of them. */

import { closeSync, createReadStream, readFile } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { EventBus, ObjectStore } from '../ports.ts';
import type { Environment, LocalService } from '../service.ts';
import { BucketStore, checkKey } from './bucket-store.ts';
import { createChecksum } from './checksum.ts';
import { createFaultSwitch, type Faults } from './faults.ts';
import { createObjectEvents } from './object-events.ts';
import { headersToKeep } from './object-headers.ts';
import type { Usage } from './object-index.ts';
import { answerS3 } from './operations.ts';
import { s3ResourceKinds } from './resource-kinds.ts';

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
  const faults = createFaultSwitch();

  return {
    scope: 's3',
    handle: async (request) => {
      faults.checkAvailable();
      return answerS3(request, { store, account, region });
    },
    resourceKinds: s3ResourceKinds(store),
    start: () => store.publishLeftovers(),
    stop: async () => store.close(),
    faults,
    async put({ bucket, key, content, contentType }) {
      faults.checkAvailable();
      // Whoever gave the file keeps it until nothing can be refused any more.
      store.bucket(bucket);
      checkKey(key);
      const given = Buffer.isBuffer(content) ? store.incomingFile() : content.file;
      if (Buffer.isBuffer(content)) await writeFile(given, content, { flag: 'wx' });
      const { size, etag, crc64nvme } = await measure(given);
      const file = Buffer.isBuffer(content) ? given : store.adopt(given);
      const headers = headersToKeep(contentType === undefined ? {} : { 'content-type': contentType });
      const checksums = { type: 'FULL_OBJECT' as const, values: { crc64nvme } };
      store.commit({ bucket, key, file, size, etag, headers, checksums, reason: 'PutObject' });
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

interface Measured {
  readonly size: number;
  /** MD5 in hexadecimal. */
  readonly etag: string;
  readonly crc64nvme: string;
}

async function measure(file: string): Promise<Measured> {
  const md5 = createChecksum('md5');
  const crc = createChecksum('crc64nvme');
  let size = 0;
  for await (const bytes of createReadStream(file) as AsyncIterable<Buffer>) {
    size += bytes.length;
    md5.update(bytes);
    crc.update(bytes);
  }
  return { size, etag: md5.digest().toString('hex'), crc64nvme: crc.digest().toString('base64') };
}
