/**
 * CopyObject. The copy is an object of its own: its ETag is the MD5 of all its content, also when that of the source is not.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumAlgorithm } from './checksum.ts';
import { findCopySource } from './copy-source.ts';
import { createMeasure, measured } from './measurement.ts';
import { checkKey } from './name-rules.ts';
import { type Headers, headersToKeep, quoted } from './object-headers.ts';
import type { StoredHeaders, StoredObject } from './object-index.ts';
import { readContent } from './read-content.ts';
import { invalidArgument, invalidRequest } from './s3-error.ts';
import type { S3Operation } from './s3-operation.ts';
import { checkWriteCondition, writeCondition } from './write-condition.ts';
import { writeFileWhole } from './write-file-whole.ts';
import { checksumMembers, xmlAnswer } from './xml.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
const SOURCE_BYTES_MAX = 5 * 1024 ** 3;

export const copyObject: S3Operation = async ({ bucket, key, http }, { store }) => {
  const { headers } = http;
  const condition = writeCondition(headers);
  checkKey(key);
  checkWriteCondition(condition, store.find(bucket, key), bucket, key);
  const source = findCopySource(headers, store);
  const replaces = replacesMetadata(headers);
  if (source.bucket === bucket && source.object.key === key && !replaces) {
    throw invalidRequest('An object can be copied to itself only with x-amz-metadata-directive: REPLACE.');
  }
  if (source.object.size > SOURCE_BYTES_MAX) {
    const message = `The source has ${source.object.size} bytes; ${SOURCE_BYTES_MAX} can be copied in one go.`;
    throw invalidRequest(`${message} Use a multipart upload.`);
  }
  const kept = headersAfterCopy(headers, source.object, replaces);
  const file = store.incomingFile();
  const measure = createMeasure([algorithmOf(headers, source.object)]);
  const copy = await writeFileWhole(file, async (save) => {
    const content = readContent(store.open(source.bucket, source.object));
    await save(measured(content, measure));
    const { size, md5, checksums } = measure.result();
    const described = { size, etag: md5.toString('hex'), headers: kept };
    return store.commit({
      ...{ bucket, key, file, condition, reason: 'CopyObject', requestId: http.id },
      ...described,
      checksums: { type: 'FULL_OBJECT', values: checksums },
    });
  });
  return xmlAnswer('CopyObjectResult', {
    ETag: quoted(copy.etag),
    LastModified: new Date(copy.modifiedAtMs).toISOString(),
    ...checksumMembers(copy.checksums),
  });
};

function replacesMetadata(headers: Headers): boolean {
  const directive = headers['x-amz-metadata-directive'] ?? 'COPY';
  if (directive === 'COPY' || directive === 'REPLACE') return directive === 'REPLACE';
  throw invalidArgument(`x-amz-metadata-directive is COPY or REPLACE, received ${directive}.`);
}

function headersAfterCopy(headers: Headers, source: StoredObject, replaces: boolean): StoredHeaders {
  const own = headersToKeep(headers);
  return replaces ? own : source.headers;
}

/** That of the request, else that of the source. */
function algorithmOf(headers: Headers, source: StoredObject): ChecksumAlgorithm {
  const named = headers['x-amz-checksum-algorithm'];
  if (named === undefined) return CHECKSUM_ALGORITHMS.find((each) => source.checksums.values[each]) ?? 'crc64nvme';
  const algorithm = checksumAlgorithm(named);
  if (algorithm) return algorithm;
  throw invalidRequest(`The checksum algorithm is one of ${CHECKSUM_ALGORITHMS.join(', ')}, received ${named}.`);
}
