import { appendFileSync, rmSync } from 'node:fs';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

let s3: S3Endpoint;
let etag: string | undefined;

beforeEach(async () => {
  s3 = await openS3Endpoint();
  ({ ETag: etag } = await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: '0123456789' })));
});

afterEach(() => s3.close());

const get = (rest: object = {}) => s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a', ...rest }));
const head = (rest: object = {}) => s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'a', ...rest }));

function fileOf(key: string): string {
  const file = s3.service().fileOf(BUCKET, key);
  if (file === undefined) throw new Error(`There is no ${key}.`);
  return file;
}

describe('GetObject', () => {
  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=0-99', '0123456789', 'bytes 0-9/10'],
  ])('answers %s with a part and no checksum of the whole', async (Range, content, ContentRange) => {
    const found = await get({ Range, ChecksumMode: 'ENABLED' });

    expect(await found.Body?.transformToString()).toBe(content);
    expect(found).toMatchObject({ ContentRange, ContentLength: content.length, $metadata: { httpStatusCode: 206 } });
    expect(found.ChecksumCRC32).toBeUndefined();
  });

  it('answers a range outside the object with 416', async () => {
    await expect(get({ Range: 'bytes=10-' })).rejects.toMatchObject({
      name: 'InvalidRange',
      $metadata: { httpStatusCode: 416 },
    });
  });

  it('gives the checksum only to those who ask', async () => {
    const unasked = await s3.send({ method: 'GET', path: `/${BUCKET}/a` });

    expect(unasked.headers).not.toHaveProperty('x-amz-checksum-crc32');
    expect(await get({ ChecksumMode: 'ENABLED' })).toMatchObject({
      ChecksumCRC32: 'poTHxg==',
      ChecksumType: 'FULL_OBJECT',
    });
  });

  it('answers an object of no bytes', async () => {
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'empty', Body: Buffer.of() }));

    const found = await get({ Key: 'empty' });

    expect(found.ContentLength).toBe(0);
    expect(await found.Body?.transformToString()).toBe('');
  });

  it('answers 304 to those who have it', async () => {
    const before = new Date(Date.now() - 60_000);
    const after = new Date(Date.now() + 60_000);

    await expect(get({ IfNoneMatch: etag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    await expect(get({ IfModifiedSince: after })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    await expect(get({ IfModifiedSince: before })).resolves.toMatchObject({ ETag: etag });
  });

  it('answers 412 when a precondition does not hold', async () => {
    await expect(get({ IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(get({ IfUnmodifiedSince: new Date(0) })).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
    await expect(get({ IfMatch: etag })).resolves.toMatchObject({ ETag: etag });
  });

  it('overrides the headers of its answer', async () => {
    const found = await get({
      ResponseContentType: 'text/csv',
      ResponseContentDisposition: 'attachment; filename="a"',
    });

    expect(found).toMatchObject({ ContentType: 'text/csv', ContentDisposition: 'attachment; filename="a"' });
  });

  it('refuses an override that would break the answer', async () => {
    const answer = await s3.send({
      method: 'GET',
      path: `/${BUCKET}/a?response-content-type=text%2Fcsv%0d%0aset-cookie:%20a=b`,
    });

    expect(answer.status).toBe(400);
    expect(answer.body).toContain('<Code>InvalidArgument</Code>');
  });

  it('names what is not there', async () => {
    await expect(get({ Key: 'b' })).rejects.toMatchObject({ name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } });
    await expect(get({ Bucket: 'nowhere' })).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await expect(head({ Key: 'b' })).rejects.toMatchObject({ name: 'NotFound', $metadata: { httpStatusCode: 404 } });
  });

  it('gives no content that was changed behind its back', async () => {
    appendFileSync(fileOf('a'), 'more');
    await expect(get()).rejects.toMatchObject({ name: 'InternalError', message: expect.stringContaining('14 bytes') });

    rmSync(fileOf('a'));
    await expect(get()).rejects.toMatchObject({ name: 'InternalError' });
  });

  it('refuses versions, other owners and names in the host', async () => {
    await expect(get({ VersionId: 'v1' })).rejects.toMatchObject({ name: 'NotImplemented' });
    await expect(get({ ExpectedBucketOwner: '999999999999' })).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(get({ ExpectedBucketOwner: '123456789012' })).resolves.toMatchObject({ ETag: etag });

    const answer = await s3.send({ method: 'GET', path: '/a', headers: { host: `${BUCKET}.localhost:4566` } });
    expect(answer.body).toContain('forcePathStyle');
  });
});

describe('HeadObject', () => {
  it('describes the object without its content', async () => {
    expect(await head()).toMatchObject({ ETag: etag, ContentLength: 10, AcceptRanges: 'bytes' });
    expect(await head({ Range: 'bytes=-4' })).toMatchObject({ ContentLength: 4, $metadata: { httpStatusCode: 206 } });
  });
});
