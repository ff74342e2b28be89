/**
 * The operations on buckets.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
import { z } from 'zod';
import { AwsError } from '../service.ts';
import { receiveSmallBody } from './receive-body.ts';
import type { S3Operation } from './s3-operation.ts';
import { parseXml, xmlAnswer } from './xml.ts';

const BODY_BYTES_MAX = 64 * 1024;
/** The one region whose buckets have no location constraint, and where a bucket may be made again. */
const FIRST_REGION = 'us-east-1';

const Configuration = z.object({
  CreateBucketConfiguration: z
    .union([z.object({ LocationConstraint: z.string().optional() }), z.literal('')])
    .optional(),
});

export const listBuckets: S3Operation = (_request, { store, account }) =>
  xmlAnswer('ListAllMyBucketsResult', {
    Owner: { ID: account },
    Buckets: {
      Bucket: store.index.buckets().map(({ name, createdAtMs }) => ({
        Name: name,
        CreationDate: new Date(createdAtMs).toISOString(),
      })),
    },
  });

export const headBucket: S3Operation = ({ bucket }, { store, region }) => {
  store.bucket(bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': region } };
};

export const getBucketLocation: S3Operation = ({ bucket }, { store, region }) => {
  store.bucket(bucket);
  return xmlAnswer('LocationConstraint', region === FIRST_REGION ? '' : region);
};

/** Its events go nowhere: only a template can say that they go to EventBridge. */
export const createBucket: S3Operation = async ({ bucket, http }, { store, region }) => {
  const body = await receiveSmallBody(http, BODY_BYTES_MAX);
  const configuration = body.length === 0 ? undefined : parseXml(body, [], Configuration).CreateBucketConfiguration;
  const asked = (typeof configuration === 'object' && configuration.LocationConstraint) || FIRST_REGION;
  if (asked !== region) {
    const message = `The bucket is to be in ${asked}, and this endpoint is in ${region}.`;
    throw new AwsError('IllegalLocationConstraintException', message, 400);
  }
  if (region !== FIRST_REGION && store.index.bucket(bucket)) {
    throw new AwsError('BucketAlreadyOwnedByYou', `The bucket ${bucket} is there already, and it is yours.`, 409);
  }
  store.makeBucket(bucket);
  return { status: 200, headers: { location: `/${bucket}` } };
};

export const deleteBucket: S3Operation = ({ bucket }, { store, uploads }) => {
  store.deleteBucket(bucket);
  uploads.dropBucket(bucket);
  return { status: 204 };
};
