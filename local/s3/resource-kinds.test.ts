import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

let s3: S3Endpoint;

beforeEach(async () => {
  s3 = await openS3Endpoint();
});

afterEach(() => s3.close());

const CONTEXT = {
  logicalId: 'BucketsRaw686CB728',
  stackName: 'DataPipeline',
  account: '123456789012',
  region: 'eu-west-1',
};

function kind(type: string) {
  const found = s3.service().resourceKinds.find((each) => each.type === type);
  if (!found) throw new Error(`There is no kind ${type}.`);
  return found;
}

const put = (Bucket: string, Key: string) => s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));

describe('AWS::S3::Bucket', () => {
  it('gives its name and the attributes that templates ask for', () => {
    expect(kind('AWS::S3::Bucket').identify({ BucketName: 'my-bucket' }, CONTEXT)).toEqual({
      ref: 'my-bucket',
      attributes: {
        Arn: 'arn:aws:s3:::my-bucket',
        DomainName: 'my-bucket.s3.amazonaws.com',
        DualStackDomainName: 'my-bucket.s3.dualstack.eu-west-1.amazonaws.com',
        RegionalDomainName: 'my-bucket.s3.eu-west-1.amazonaws.com',
      },
    });
  });

  it('derives a name that S3 allows, always the same for one resource', () => {
    const { identify } = kind('AWS::S3::Bucket');
    const name = identify({}, CONTEXT).ref;

    expect(name).toMatch(/^datapipeline-bucketsraw686cb728-[0-9a-f]{8}$/);
    expect(identify({}, CONTEXT).ref).toBe(name);
    expect(identify({}, { ...CONTEXT, logicalId: 'Other' }).ref).not.toBe(name);
    expect(identify({}, { ...CONTEXT, logicalId: 'X'.repeat(200) }).ref).toHaveLength(63);
  });

  it('keeps its objects when it is declared again', async () => {
    await put(BUCKET, 'a');

    await s3.declare({ BucketName: BUCKET });

    expect(s3.service().keys(BUCKET, '')).toEqual(['a']);
  });

  it('publishes events from the time on that its declaration says so', async () => {
    const on = { EventBridgeConfiguration: { EventBridgeEnabled: true } };
    const keysTold = (): readonly unknown[] => s3.events.map(({ detail }) => detail);

    await s3.declare({ BucketName: 'silent' });
    await put('silent', 'a');
    expect(keysTold()).toEqual([]);
    await s3.declare({ BucketName: 'silent', NotificationConfiguration: on });
    await put('silent', 'b');
    await s3.declare({
      BucketName: 'silent',
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: 'false' } },
    });
    await put('silent', 'c');

    expect(keysTold()).toMatchObject([{ object: { key: 'b' } }]);
  });

  it('refuses notifications to anything but EventBridge', async () => {
    const QueueConfigurations = [{ Event: 's3:ObjectCreated:*', Queue: 'arn:aws:sqs:eu-west-1:123456789012:q' }];

    await expect(
      s3.declare({ BucketName: 'noisy', NotificationConfiguration: { QueueConfigurations } }),
    ).rejects.toThrow(/QueueConfigurations.*Supported: EventBridgeConfiguration/);
    expect(() => s3.service().keys('noisy', '')).toThrow(expect.objectContaining({ code: 'NoSuchBucket' }));
  });
});

describe('AWS::S3::BucketPolicy', () => {
  it('has no effect, and says why', () => {
    const policy = kind('AWS::S3::BucketPolicy');

    expect(policy.create).toBeUndefined();
    expect(policy.identify({ Bucket: BUCKET }, CONTEXT).ref).toBe(BUCKET);
    expect(Object.keys(policy.inert)).toEqual(['Bucket', 'PolicyDocument']);
  });
});
