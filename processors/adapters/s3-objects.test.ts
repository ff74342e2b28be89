import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';
import { ObjectError, type StoredObject } from '../landed/objects.ts';
import { createS3Objects } from './s3-objects.ts';

let s3: S3Endpoint;
beforeAll(async () => {
  s3 = await openS3Endpoint();
});
afterAll(() => s3.close());

/** As its event tells of it. */
async function put(Key: string, content: string): Promise<StoredObject> {
  const { ETag = '' } = await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: content }));
  return { bucket: BUCKET, key: Key, sizeBytes: content.length, etag: ETag.replaceAll('"', '') };
}

const refusalOf = (object: StoredObject, from: number, to: number, timeoutMs?: number): Promise<unknown> =>
  createS3Objects(s3.client, timeoutMs)
    .read(object, from, to)
    .catch((error: unknown) => error);

describe('a range of an object', () => {
  test('is what lies between two places', async () => {
    const object = await put('flights/dt=2001-01-01/a b+ü.parquet', '0123456789');
    const objects = createS3Objects(s3.client);

    expect(Buffer.from(await objects.read(object, 2, 5)).toString()).toBe('234');
    expect(Buffer.from(await objects.read(object, 0, 10)).toString()).toBe('0123456789');
    expect(await objects.read(object, 10, 10)).toHaveLength(0);
  });

  test('of an object that was replaced is refused', async () => {
    const object = await put('replaced', '0123456789');
    await put('replaced', '9876543210');

    const error = await refusalOf(object, 0, 5);

    expect(error).toBeInstanceOf(ObjectError);
    expect(error).toMatchObject({ message: expect.stringMatching(`^s3://${BUCKET}/replaced: PreconditionFailed`) });
  });

  test.each([
    ['that is not there', { key: 'none' }, 'NoSuchKey'],
    ['that is shorter than was told', { key: 'short', sizeBytes: 20 }, 'received 10 bytes, asked for 20'],
  ])('of an object %s is refused', async (_, more, reason) => {
    const object = { ...(await put('short', '0123456789')), ...more };

    const error = await refusalOf(object, 0, object.sizeBytes);

    expect(error).toBeInstanceOf(ObjectError);
    expect(error).toMatchObject({ message: expect.stringContaining(reason) });
  });

  test('is given up when the store takes too long', async () => {
    const object = await put('slow', '0123456789');

    expect(await refusalOf(object, 0, 10, 0)).toBeInstanceOf(ObjectError);
  });
});
