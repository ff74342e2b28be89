import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

let s3: S3Endpoint;

afterEach(() => s3.close());

const create = (Bucket: string, rest: object = {}) => s3.client.send(new CreateBucketCommand({ Bucket, ...rest }));
const remove = (Bucket: string) => s3.client.send(new DeleteBucketCommand({ Bucket }));

async function bucketNames(): Promise<readonly (string | undefined)[]> {
  const { Buckets = [] } = await s3.client.send(new ListBucketsCommand());
  return Buckets.map(({ Name }) => Name);
}

describe('buckets', () => {
  it('are made, listed and deleted', async () => {
    s3 = await openS3Endpoint();

    await create('another');
    expect(await bucketNames()).toEqual(['another', BUCKET]);
    expect(await s3.client.send(new HeadBucketCommand({ Bucket: 'another' }))).toMatchObject({
      BucketRegion: 'us-east-1',
    });
    await remove('another');

    expect(await bucketNames()).toEqual([BUCKET]);
    await expect(s3.client.send(new HeadBucketCommand({ Bucket: 'another' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  it('are not deleted while they hold objects', async () => {
    s3 = await openS3Endpoint();
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: 'a' }));

    await expect(remove(BUCKET)).rejects.toMatchObject({ name: 'BucketNotEmpty' });
  });

  it('take their unfinished uploads with them', async () => {
    s3 = await openS3Endpoint();
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'a' }));
    await remove(BUCKET);
    await create(BUCKET);

    const answer = await s3.send({ method: 'DELETE', path: `/${BUCKET}/a?uploadId=${UploadId}` });

    expect(answer.body).toContain('<Code>NoSuchUpload</Code>');
  });

  it('may be made again in us-east-1, where that changes nothing', async () => {
    s3 = await openS3Endpoint();
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: 'a' }));

    await create(BUCKET);

    expect(s3.service().keys(BUCKET, '')).toEqual(['a']);
    const { LocationConstraint } = await s3.client.send(new GetBucketLocationCommand({ Bucket: BUCKET }));
    expect(LocationConstraint ?? '').toBe('');
  });

  it('are of their region elsewhere, and not made again', async () => {
    s3 = await openS3Endpoint('eu-central-1');
    const here = { CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } };

    await create('another', here);

    await expect(create('another', here)).rejects.toMatchObject({ name: 'BucketAlreadyOwnedByYou' });
    await expect(
      create('third', { CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
    ).rejects.toMatchObject({ name: 'IllegalLocationConstraintException' });
    const { LocationConstraint } = await s3.client.send(new GetBucketLocationCommand({ Bucket: 'another' }));
    expect(LocationConstraint).toBe('eu-central-1');
  });

  it.each(['ab', 'Upper', '-a-', 'a..b', '127.0.0.1', 'a_b', 'x'.repeat(64)])('are not called %j', async (name) => {
    s3 = await openS3Endpoint();

    const answer = await s3.send({ method: 'PUT', path: `/${name}` });

    expect(answer.body).toContain('<Code>InvalidBucketName</Code>');
  });

  it('refuse what they do not support by its name', async () => {
    s3 = await openS3Endpoint();

    await expect(s3.client.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining('GetBucketVersioning'),
    });
  });
});
