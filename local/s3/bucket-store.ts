/**
 * Buckets and their objects: content in ordinary files under `<folder>/<bucket>/`, the rest in the index beside them.
 *
 * A write is whole or not there: content comes to a file under `.incoming/`, is moved into place, and then indexed, in one
 * turn of the event loop. A reader that has opened an object keeps what it opened while the object is replaced.
 */
import { randomUUID } from 'node:crypto';
import { copyFileSync, fstatSync, mkdirSync, openSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { AwsError } from '../service.ts';
import { invalidArgument, noSuchBucket, noSuchKey, preconditionFailed } from './faults.ts';
import type { CreationReason, ObjectEvents } from './object-events.ts';
import {
  ObjectIndex,
  type StoredBucket,
  type StoredChecksums,
  type StoredHeaders,
  type StoredObject,
} from './object-index.ts';
import { escapedPath, foldedPath, naturalPath } from './object-path.ts';

export interface NewObject {
  readonly bucket: string;
  readonly key: string;
  /** Moved into place. */
  readonly file: string;
  readonly size: number;
  readonly etag: string;
  readonly headers: StoredHeaders;
  readonly checksums: StoredChecksums;
  readonly reason: CreationReason;
  readonly requestId?: string;
  readonly condition?: WriteCondition;
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export interface WriteCondition {
  readonly ifNoneMatch: string | undefined;
  readonly ifMatch: string | undefined;
}

/** UTF-8 bytes of a key (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html). */
const KEY_BYTES_MAX = 1024;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** What the system answers when a key's path is taken by another's, or is too long for it. */
const PATH_TAKEN = new Set(['EEXIST', 'EILSEQ', 'EISDIR', 'ENAMETOOLONG', 'ENOTDIR', 'ENOTEMPTY', 'EPERM']);

export class BucketStore {
  readonly index: ObjectIndex;
  readonly #folder: string;
  readonly #incoming: string;
  readonly #clock: Clock;
  readonly #events: ObjectEvents;

  constructor(folder: string, clock: Clock, events: ObjectEvents) {
    this.#folder = folder;
    this.#clock = clock;
    this.#events = events;
    this.#incoming = path.join(folder, '.incoming');
    rmSync(this.#incoming, { recursive: true, force: true });
    mkdirSync(this.#incoming, { recursive: true });
    // No bucket's name begins with a dot, so that neither of these is in the way of one.
    this.index = new ObjectIndex(path.join(folder, '.index.sqlite'));
  }

  /** @throws AwsError `NoSuchBucket` */
  bucket(name: string): StoredBucket {
    const bucket = this.index.bucket(name);
    if (!bucket) throw noSuchBucket(name);
    return bucket;
  }

  /** Makes a bucket unless it is there. @throws AwsError `InvalidBucketName` */
  makeBucket(name: string): StoredBucket {
    const existing = this.index.bucket(name);
    if (existing) return existing;
    if (!BUCKET_NAME.test(name)) {
      const allowed = '3 to 63 lower-case letters, digits, hyphens and single dots, not an IP address';
      throw new AwsError(
        'InvalidBucketName',
        `The bucket name ${JSON.stringify(name)} is not allowed: ${allowed}.`,
        400,
      );
    }
    const bucket = { name, createdAtMs: this.#clock.now(), publishes: false };
    mkdirSync(path.join(this.#folder, name), { recursive: true });
    this.index.putBucket(bucket);
    return bucket;
  }

  /** @throws AwsError `NoSuchBucket`, `BucketNotEmpty` */
  deleteBucket(name: string): void {
    this.bucket(name);
    if (this.keys(name, '').length > 0) {
      throw new AwsError('BucketNotEmpty', `The bucket ${name} is not empty. Delete its objects first.`, 409);
    }
    this.index.removeBucket(name);
    // What others put into the folder is not ours to delete.
    this.#removeEmptyFolders(path.join(this.#folder, name));
  }

  /** @throws AwsError `NoSuchBucket` */
  find(bucket: string, key: string): StoredObject | undefined {
    this.bucket(bucket);
    return this.index.find(bucket, key);
  }

  /** @throws AwsError `NoSuchBucket`, `NoSuchKey` */
  object(bucket: string, key: string): StoredObject {
    const object = this.find(bucket, key);
    if (!object) throw noSuchKey(bucket, key);
    return object;
  }

  /** Keys with the prefix, in UTF-8 order. @throws AwsError `NoSuchBucket` */
  keys(bucket: string, prefix: string): readonly string[] {
    this.bucket(bucket);
    const from = Buffer.from(prefix);
    return this.index.keys(bucket, from, upperBound(from));
  }

  pathOf(bucket: string, object: StoredObject): string {
    return path.join(this.#folder, bucket, object.file);
  }

  /** A descriptor of the object's content, which the caller closes. @throws AwsError `InternalError` */
  open(bucket: string, object: StoredObject): number {
    const file = this.pathOf(bucket, object);
    const descriptor = openFile(file, object.key);
    const { size } = fstatSync(descriptor);
    if (size === object.size) return descriptor;
    throw new AwsError(
      'InternalError',
      `${file} has ${size} bytes, and ${object.key} ${object.size}: it was changed.`,
      500,
    );
  }

  /** A path for content on its way in, on the file system of the buckets. */
  incomingFile(): string {
    return path.join(this.#incoming, randomUUID());
  }

  /** Puts an object in place. @throws AwsError `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey`, `KeyTooLongError` */
  commit(incoming: NewObject): StoredObject {
    const { bucket, key, size, etag, headers, checksums } = incoming;
    const { publishes } = this.bucket(bucket);
    checkKey(key);
    const existing = this.index.find(bucket, key);
    if (incoming.condition) checkCondition(incoming.condition, existing, bucket, key);
    const file = this.#place(bucket, key, existing?.file, incoming.file);
    const object = { key, file, size, etag, modifiedAtMs: this.#clock.now(), headers, checksums };
    this.index.put(bucket, object, foldedPath(file));
    if (publishes) {
      const change = { bucket, requestId: incoming.requestId, sequencer: this.index.nextSequencer() };
      this.#events.created(change, object, incoming.reason);
    }
    return object;
  }

  /** @throws AwsError `NoSuchBucket` */
  delete(bucket: string, key: string, requestId: string): void {
    const { publishes } = this.bucket(bucket);
    const object = this.index.find(bucket, key);
    if (!object) return;
    const file = this.pathOf(bucket, object);
    this.index.remove(bucket, key);
    rmSync(file, { force: true });
    this.#removeEmptyParents(bucket, file);
    if (publishes) this.#events.deleted({ bucket, requestId, sequencer: this.index.nextSequencer() }, key);
  }

  close(): void {
    this.index.close();
  }

  /** Moves a file to where the object lies. An object keeps its place while it exists. */
  #place(bucket: string, key: string, current: string | undefined, file: string): string {
    const natural = current ?? naturalPath(key);
    const owner = natural === undefined ? undefined : this.index.ownerOf(bucket, foldedPath(natural));
    if (natural !== undefined && (owner === undefined || owner === key)) {
      try {
        this.#move(file, path.join(this.#folder, bucket, natural));
        return natural;
      } catch (error) {
        const code = Error.isError(error) && 'code' in error ? error.code : undefined;
        if (current !== undefined || typeof code !== 'string' || !PATH_TAKEN.has(code)) throw error;
      }
    }
    const escaped = escapedPath(key);
    this.#move(file, path.join(this.#folder, bucket, escaped));
    return escaped;
  }

  #move(from: string, to: string): void {
    mkdirSync(path.dirname(to), { recursive: true });
    try {
      renameSync(from, to);
    } catch (error) {
      if (!(Error.isError(error) && 'code' in error && error.code === 'EXDEV')) throw error;
      const nearer = this.incomingFile();
      copyFileSync(from, nearer);
      renameSync(nearer, to);
      rmSync(from);
    }
  }

  #removeEmptyParents(bucket: string, file: string): void {
    const root = path.join(this.#folder, bucket);
    for (let parent = path.dirname(file); parent !== root; parent = path.dirname(parent)) {
      if (!removeIfEmpty(parent)) return;
    }
  }

  #removeEmptyFolders(root: string): void {
    removeIfEmpty(path.join(root, path.dirname(escapedPath(''))));
    removeIfEmpty(root);
  }
}

/** The first key after all those with the prefix: UTF-8 has no byte 255, so the last byte can be raised. */
export function upperBound(prefix: Uint8Array): Buffer {
  if (prefix.length === 0) return Buffer.of(0xff);
  const bound = Buffer.from(prefix);
  bound[bound.length - 1] = (bound.at(-1) ?? 0) + 1;
  return bound;
}

/** @throws AwsError `KeyTooLongError`, `InvalidArgument` */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > KEY_BYTES_MAX) {
    throw new AwsError('KeyTooLongError', `The key has ${bytes} bytes; ${KEY_BYTES_MAX} are allowed.`, 400);
  }
  if (key === '') throw invalidArgument('The key is empty.');
  if (!key.isWellFormed()) throw invalidArgument('The key is not Unicode text.');
}

function checkCondition(
  { ifNoneMatch, ifMatch }: WriteCondition,
  existing: StoredObject | undefined,
  bucket: string,
  key: string,
): void {
  if (ifNoneMatch !== undefined && existing) throw preconditionFailed('If-None-Match');
  if (ifMatch === undefined) return;
  if (!existing) throw noSuchKey(bucket, key);
  if (ifMatch.replaceAll('"', '') !== existing.etag) throw preconditionFailed('If-Match');
}

function openFile(file: string, key: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    const reason = Error.isError(error) ? error.message : String(error);
    throw new AwsError('InternalError', `The content of ${key} cannot be read: ${reason}`, 500);
  }
}

function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
