import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadObject } from '../../streams/ingest/source-object.ts';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';
import type { ObjectVersion } from '../ingestion/source-objects.ts';
import { createS3SourceObjects } from './s3-source-objects.ts';

let s3: S3Endpoint;
beforeAll(async () => {
  s3 = await openS3Endpoint();
});
afterAll(() => s3.close());

const KEY = 'incoming/a b+ü?#.json';
const objects = () => createS3SourceObjects(s3.client, { rangeBytes: 4 });

async function put(Key: string, content: string): Promise<ObjectVersion> {
  await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Buffer.from(content) }));
  const found = await objects().find(BUCKET, Key);
  if (!found) throw new Error(`${Key} is not there`);
  return found;
}

async function readAll(version: ObjectVersion, from = 0, to?: number): Promise<string> {
  const pieces = await Array.fromAsync(objects().open(version).read(from, to));
  return pieces.map((piece) => Buffer.from(piece).toString()).join('|');
}

describe('an object of S3', () => {
  it('is found as it stands, and read in ranges from anywhere', async () => {
    const version = await put(KEY, '0123456789');

    expect(version).toMatchObject({ bucket: BUCKET, key: KEY, sizeBytes: 10, versionId: undefined });
    expect(version.etag).toMatch(/^[0-9a-f]{32}$/);
    expect(await readAll(version)).toBe('0123|4567|89');
    expect(await readAll(version, 3, 8)).toBe('3456|7');
    expect(await readAll(version, 8, 100)).toBe('89');
    expect(await readAll(await put('empty', ''))).toBe('');
  });

  it('that is not there is not found', async () => {
    expect(await objects().find(BUCKET, 'none')).toBeUndefined();
  });

  it.each([
    ['replaced', () => put(KEY, '9876543210')],
    ['deleted', () => s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: KEY }))],
  ])('that is %s while it is read is bad', async (_, change) => {
    const reading = objects()
      .open(await put(KEY, '0123456789'))
      .read(0);
    const pieces = reading[Symbol.asyncIterator]();
    await pieces.next();
    await change();

    const rest = (async () => {
      for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) {
        // Ranges that were asked for before the change are still of it.
      }
    })();

    const message = `s3://${BUCKET}/${KEY} was replaced or deleted while it was read`;
    await expect(rest).rejects.toMatchObject({ name: 'BadObject', message });
  });

  it('that cannot be read now is an error of another kind', async () => {
    const hasty = createS3SourceObjects(s3.client, { rangeTimeoutMs: 0 });
    const reading = Array.fromAsync(hasty.open(await put(KEY, '0123456789')).read(0));

    await expect(reading).rejects.toThrow();
    await expect(reading).rejects.not.toBeInstanceOf(BadObject);
  });

  it('is listed in the order of keys, after a key', async () => {
    for (const key of ['list/b', 'list/a', 'list/a/x', 'other']) await put(key, 'x');

    expect(await Array.fromAsync(objects().list(BUCKET, 'list/'))).toEqual(['list/a', 'list/a/x', 'list/b']);
    expect(await Array.fromAsync(objects().list(BUCKET, 'list/', 'list/a'))).toEqual(['list/a/x', 'list/b']);
  });
});
