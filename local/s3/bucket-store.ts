/**
 * Buckets and their objects: content in ordinary files under `<folder>/<bucket>/`, the rest in the index beside them.
 *
 * A write is whole or not there: content comes to a file under `.incoming/`, is moved into place, and then indexed, in one
 * turn of the event loop and under the journal. When the row cannot be written, as on a full disk, it is owed: nothing else
 * is changed before it. A reader that has opened an object keeps what it opened while the object is replaced.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { AwsError } from '../service.ts';
import { type Change, ChangeJournal, type JournalEntry, type WrittenEntry } from './change-journal.ts';
import { EventOutbox } from './event-outbox.ts';
import { upperBound } from './key-bound.ts';
import { checkBucketName, checkKey } from './name-rules.ts';
import type { CreationReason, ObjectEvents } from './object-events.ts';
import { linkFile, moveIntoPlace, removeFromPlace, removeIfEmpty } from './object-files.ts';
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
  /** A file that `incomingFile` or `borrow` gave; moved into place. */
  readonly file: string;
  readonly size: number;
  readonly etag: string;
  readonly headers: StoredHeaders;
  readonly checksums: StoredChecksums;
  readonly reason: CreationReason;
  readonly requestId?: string;
  readonly condition?: WriteCondition;
}

export class BucketStore {
  readonly index: ObjectIndex;
  /** Holds a folder for each bucket, and others whose names begin with a dot, as no bucket's does. */
  readonly folder: string;
  readonly #incoming: string;
  readonly #clock: Clock;
  readonly #events: ObjectEvents;
  readonly #journal: ChangeJournal;
  readonly #outbox: EventOutbox;
  /** A change whose content is in place and whose row is not written. */
  #unwritten: JournalEntry | undefined;
  #unpublished: readonly WrittenEntry[];

  constructor(folder: string, clock: Clock, events: ObjectEvents) {
    this.folder = folder;
    this.#clock = clock;
    this.#events = events;
    this.#incoming = path.join(folder, '.incoming');
    mkdirSync(this.#incoming, { recursive: true });
    this.index = new ObjectIndex(path.join(folder, '.index.sqlite'));
    this.#journal = new ChangeJournal(this.index.database);
    const publish = (entry: WrittenEntry): Promise<void> | undefined => this.#publish(entry);
    this.#outbox = new EventOutbox({ journal: this.#journal, clock, publish });
    this.#unpublished = this.#journal.leftovers().flatMap((entry) => this.#recover(entry) ?? []);
    rmSync(this.#incoming, { recursive: true, force: true });
    mkdirSync(this.#incoming, { recursive: true });
  }

  /** Publishes the events that a crash kept back; to be called once there is someone to receive them. */
  publishLeftovers(): void {
    for (const entry of this.#unpublished) this.#outbox.send(entry);
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
    this.#writeOwed();
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
    const owed = this.#unwritten?.change;
    // The row that is there describes content that is not there any more.
    if (owed?.bucket === bucket && owed.object.key === key) this.#writeOwed();
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

  /** Lends `commit` the content of another's file, which stays: what was accepted has a place at every moment. */
  borrow(file: string): string {
    const borrowed = this.incomingFile();
    linkFile(file, borrowed);
    return borrowed;
  }

  /**
   * Puts an object in place. When it throws for what the disk does, the object is as before, or will be the new one.
   * @throws AwsError `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey`, `KeyTooLongError`
   */
  commit(incoming: NewObject): StoredObject {
    const { bucket, key, size, etag, headers, checksums, reason, requestId } = incoming;
    this.bucket(bucket);
    checkKey(key);
    this.#writeOwed();
    const existing = this.index.find(bucket, key);
    if (incoming.condition) checkWriteCondition(incoming.condition, existing, bucket, key);
    const described = { key, size, etag, modifiedAtMs: this.#clock.now(), headers, checksums };
    const name = path.basename(incoming.file);
    const places = existing ? [existing.file] : this.#placesFor(bucket, key);
    for (const [at, file] of places.entries()) {
      const object = { ...described, file };
      const change: Change = { kind: 'created', bucket, object, incoming: name, reason, requestId };
      const id = this.#journal.begin(change);
      let isMoved = false;
      try {
        isMoved = moveIntoPlace(incoming.file, this.pathOf(bucket, object), at === places.length - 1);
      } finally {
        if (!isMoved) this.#journal.end(id);
      }
      if (!isMoved) continue;
      this.#unwritten = { id, change };
      this.#writeOwed();
      return object;
    }
    throw new Error(`There is no place for ${key}.`);
  }

  /** @throws AwsError `NoSuchBucket`, `PreconditionFailed` */
  delete(bucket: string, key: string, requestId: string, condition?: WriteCondition): void {
    const object = this.find(bucket, key);
    if (condition) checkWriteCondition(condition, object, bucket, key);
    if (!object) return;
    this.#writeOwed();
    const change: Change = { kind: 'deleted', bucket, object, requestId };
    const id = this.#journal.begin(change);
    let entry: WrittenEntry;
    try {
      entry = this.#write({ id, change });
    } catch (error) {
      this.#journal.end(id);
      throw error;
    }
    try {
      this.#removeFile(bucket, object);
    } finally {
      this.#outbox.send(entry);
    }
  }

  async close(): Promise<void> {
    await this.#outbox.close();
    this.index.close();
  }

  /** Ends what a crash broke off. Undefined when the content had not come into place: nothing was changed then. */
  #recover(entry: JournalEntry): WrittenEntry | undefined {
    const { id, change, sequencer } = entry;
    const { bucket, object } = change;
    if (sequencer === undefined && change.kind === 'created' && !this.#isInPlace(change.incoming, bucket, object)) {
      this.#journal.end(id);
      return undefined;
    }
    const written = sequencer === undefined ? this.#write(entry) : { ...entry, sequencer };
    const isTaken = this.index.ownerOf(bucket, foldedPath(object.file)) !== undefined;
    if (change.kind === 'deleted' && !isTaken) this.#removeFile(bucket, object);
    return written;
  }

  #isInPlace(incoming: string, bucket: string, object: StoredObject): boolean {
    if (existsSync(path.join(this.#incoming, incoming))) return false;
    return statSync(this.pathOf(bucket, object), { throwIfNoEntry: false })?.size === object.size;
  }

  /** @throws Error when the disk does not take it: then it is tried again before anything else, and at the next start */
  #writeOwed(): void {
    if (!this.#unwritten) return;
    const entry = this.#write(this.#unwritten);
    this.#unwritten = undefined;
    this.#outbox.send(entry);
  }

  #write({ id, change }: JournalEntry): WrittenEntry {
    const { bucket, object } = change;
    return this.index.transaction(() => {
      if (change.kind === 'created') this.index.put(bucket, object, foldedPath(object.file));
      else this.index.remove(bucket, object.key);
      const sequencer = this.index.nextSequencer();
      this.#journal.mark(id, sequencer);
      return { id, change, sequencer };
    });
  }

  /** An object keeps its place while it exists; a new one lies at its key, unless that is no path or is taken. */
  #placesFor(bucket: string, key: string): readonly string[] {
    const natural = naturalPath(key);
    const taken = natural === undefined || this.index.ownerOf(bucket, foldedPath(natural)) !== undefined;
    return taken ? [escapedPath(key)] : [natural, escapedPath(key)];
  }

  #removeFile(bucket: string, object: StoredObject): void {
    removeFromPlace(this.pathOf(bucket, object), path.join(this.folder, bucket));
  }

  #publish({ change, sequencer }: WrittenEntry): Promise<void> | undefined {
    const { bucket, requestId } = change;
    if (!this.index.bucket(bucket)?.publishes) return undefined;
    const described = { bucket, requestId, sequencer };
    if (change.kind === 'created') return this.#events.created(described, change.object, change.reason);
    return this.#events.deleted(described, change.object.key);
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
