/** What S3 allows as the name of a bucket and as a key. Pure. */
import { AwsError } from '../service.ts';
import { invalidArgument } from './s3-error.ts';

/** UTF-8 bytes of a key (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html). */
const KEY_BYTES_MAX = 1024;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** @throws AwsError `KeyTooLongError`, `InvalidArgument` */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > KEY_BYTES_MAX) {
    throw new AwsError('KeyTooLongError', `The key has ${bytes} bytes; ${KEY_BYTES_MAX} are allowed.`, 400);
  }
  if (key === '') throw invalidArgument('The key is empty.');
  if (!key.isWellFormed()) throw invalidArgument('The key is not Unicode text.');
}

/** @throws AwsError `InvalidBucketName` */
export function checkBucketName(name: string): void {
  if (BUCKET_NAME.test(name)) return;
  const allowed = '3 to 63 lower-case letters, digits, hyphens and single dots, not an IP address';
  throw new AwsError('InvalidBucketName', `The bucket name ${JSON.stringify(name)} is not allowed: ${allowed}.`, 400);
}
