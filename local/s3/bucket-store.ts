/**
 * Buckets and their objects: content in ordinary files under `<folder>/<bucket>/`, the rest in the index beside them.
 *
 * A write is whole or not there: content comes to a file under `.incoming/`, is moved into place, and then indexed, in one
 * turn of the event loop and under the journal. A reader that has opened an object keeps what it opened while the object is
 * replaced.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { AwsError } from '../service.ts';
import { type Change, ChangeJournal, type JournalEntry } from './change-journal.ts';
import { upperBound } from './key-bound.ts';
import { moveFile } from './move-file.ts';
import { checkBucketName, checkKey } from './name-rules.ts';
import type { CreationReason, ObjectEvents } from './object-events.ts';
import {
  ObjectIndex,
  type StoredBucket,
  type StoredChecksums,
  type StoredHeaders,
  type StoredObject,
  type Usage,
} from './object-index.ts';
import { escapedPath, foldedPath, naturalPath } from './object-path.ts';
import { noSuchBucket, noSuchKey } from './s3-error.ts';
import { checkWriteCondition, type WriteCondition } from './write-condition.ts';

export interface NewObject {
  readonly bucket: string;
  readonly key: string;
  /** A file that `incomingFile` or `adopt` gave; moved into place. */
  readonly file: string;
  readonly size: number;
  readonly etag: string;
  readonly headers: StoredHeaders;
  readonly checksums: StoredChecksums;
  readonly reason: CreationReason;
  readonly requestId?: string;
  readonly condition?: WriteCondition;
}

/** What the system answers when a key's path is taken by another's, or is too long for it. */
const PATH_TAKEN = new Set(['EEXIST', 'EILSEQ', 'EISDIR', 'ENAMETOOLONG', 'ENOTDIR', 'ENOTEMPTY', 'EPERM']);

export class BucketStore {
  readonly index: ObjectIndex;
  /** Holds a folder for each bucket, and others whose names begin with a dot, as no bucket's does. */
  readonly folder: string;
  readonly #incoming: string;
  readonly #clock: Clock;
  readonly #events: ObjectEvents;
  readonly #journal: ChangeJournal;
  #unpublished: readonly JournalEntry[];

  constructor(folder: string, clock: Clock, events: ObjectEvents) {
    this.folder = folder;
    this.#clock = clock;
    this.#events = events;
    this.#incoming = path.join(folder, '.incoming');
    mkdirSync(this.#incoming, { recursive: true });
    this.index = new ObjectIndex(path.join(folder, '.index.sqlite'));
    this.#journal = new ChangeJournal(this.index.database);
    this.#unpublished = this.#journal.leftovers().filter((entry) => this.#recover(entry));
    rmSync(this.#incoming, { recursive: true, force: true });
    mkdirSync(this.#incoming, { recursive: true });
  }

  /** Publishes the events that a crash kept back; to be called once there is someone to receive them. */
  publishLeftovers(): void {
    for (const { id, change } of this.#unpublished) {
      if (this.index.bucket(change.bucket)) this.#publish(change);
      this.#journal.end(id);
    }
    this.#unpublished = [];
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
    checkBucketName(name);
    const bucket = { name, createdAtMs: this.#clock.now(), publishes: false };
    mkdirSync(path.join(this.folder, name), { recursive: true });
    this.index.putBucket(bucket);
    return bucket;
  }

  /** Whether the bucket's events go to EventBridge from now on. @throws AwsError `NoSuchBucket` */
  setPublishes(name: string, publishes: boolean): void {
    this.index.putBucket({ ...this.bucket(name), publishes });
  }

  /** @throws AwsError `NoSuchBucket`, `BucketNotEmpty` */
  deleteBucket(name: string): void {
    this.bucket(name);
    if (this.index.range(name, Buffer.of(), upperBound(Buffer.of()), 1).length > 0) {
      throw new AwsError('BucketNotEmpty', `The bucket ${name} is not empty. Delete its objects first.`, 409);
    }
    this.index.removeBucket(name);
    // What others put into the folder is not ours to delete.
    removeIfEmpty(path.join(this.folder, name));
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

  /** @throws AwsError `NoSuchBucket` */
  usage(bucket: string, prefix: string): Usage {
    this.bucket(bucket);
    const from = Buffer.from(prefix);
    return this.index.usage(bucket, from, upperBound(from));
  }

  pathOf(bucket: string, object: StoredObject): string {
    return path.join(this.folder, bucket, object.file);
  }

  /** A descriptor of the object's content, which the caller closes. @throws AwsError `InternalError` */
  open(bucket: string, object: StoredObject): number {
    const file = this.pathOf(bucket, object);
    const descriptor = openFile(file, object.key);
    const { size } = fstatSync(descriptor);
    if (size === object.size) return descriptor;
    closeSync(descriptor);
    const message = `${file} has ${size} bytes, and ${object.key} ${object.size}: it was changed.`;
    throw new AwsError('InternalError', message, 500);
  }

  /** A path for content on its way in, on the file system of the buckets. */
  incomingFile(): string {
    return path.join(this.#incoming, randomUUID());
  }

  /** Moves a file of any file system to where `commit` takes it from. */
  adopt(file: string): string {
    const adopted = this.incomingFile();
    moveFile(file, adopted);
    return adopted;
  }

  /** Undoes `adopt` after a failed `commit`, so that whoever gave the file can try again. */
  giveBack(adopted: string, file: string): void {
    if (existsSync(adopted)) moveFile(adopted, file);
  }

  /** Puts an object in place. @throws AwsError `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey`, `KeyTooLongError` */
  commit(incoming: NewObject): StoredObject {
    const { bucket, key, size, etag, headers, checksums, reason, requestId } = incoming;
    this.bucket(bucket);
    checkKey(key);
    const existing = this.index.find(bucket, key);
    if (incoming.condition) checkWriteCondition(incoming.condition, existing, bucket, key);
    const described = { key, size, etag, modifiedAtMs: this.#clock.now(), headers, checksums };
    const name = path.basename(incoming.file);
    const places = existing ? [existing.file] : this.#placesFor(bucket, key);
    for (const [at, file] of places.entries()) {
      const object = { ...described, file };
      const change: Change = { kind: 'created', bucket, object, incoming: name, reason, requestId };
      const id = this.#journal.begin(change);
      try {
        if (!this.#move(incoming.file, this.pathOf(bucket, object), at === places.length - 1)) continue;
        this.index.put(bucket, object, foldedPath(file));
        this.#publish(change);
      } finally {
        this.#journal.end(id);
      }
      return object;
    }
    throw new Error(`There is no place for ${key}.`);
  }

  /** @throws AwsError `NoSuchBucket`, `PreconditionFailed` */
  delete(bucket: string, key: string, requestId: string, condition?: WriteCondition): void {
    const object = this.find(bucket, key);
    if (condition) checkWriteCondition(condition, object, bucket, key);
    if (!object) return;
    const change: Change = { kind: 'deleted', bucket, object, requestId };
    const id = this.#journal.begin(change);
    try {
      this.#remove(bucket, object);
      this.#publish(change);
    } finally {
      this.#journal.end(id);
    }
  }

  close(): void {
    this.index.close();
  }

  /** Ends what a crash broke off. False when the content had not come into place: nothing was changed then. */
  #recover({ id, change }: JournalEntry): boolean {
    const { bucket, object } = change;
    if (change.kind === 'deleted') {
      this.#remove(bucket, object);
      return true;
    }
    if (existsSync(path.join(this.#incoming, change.incoming))) {
      this.#journal.end(id);
      return false;
    }
    this.index.put(bucket, object, foldedPath(object.file));
    return true;
  }

  /** An object keeps its place while it exists; a new one lies at its key, unless that is no path or is taken. */
  #placesFor(bucket: string, key: string): readonly string[] {
    const natural = naturalPath(key);
    const taken = natural === undefined || this.index.ownerOf(bucket, foldedPath(natural)) !== undefined;
    return taken ? [escapedPath(key)] : [natural, escapedPath(key)];
  }

  /** False when another key's path is in the way. */
  #move(from: string, to: string, mustSucceed: boolean): boolean {
    try {
      mkdirSync(path.dirname(to), { recursive: true });
      renameSync(from, to);
      return true;
    } catch (error) {
      if (mustSucceed || !PATH_TAKEN.has(errorCode(error))) throw error;
      return false;
    }
  }

  #remove(bucket: string, object: StoredObject): void {
    const file = this.pathOf(bucket, object);
    const root = path.join(this.folder, bucket);
    this.index.remove(bucket, object.key);
    rmSync(file, { force: true });
    let parent = path.dirname(file);
    while (parent !== root && removeIfEmpty(parent)) parent = path.dirname(parent);
  }

  #publish(change: Change): void {
    const { bucket, requestId } = change;
    if (!this.index.bucket(bucket)?.publishes) return;
    const described = { bucket, requestId, sequencer: this.index.nextSequencer() };
    if (change.kind === 'created') this.#events.created(described, change.object, change.reason);
    else this.#events.deleted(described, change.object.key);
  }
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

function errorCode(error: unknown): string {
  return Error.isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
