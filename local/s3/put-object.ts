/**
 * PutObject. A body that fails its length or a checksum leaves nothing.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
import { rm } from 'node:fs/promises';
import { checkKey } from './bucket-store.ts';
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
  const received = await writeFileWhole(file, (save) => receiveBody(http, save, algorithms));
  const checksums = { type: 'FULL_OBJECT' as const, values: received.checksums };
  const etag = received.md5.toString('hex');
  const { size } = received;
  try {
    const incoming = { bucket, key, file, size, etag, headers, checksums, condition };
    store.commit({ ...incoming, reason: 'PutObject', requestId: http.id });
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return { status: 200, headers: { etag: quoted(etag), ...checksumHeaders(checksums) } };
};
