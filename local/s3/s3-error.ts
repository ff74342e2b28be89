/**
 * The errors of S3 that several operations answer.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
import { AwsError } from '../service.ts';

export const noSuchBucket = (bucket: string): AwsError =>
  new AwsError('NoSuchBucket', `The specified bucket does not exist: ${bucket}`, 404);

export const noSuchKey = (bucket: string, key: string): AwsError =>
  new AwsError('NoSuchKey', `The specified key does not exist: ${JSON.stringify(key)} in ${bucket}`, 404);

export const noSuchUpload = (uploadId: string): AwsError =>
  new AwsError('NoSuchUpload', `There is no multipart upload ${uploadId}; it may have been completed or aborted.`, 404);

export const incompleteBody = (reason: string): AwsError => new AwsError('IncompleteBody', reason, 400);

export const badDigest = (name: string, declared: string, computed: string): AwsError =>
  new AwsError('BadDigest', `The ${name} you sent, ${declared}, is not that of the body received, ${computed}.`, 400);

export const invalidArgument = (message: string): AwsError => new AwsError('InvalidArgument', message, 400);

export const invalidRequest = (message: string): AwsError => new AwsError('InvalidRequest', message, 400);

export const notImplemented = (what: string): AwsError =>
  new AwsError('NotImplemented', `The local s3 does not support ${what}.`, 501);

export const preconditionFailed = (condition: string): AwsError =>
  new AwsError('PreconditionFailed', `A precondition you specified does not hold: ${condition}`, 412);
