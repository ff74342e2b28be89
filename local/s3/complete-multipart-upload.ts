/**
 * CompleteMultipartUpload: joins the parts that the request lists into one object. The parts stay until that is done.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AwsError, type ServiceRequest } from '../service.ts';
import { createChecksum } from './checksum.ts';
import { createMeasure, measured } from './measurement.ts';
import { quoted } from './object-headers.ts';
import type { StoredChecksums } from './object-index.ts';
import { readContent } from './read-content.ts';
import { receiveSmallBody } from './receive-body.ts';
import { badDigest, invalidRequest } from './s3-error.ts';
import type { S3Operation } from './s3-operation.ts';
import type { Part, Upload } from './upload-store.ts';
import { checkWriteCondition, writeCondition } from './write-condition.ts';
import { writeFileWhole } from './write-file-whole.ts';
import { checksumMember, checksumMembers, parseXml, xmlAnswer } from './xml.ts';

/** 10,000 parts, each with an ETag and a checksum of about 200 bytes in XML. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Of every part but the last (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). */
const PART_BYTES_MIN = 5 * 1024 * 1024;

const ListedPart = z.looseObject({ PartNumber: z.coerce.number().int(), ETag: z.string() });
type ListedPart = z.infer<typeof ListedPart>;
const Document = z.object({ CompleteMultipartUpload: z.object({ Part: z.array(ListedPart).min(1) }) });

export const completeMultipartUpload: S3Operation = async ({ bucket, key, http }, { store, uploads }) => {
  const condition = writeCondition(http.headers);
  const upload = uploads.upload(bucket, key, http.query.get('uploadId') ?? '');
  checkWriteCondition(condition, store.find(bucket, key), bucket, key);
  const body = await receiveSmallBody(withoutObjectChecksums(http), BODY_BYTES_MAX);
  const listed = parseXml(body, ['Part'], Document).CompleteMultipartUpload.Part;
  const parts = chooseParts(upload, listed, uploads.parts(upload));
  checkSize(http.headers['x-amz-mp-object-size'], parts);
  const file = store.incomingFile();
  const object = await writeFileWhole(file, async (save) => {
    const measure = createMeasure(upload.type === 'FULL_OBJECT' ? [upload.algorithm] : []);
    await save(measured(contentOf(parts), measure)).catch((error: unknown) => {
      // Parts that are gone are those of an upload that is.
      uploads.upload(bucket, key, upload.id);
      throw error;
    });
    const { size, checksums: whole } = measure.result();
    const values = upload.type === 'FULL_OBJECT' ? whole : { [upload.algorithm]: compositeChecksum(upload, parts) };
    const checksums = { type: upload.type, values };
    checkDeclared(http, upload, checksums);
    // Aborted, or completed by another request, while the parts were joined.
    uploads.upload(bucket, key, upload.id);
    const reason = 'CompleteMultipartUpload' as const;
    const described = { size, etag: compositeEtag(parts), headers: upload.headers, checksums };
    return store.commit({ bucket, key, file, condition, reason, requestId: http.id, ...described });
  });
  uploads.remove(upload);
  return xmlAnswer('CompleteMultipartUploadResult', {
    Location: `http://${http.headers.host ?? 'localhost'}${http.path}`,
    Bucket: bucket,
    Key: key,
    ETag: quoted(object.etag),
    ...checksumMembers(object.checksums),
  });
};

/** Checksums in the headers are of the object here, not of the body. */
function withoutObjectChecksums({ headers, body }: ServiceRequest): Pick<ServiceRequest, 'headers' | 'body'> {
  const rest = Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-'));
  return { headers: Object.fromEntries(rest), body };
}

/** @throws AwsError `InvalidPartOrder`, `InvalidPart`, `EntityTooSmall` */
function chooseParts(upload: Upload, listed: readonly ListedPart[], uploaded: readonly Part[]): readonly Part[] {
  const byNumber = new Map(uploaded.map((part) => [part.number, part]));
  let before = 0;
  const chosen = listed.map((entry) => {
    const number = entry.PartNumber;
    if (number <= before) {
      const message = `Parts are listed in ascending order; ${number} comes after ${before}.`;
      throw new AwsError('InvalidPartOrder', message, 400);
    }
    before = number;
    const part = byNumber.get(number);
    if (!part) throw invalidPart(`Part ${number} was not uploaded.`);
    const etag = entry.ETag.replaceAll('"', '');
    if (etag !== part.etag) throw invalidPart(`Part ${number} has the ETag ${part.etag}, received ${etag}.`);
    const checksum = entry[checksumMember(upload.algorithm)];
    if (checksum !== undefined && checksum !== part.checksum) {
      throw invalidPart(`Part ${number} has the checksum ${part.checksum}, received ${checksum}.`);
    }
    return part;
  });
  const small = chosen.slice(0, -1).find((part) => part.size < PART_BYTES_MIN);
  if (!small) return chosen;
  const message = `Part ${small.number} has ${small.size} bytes; each but the last has at least ${PART_BYTES_MIN}.`;
  throw new AwsError('EntityTooSmall', message, 400);
}

async function* contentOf(parts: readonly Part[]): AsyncGenerator<Buffer> {
  for (const { file } of parts) yield* readContent(file) as AsyncIterable<Buffer>;
}

/** MD5 of the parts' MD5s, and how many they are. */
function compositeEtag(parts: readonly Part[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}

function compositeChecksum({ algorithm }: Upload, parts: readonly Part[]): string {
  const checksum = createChecksum(algorithm);
  for (const part of parts) checksum.update(Buffer.from(part.checksum, 'base64'));
  return `${checksum.digest().toString('base64')}-${parts.length}`;
}

/** @throws AwsError `InvalidRequest` */
function checkSize(declared: string | undefined, parts: readonly Part[]): void {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (declared === undefined || Number(declared) === size) return;
  throw invalidRequest(`x-amz-mp-object-size is ${declared}, and the parts have ${size} bytes.`);
}

/** @throws AwsError `InvalidRequest`, `BadDigest` */
function checkDeclared({ headers }: ServiceRequest, { algorithm, type }: Upload, { values }: StoredChecksums): void {
  const declaredType = headers['x-amz-checksum-type'];
  if (declaredType !== undefined && declaredType !== type) {
    throw invalidRequest(`The upload was created with checksums of type ${type}, received ${declaredType}.`);
  }
  const declared = headers[`x-amz-checksum-${algorithm}`];
  const computed = values[algorithm] ?? '';
  // Clients give a composite checksum with or without the number of parts.
  if (declared === undefined || declared === computed || declared === computed.replace(/-\d+$/, '')) return;
  throw badDigest(algorithm.toUpperCase(), declared, computed);
}

function invalidPart(message: string): AwsError {
  return new AwsError('InvalidPart', message, 400);
}
