/** Puts a file into a bucket: at once, or in parts where it is large. Memory is bounded whatever its size. */
import { type FileHandle, open } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

export interface Upload {
  readonly file: string;
  readonly bucket: string;
  readonly key: string;
  readonly onProgress: (bytes: number, total: number) => void;
  /** Bytes of a part, at least 5 MiB. Default 16 MiB; more where there would be more than 10,000 parts. */
  readonly partBytes?: number;
}

/** AmazonS3/latest/userguide/qfacts.html */
const PARTS_MAX = 10_000;
const PART_BYTES = 16 * 1_024 * 1_024;
/** With the size of a part, this is the memory that an upload takes. */
const PARTS_IN_FLIGHT = 4;

/** What tells the object that was made from others of its key. */
export interface UploadedVersion {
  readonly versionId: string | undefined;
  /** Without quotes. */
  readonly etag: string | undefined;
}

/** @throws Error when the file cannot be read or put; nothing of it is left in the bucket */
export async function uploadFile(client: S3Client, upload: Upload): Promise<UploadedVersion> {
  const { bucket, key, onProgress } = upload;
  const handle = await open(upload.file);
  try {
    const { size } = await handle.stat();
    const partBytes = Math.max(upload.partBytes ?? PART_BYTES, Math.ceil(size / PARTS_MAX));
    onProgress(0, size);
    const made =
      size > partBytes
        ? await uploadParts(client, handle, size, { ...upload, partBytes })
        : await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: await read(handle, 0, size) }));
    onProgress(size, size);
    return { versionId: made.VersionId, etag: made.ETag?.replaceAll('"', '') };
  } finally {
    await handle.close();
  }
}

async function uploadParts(
  client: S3Client,
  handle: FileHandle,
  size: number,
  { bucket, key, onProgress, partBytes }: Upload & { readonly partBytes: number },
): Promise<CompleteMultipartUploadCommandOutput> {
  const place = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
  const parts: CompletedPart[] = [];
  const count = Math.ceil(size / partBytes);
  let next = 0;
  let sent = 0;

  async function sendParts(): Promise<void> {
    while (next < count) {
      const index = next++;
      const start = index * partBytes;
      const body = await read(handle, start, Math.min(size, start + partBytes));
      const part = { ...place, UploadId, PartNumber: index + 1, Body: body };
      const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part));
      parts[index] = { PartNumber: index + 1, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) };
      sent += body.length;
      onProgress(sent, size);
    }
  }

  try {
    await Promise.all(Array.from({ length: Math.min(PARTS_IN_FLIGHT, count) }, sendParts));
    return await client.send(
      new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } }),
    );
  } catch (error) {
    next = count;
    await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => undefined);
    throw error;
  }
}

/** @throws Error when the file has become shorter */
async function read(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(end - start);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${start + filled}, and had ${end} and more before`);
    filled += bytesRead;
  }
  return buffer;
}
