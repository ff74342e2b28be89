/**
 * UploadPart and UploadPartCopy.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
 */
import { byteRange } from './byte-range.ts';
import { findCopySource } from './copy-source.ts';
import { createMeasure, type Measurement, measured } from './measurement.ts';
import { quoted } from './object-headers.ts';
import { readContent } from './read-content.ts';
import { receiveBody } from './receive-body.ts';
import { invalidArgument } from './s3-error.ts';
import type { S3Context, S3Operation } from './s3-operation.ts';
import type { S3Request } from './s3-request.ts';
import type { Upload } from './upload-store.ts';
import { writeFileWhole } from './write-file-whole.ts';
import { checksumMember, xmlAnswer } from './xml.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const PART_NUMBER_MAX = 10_000;

interface Target {
  readonly upload: Upload;
  readonly number: number;
  readonly file: string;
}

export const uploadPart: S3Operation = async (request, context) => {
  const target = targetOf(request, context);
  const { algorithm } = target.upload;
  const part = await keepPart(target, context, (save) => receiveBody(request.http, save, [algorithm]));
  return { status: 200, headers: { etag: quoted(part.etag), [`x-amz-checksum-${algorithm}`]: part.checksum } };
};

export const uploadPartCopy: S3Operation = async (request, context) => {
  const target = targetOf(request, context);
  const { headers } = request.http;
  const { bucket, object } = findCopySource(headers, context.store);
  const range = byteRange(headers['x-amz-copy-source-range'], object.size);
  const measure = createMeasure([target.upload.algorithm]);
  const part = await keepPart(target, context, async (save) => {
    await save(measured(readContent(context.store.open(bucket, object), range), measure));
    return measure.result();
  });
  return xmlAnswer('CopyPartResult', {
    ETag: quoted(part.etag),
    LastModified: new Date(context.now()).toISOString(),
    [checksumMember(target.upload.algorithm)]: part.checksum,
  });
};

/** @throws AwsError `NoSuchBucket`, `NoSuchUpload`, `InvalidArgument` */
function targetOf({ bucket, key, http }: S3Request, { store, uploads }: S3Context): Target {
  store.bucket(bucket);
  const upload = uploads.upload(bucket, key, http.query.get('uploadId') ?? '');
  const number = Number(http.query.get('partNumber') ?? '');
  if (!Number.isInteger(number) || number < 1 || number > PART_NUMBER_MAX) {
    const received = http.query.get('partNumber');
    throw invalidArgument(`Part number is a whole number from 1 to ${PART_NUMBER_MAX}, received ${received}.`);
  }
  return { upload, number, file: store.incomingFile() };
}

async function keepPart(
  { upload, number, file }: Target,
  { uploads }: S3Context,
  write: (save: (bytes: AsyncIterable<Buffer>) => Promise<void>) => Promise<Measurement>,
): Promise<{ readonly etag: string; readonly checksum: string }> {
  return writeFileWhole(file, async (save) => {
    const { size, md5, checksums } = await write(save);
    const kept = { etag: md5.toString('hex'), checksum: checksums[upload.algorithm] ?? '' };
    uploads.addPart(upload, { number, file, size, ...kept });
    return kept;
  });
}
