/** Every operation that the local S3 has, by AWS's name, and the way from a request to its answer. */
import { AwsError, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './bucket-operations.ts';
import { completeMultipartUpload } from './complete-multipart-upload.ts';
import { copyObject } from './copy-object.ts';
import { deleteObject, deleteObjects } from './delete-objects.ts';
import { getObject, getObjectTagging, headObject } from './get-object.ts';
import { listObjects, listObjectsV2 } from './list-objects.ts';
import { abortMultipartUpload, createMultipartUpload } from './multipart-upload.ts';
import { putObject } from './put-object.ts';
import { notImplemented } from './s3-error.ts';
import type { S3Context, S3Operation } from './s3-operation.ts';
import { readS3Request } from './s3-request.ts';
import { uploadPart, uploadPartCopy } from './upload-part.ts';

const OPERATIONS: Readonly<Record<string, S3Operation>> = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateBucket: createBucket,
  CreateMultipartUpload: createMultipartUpload,
  DeleteBucket: deleteBucket,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetBucketLocation: getBucketLocation,
  GetObject: getObject,
  GetObjectTagging: getObjectTagging,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBuckets: listBuckets,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  PutObject: putObject,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
};

export const S3_OPERATIONS: readonly string[] = Object.keys(OPERATIONS);

/** @throws AwsError as the operation does, and `NotImplemented` naming one that is not here */
export async function answerS3(http: ServiceRequest, context: S3Context): Promise<ServiceResponse> {
  refuseVirtualHost(http.headers.host);
  const request = readS3Request(http);
  const operation = OPERATIONS[request.operation];
  if (!operation) {
    throw notImplemented(`${request.operation}. Supported: ${S3_OPERATIONS.join(', ')}`);
  }
  const owner = http.headers['x-amz-expected-bucket-owner'];
  if (owner !== undefined && owner !== context.account) {
    throw new AwsError('AccessDenied', `The bucket belongs to ${context.account}, expected ${owner}.`, 403);
  }
  return operation(request, context);
}

/** Buckets are named in the path; a bucket's name before the host would be taken for no bucket at all. */
function refuseVirtualHost(host = ''): void {
  const [, subdomain] = /^(.+)\.localhost(:\d+)?$/i.exec(host) ?? [];
  if (subdomain === undefined || subdomain.toLowerCase() === 's3') return;
  const message = `The local s3 takes path-style addresses only, received Host: ${host}. Use http://127.0.0.1, or the SDK's forcePathStyle: true.`;
  throw new AwsError('InvalidRequest', message, 400);
}
