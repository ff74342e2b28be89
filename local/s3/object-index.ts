/**
 * What is known of buckets and objects beside their content, in SQLite. Keys are BLOBs, so that their order is that of
 * their UTF-8 bytes, as S3 lists them. The content of an object is in its file before its row is here.
 */
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';

export const StoredHeaders = z.record(z.string(), z.string());
export type StoredHeaders = Readonly<z.infer<typeof StoredHeaders>>;

export const StoredChecksums = z.object({
  type: z.enum(['FULL_OBJECT', 'COMPOSITE']),
  /** Base64, with `-<parts>` behind composite ones. */
  values: z.partialRecord(z.enum(CHECKSUM_ALGORITHMS), z.string()),
});
export type StoredChecksums = Readonly<z.infer<typeof StoredChecksums>>;

export const StoredObject = z.object({
  key: z.string(),
  /** Path in the folder of the bucket. */
  file: z.string(),
  size: z.number(),
  /** Without quotation marks. */
  etag: z.string(),
  modifiedAtMs: z.number(),
  /** Lower-case names: what a GET gives back. */
  headers: StoredHeaders,
  checksums: StoredChecksums,
});
export type StoredObject = Readonly<z.infer<typeof StoredObject>>;

export interface StoredBucket {
  readonly name: string;
  readonly createdAtMs: number;
  /** Whether its events go to EventBridge. */
  readonly publishes: boolean;
}

export interface Usage {
  readonly objects: number;
  readonly bytes: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, publishes INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key BLOB NOT NULL, file TEXT NOT NULL, folded TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified_ms INTEGER NOT NULL, headers TEXT NOT NULL, checksums TEXT NOT NULL,
    PRIMARY KEY (bucket, key)) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS objects_by_file ON objects (bucket, folded);
  CREATE TABLE IF NOT EXISTS sequence (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO sequence VALUES (1, 0);
`;

const objectRow = z.object({
  key: z.instanceof(Uint8Array),
  file: z.string(),
  size: z.number(),
  etag: z.string(),
  modified_ms: z.number(),
  headers: z.string(),
  checksums: z.string(),
});
const bucketRow = z.object({ name: z.string(), created_ms: z.number(), publishes: z.number() });
const usageRow = z.object({ objects: z.number(), bytes: z.number() });
const keyRow = z.object({ key: z.instanceof(Uint8Array) });

/** Digits of a sequencer, so that their order as text is their order. */
const SEQUENCER_DIGITS = 18;

export class ObjectIndex {
  readonly database: DatabaseSync;
  readonly #find;
  readonly #range;
  readonly #keys;
  readonly #owner;
  readonly #upsert;
  readonly #remove;
  readonly #bucket;
  readonly #next;
  readonly #usage;

  constructor(file: string) {
    const database = new DatabaseSync(file);
    database.exec(SCHEMA);
    this.database = database;
    this.#find = database.prepare('SELECT * FROM objects WHERE bucket = ? AND key = ?');
    this.#range = database.prepare(
      'SELECT * FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?',
    );
    this.#keys = database.prepare('SELECT key FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key');
    this.#owner = database.prepare('SELECT key FROM objects WHERE bucket = ? AND folded = ?');
    this.#upsert = database.prepare(`
      INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (bucket, key) DO UPDATE SET file = excluded.file, folded = excluded.folded, size = excluded.size,
        etag = excluded.etag, modified_ms = excluded.modified_ms, headers = excluded.headers, checksums = excluded.checksums`);
    this.#remove = database.prepare('DELETE FROM objects WHERE bucket = ? AND key = ?');
    this.#bucket = database.prepare('SELECT * FROM buckets WHERE name = ?');
    this.#next = database.prepare('UPDATE sequence SET value = value + 1 RETURNING value');
    this.#usage = database.prepare(
      'SELECT count(*) AS objects, coalesce(sum(size), 0) AS bytes FROM objects WHERE bucket = ? AND key >= ? AND key < ?',
    );
  }

  find(bucket: string, key: string): StoredObject | undefined {
    const row = this.#find.get(bucket, Buffer.from(key));
    return row && objectOf(row);
  }

  /** @param from inclusive @param to exclusive, both in UTF-8 */
  range(bucket: string, from: Uint8Array, to: Uint8Array, limit: number): readonly StoredObject[] {
    return this.#range.all(bucket, from, to, limit).map(objectOf);
  }

  keys(bucket: string, from: Uint8Array, to: Uint8Array): readonly string[] {
    return this.#keys.all(bucket, from, to).map(keyOf);
  }

  usage(bucket: string, from: Uint8Array, to: Uint8Array): Usage {
    return usageRow.parse(this.#usage.get(bucket, from, to));
  }

  /** The key whose object has this file. */
  ownerOf(bucket: string, folded: string): string | undefined {
    const row = this.#owner.get(bucket, folded);
    return row && keyOf(row);
  }

  put(bucket: string, object: StoredObject, folded: string): void {
    const { key, file, size, etag, modifiedAtMs, headers, checksums } = object;
    const described = [JSON.stringify(headers), JSON.stringify(checksums)];
    this.#upsert.run(bucket, Buffer.from(key), file, folded, size, etag, modifiedAtMs, ...described);
  }

  remove(bucket: string, key: string): void {
    this.#remove.run(bucket, Buffer.from(key));
  }

  /** Hexadecimal, greater as text than every one before it, also of earlier runs. */
  nextSequencer(): string {
    const { value } = z.object({ value: z.number() }).parse(this.#next.get());
    return value.toString(16).toUpperCase().padStart(SEQUENCER_DIGITS, '0');
  }

  bucket(name: string): StoredBucket | undefined {
    const row = this.#bucket.get(name);
    return row && bucketOf(row);
  }

  buckets(): readonly StoredBucket[] {
    return this.database.prepare('SELECT * FROM buckets ORDER BY name').all().map(bucketOf);
  }

  putBucket({ name, createdAtMs, publishes }: StoredBucket): void {
    const sql = 'INSERT OR REPLACE INTO buckets (name, created_ms, publishes) VALUES (?, ?, ?)';
    this.database.prepare(sql).run(name, createdAtMs, Number(publishes));
  }

  removeBucket(name: string): void {
    this.database.prepare('DELETE FROM buckets WHERE name = ?').run(name);
  }

  /** All of what `run` writes, or nothing. */
  transaction<Result>(run: () => Result): Result {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const result = run();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk may have ended the transaction by itself.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.database.close();
  }
}

function objectOf(row: unknown): StoredObject {
  const { key, file, size, etag, modified_ms, headers, checksums } = objectRow.parse(row);
  return {
    key: Buffer.from(key).toString('utf8'),
    file,
    size,
    etag,
    modifiedAtMs: modified_ms,
    headers: StoredHeaders.parse(JSON.parse(headers)),
    checksums: StoredChecksums.parse(JSON.parse(checksums)),
  };
}

function bucketOf(row: unknown): StoredBucket {
  const { name, created_ms, publishes } = bucketRow.parse(row);
  return { name, createdAtMs: created_ms, publishes: publishes === 1 };
}

function keyOf(row: unknown): string {
  return Buffer.from(keyRow.parse(row).key).toString('utf8');
}
