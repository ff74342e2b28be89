/** An object store for tests of services that need one: content in ordinary files, keys in a list, no events. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ObjectStore } from '../../../local/ports.ts';
import { AwsError } from '../../../local/service.ts';

export interface FolderObjectStore extends ObjectStore {
  /** Writes are refused with this reason until it is `undefined` again. */
  refuse(reason: string | undefined): void;
  /** Holds every write back until the returned function is called. */
  hold(): () => void;
  /** Writes asked for, refused ones included. */
  readonly attempts: () => number;
  /** Where an object lies, for tests that break it. @throws AwsError `NoSuchKey` */
  readonly filePath: (bucket: string, key: string) => string;
}

export function createFolderObjectStore(folder: string): FolderObjectStore {
  const objects = new Map<string, string>();
  let reasonToRefuse: string | undefined;
  let held: Promise<void> | undefined;
  let attempts = 0;
  const nameOf = (bucket: string, key: string): string => `${bucket}/${key}`;

  function filePath(bucket: string, key: string): string {
    const file = objects.get(nameOf(bucket, key));
    if (file === undefined) throw new AwsError('NoSuchKey', `There is no ${key} in ${bucket}.`, 404);
    return file;
  }

  return {
    async put({ bucket, key, content }) {
      attempts++;
      if (held) await held;
      if (reasonToRefuse !== undefined) throw new AwsError('SlowDown', reasonToRefuse, 503);
      const file = path.join(folder, createHash('sha256').update(nameOf(bucket, key)).digest('hex'));
      mkdirSync(folder, { recursive: true });
      if ('file' in content) renameSync(content.file, file);
      else writeFileSync(file, content);
      objects.set(nameOf(bucket, key), file);
      const stored = readFileSync(file);
      return { etag: createHash('md5').update(stored).digest('hex'), size: stored.length };
    },
    get: async (bucket, key) => readFileSync(filePath(bucket, key)),
    fileOf: (bucket, key) => objects.get(nameOf(bucket, key)),
    keys(bucket, prefix) {
      const start = nameOf(bucket, '');
      const keys = [...objects.keys()].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
      return keys
        .filter((key) => key.startsWith(prefix))
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    },
    refuse(reason) {
      reasonToRefuse = reason;
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
    attempts: () => attempts,
    filePath,
  };
}
