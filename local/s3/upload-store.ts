/**
 * Multipart uploads under way, with their parts, in the index and under `.uploads/`: they are there again after a restart.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { BucketStore } from './bucket-store.ts';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import { StoredHeaders } from './object-index.ts';
import { noSuchUpload } from './s3-error.ts';

const Upload = z.object({
  id: z.string(),
  bucket: z.string(),
  key: z.string(),
  headers: StoredHeaders,
  algorithm: z.enum(CHECKSUM_ALGORITHMS),
  type: z.enum(['FULL_OBJECT', 'COMPOSITE']),
});
export type Upload = Readonly<z.infer<typeof Upload>>;

const Part = z.object({
  number: z.number(),
  file: z.string(),
  size: z.number(),
  /** MD5 in hexadecimal. */
  etag: z.string(),
  /** By the algorithm of the upload, in base64. */
  checksum: z.string(),
});
/** `file` is a path. */
export type Part = Readonly<z.infer<typeof Part>>;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, upload TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS parts (upload TEXT NOT NULL, number INTEGER NOT NULL, part TEXT NOT NULL,
    PRIMARY KEY (upload, number)) STRICT, WITHOUT ROWID;
`;
const uploadRow = z.object({ upload: z.string() });
const partRow = z.object({ part: z.string() });
const idRow = z.object({ id: z.string() });

export class UploadStore {
  readonly #store: BucketStore;
  readonly #folder: string;

  constructor(store: BucketStore) {
    this.#store = store;
    this.#folder = path.join(store.folder, '.uploads');
    store.index.database.exec(SCHEMA);
    mkdirSync(this.#folder, { recursive: true });
    const known = new Set(this.#all('SELECT id FROM uploads').map((row) => idRow.parse(row).id));
    for (const id of readdirSync(this.#folder)) {
      if (!known.has(id)) rmSync(path.join(this.#folder, id), { recursive: true, force: true });
    }
  }

  create(upload: Omit<Upload, 'id'>): Upload {
    const created = { ...upload, id: randomBytes(32).toString('hex') };
    mkdirSync(path.join(this.#folder, created.id), { recursive: true });
    this.#run('INSERT INTO uploads VALUES (?, ?, ?)', created.id, created.bucket, JSON.stringify(created));
    return created;
  }

  /** @throws AwsError `NoSuchUpload` */
  upload(bucket: string, key: string, id: string): Upload {
    const [row] = this.#all('SELECT upload FROM uploads WHERE id = ?', id);
    const upload = row === undefined ? undefined : Upload.parse(JSON.parse(uploadRow.parse(row).upload));
    if (upload?.bucket !== bucket || upload.key !== key) throw noSuchUpload(id);
    return upload;
  }

  /** Takes over the file; a part of the same number is replaced. @throws AwsError `NoSuchUpload` */
  addPart({ bucket, key, id }: Upload, part: Part): void {
    this.upload(bucket, key, id);
    const name = randomUUID();
    renameSync(part.file, path.join(this.#folder, id, name));
    const replaced = this.#parts(id, 'number = ?', part.number);
    this.#run(
      'INSERT OR REPLACE INTO parts VALUES (?, ?, ?)',
      id,
      part.number,
      JSON.stringify({ ...part, file: name }),
    );
    for (const { file } of replaced) rmSync(file, { force: true });
  }

  /** In the order of their numbers. */
  parts({ id }: Upload): readonly Part[] {
    return this.#parts(id, 'number > ?', 0);
  }

  /** Forgets an upload and its parts. @throws AwsError `NoSuchUpload` */
  remove({ bucket, key, id }: Upload): void {
    this.upload(bucket, key, id);
    this.#drop(id);
  }

  dropBucket(bucket: string): void {
    for (const row of this.#all('SELECT id FROM uploads WHERE bucket = ?', bucket)) this.#drop(idRow.parse(row).id);
  }

  #drop(id: string): void {
    this.#run('DELETE FROM uploads WHERE id = ?', id);
    this.#run('DELETE FROM parts WHERE upload = ?', id);
    rmSync(path.join(this.#folder, id), { recursive: true, force: true });
  }

  #parts(id: string, condition: 'number = ?' | 'number > ?', number: number): readonly Part[] {
    const sql = `SELECT part FROM parts WHERE upload = ? AND ${condition} ORDER BY number`;
    return this.#all(sql, id, number).map((row) => {
      const part = Part.parse(JSON.parse(partRow.parse(row).part));
      return { ...part, file: path.join(this.#folder, id, part.file) };
    });
  }

  #all(sql: string, ...values: readonly (string | number)[]): readonly unknown[] {
    return this.#store.index.database.prepare(sql).all(...values);
  }

  #run(sql: string, ...values: readonly (string | number)[]): void {
    this.#store.index.database.prepare(sql).run(...values);
  }
}
