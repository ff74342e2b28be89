/**
 * PutObject. A body that fails its length or a checksum leaves nothing.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
import { checkKey } from './name-rules.ts';
import { checksumHeaders, headersToKeep, quoted } from './object-headers.ts';
import { declaresChecksum, receiveBody } from './receive-body.ts';
import type { S3Operation } from './s3-operation.ts';
import { checkWriteCondition, writeCondition } from './write-condition.ts';
import { writeFileWhole } from './write-file-whole.ts';

export const putObject: S3Operation = async ({ bucket, key, http }, { store }) => {
  const condition = writeCondition(http.headers);
  const headers = headersToKeep(http.headers);
  checkKey(key);
  // What is refused now need not be sent; what has changed meanwhile is noticed when the object is put in place.
  checkWriteCondition(condition, store.find(bucket, key), bucket, key);
  const file = store.incomingFile();
  // What S3 computes when the client did not.
  const algorithms = declaresChecksum(http) ? [] : (['crc64nvme'] as const);
  const object = await writeFileWhole(file, async (save) => {
    const { size, md5, checksums: values } = await receiveBody(http, save, algorithms);
    const checksums = { type: 'FULL_OBJECT' as const, values };
    const described = { size, etag: md5.toString('hex'), headers, checksums };
    return store.commit({ bucket, key, file, condition, reason: 'PutObject', requestId: http.id, ...described });
  });
  return { status: 200, headers: { etag: quoted(object.etag), ...checksumHeaders(object.checksums) } };
};
