/**
 * CreateMultipartUpload and AbortMultipartUpload.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
 */

import { type ChecksumAlgorithm, checksumAlgorithm } from './checksum.ts';
import { checkKey } from './name-rules.ts';
import { type Headers, headersToKeep } from './object-headers.ts';
import type { StoredChecksums } from './object-index.ts';
import { invalidRequest } from './s3-error.ts';
import type { S3Operation } from './s3-operation.ts';
import { xmlAnswer } from './xml.ts';

type ChecksumType = StoredChecksums['type'];

/**
 * The types that each algorithm can have, the default first.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
const TYPES: Readonly<Record<ChecksumAlgorithm, readonly ChecksumType[]>> = {
  crc32: ['COMPOSITE', 'FULL_OBJECT'],
  crc32c: ['COMPOSITE', 'FULL_OBJECT'],
  crc64nvme: ['FULL_OBJECT'],
  sha1: ['COMPOSITE'],
  sha256: ['COMPOSITE'],
};

export const createMultipartUpload: S3Operation = ({ bucket, key, http }, { store, uploads }) => {
  const kept = headersToKeep(http.headers);
  checkKey(key);
  store.bucket(bucket);
  const { algorithm, type } = checksumOf(http.headers);
  const { id } = uploads.create({ bucket, key, headers: kept, algorithm, type });
  return xmlAnswer(
    'InitiateMultipartUploadResult',
    { Bucket: bucket, Key: key, UploadId: id },
    { 'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': type },
  );
};

export const abortMultipartUpload: S3Operation = ({ bucket, key, http }, { store, uploads }) => {
  store.bucket(bucket);
  uploads.remove(uploads.upload(bucket, key, http.query.get('uploadId') ?? ''));
  return { status: 204 };
};

function checksumOf(headers: Headers): { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } {
  const named = headers['x-amz-checksum-algorithm'] ?? 'CRC64NVME';
  const algorithm = checksumAlgorithm(named);
  if (!algorithm) throw invalidRequest(`The checksum algorithm is one of ${Object.keys(TYPES)}, received ${named}.`);
  const [byDefault = 'FULL_OBJECT'] = TYPES[algorithm];
  const asked = headers['x-amz-checksum-type']?.toUpperCase();
  const type = asked === undefined ? byDefault : TYPES[algorithm].find((allowed) => allowed === asked);
  if (type) return { algorithm, type };
  throw invalidRequest(`The checksum type of ${named} is ${TYPES[algorithm].join(' or ')}, received ${asked}.`);
}
