import { CopyObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

let s3: S3Endpoint;
let etag: string | undefined;

beforeEach(async () => {
  s3 = await openS3Endpoint();
  await s3.declare({ BucketName: 'another' });
  const source = { Bucket: BUCKET, Key: 'a b+ü', Body: 'hello', ContentType: 'text/csv', Metadata: { from: 'source' } };
  ({ ETag: etag } = await s3.client.send(new PutObjectCommand(source)));
  s3.events.length = 0;
});

afterEach(() => s3.close());

const SOURCE = `${BUCKET}/a%20b%2B%C3%BC`;
const copy = (rest: object = {}) =>
  s3.client.send(new CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource: SOURCE, ...rest }));
const get = (Bucket: string, Key: string) =>
  s3.client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));

describe('CopyObject', () => {
  it('copies content, headers and metadata to another bucket', async () => {
    const { CopyObjectResult } = await copy({ Bucket: 'another' });
    const found = await get('another', 'copy');

    expect(CopyObjectResult).toMatchObject({ ETag: etag, ChecksumCRC32: 'NhCmhg==', LastModified: expect.any(Date) });
    expect(await found.Body?.transformToString()).toBe('hello');
    expect(found).toMatchObject({ ContentType: 'text/csv', Metadata: { from: 'source' }, ChecksumCRC32: 'NhCmhg==' });
  });

  it('replaces headers and metadata when asked to, also of the object itself', async () => {
    await copy({ Key: 'a b+ü', MetadataDirective: 'REPLACE', ContentType: 'text/plain', Metadata: { from: 'copy' } });

    expect(await get(BUCKET, 'a b+ü')).toMatchObject({ ContentType: 'text/plain', Metadata: { from: 'copy' } });
  });

  it('computes the checksum that is asked for', async () => {
    const { CopyObjectResult } = await copy({ ChecksumAlgorithm: 'CRC32C' });

    expect(CopyObjectResult).toMatchObject({ ChecksumCRC32C: 'mnG7TA==', ChecksumType: 'FULL_OBJECT' });
  });

  it('says to EventBridge that it was a copy', async () => {
    await copy();

    expect(s3.events).toMatchObject([{ detailType: 'Object Created', detail: { reason: 'CopyObject' } }]);
  });

  it.each([
    ['itself', { Key: 'a b+ü' }, 'InvalidRequest'],
    ['what is not there', { CopySource: `${BUCKET}/nothing` }, 'NoSuchKey'],
    ['a bucket that is not there', { CopySource: 'nowhere/a' }, 'NoSuchBucket'],
    ['a version', { CopySource: `${SOURCE}?versionId=1` }, 'NotImplemented'],
    ['no key', { CopySource: BUCKET }, 'InvalidArgument'],
    ['a source of another ETag', { CopySourceIfMatch: '"x"' }, 'PreconditionFailed'],
    ['a source of the same ETag', { CopySourceIfNoneMatch: '*' }, 'PreconditionFailed'],
    ['with tags', { Tagging: 'a=b', TaggingDirective: 'REPLACE' }, 'NotImplemented'],
  ])('does not copy %s', async (_claim, rest, name) => {
    await expect(copy(rest)).rejects.toMatchObject({ name });
    expect(s3.service().keys(BUCKET, '')).toEqual(['a b+ü']);
  });

  it('replaces nothing that it is not to', async () => {
    await copy();

    await expect(copy({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });
});
