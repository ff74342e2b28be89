/**
 * Objects of S3 as runs read them: in ranges, each of the very version that was found. A range that fails is asked for again;
 * one range is fetched while the one before it is used.
 */
import {
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { BadObject } from '../../streams/ingest/source-object.ts';
import { type ObjectVersion, objectName, type SourceObjectsPort } from '../ingestion/source-objects.ts';

export interface S3SourceObjectsOptions {
  /** Bytes of a request; two of them are held at once. Default 8 MiB. */
  readonly rangeBytes?: number;
  /** How long one request may take, milliseconds. Default 30,000. */
  readonly rangeTimeoutMs?: number;
}

/** Beyond the client's own attempts, which end with the head of an answer: a body may break off, too. */
const ATTEMPTS_MAX = 3;
const GONE: ReadonlySet<number | undefined> = new Set([404, 405, 412]);

export function createS3SourceObjects(
  client: S3Client,
  { rangeBytes = 8 * 1_024 * 1_024, rangeTimeoutMs = 30_000 }: S3SourceObjectsOptions = {},
): SourceObjectsPort {
  const signal = () => ({ abortSignal: AbortSignal.timeout(rangeTimeoutMs) });

  async function fetchRange(version: ObjectVersion, from: number, to: number): Promise<Uint8Array> {
    const { bucket, key, versionId, etag } = version;
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      VersionId: versionId,
      IfMatch: `"${etag}"`,
      Range: `bytes=${from}-${to - 1}`,
    });
    for (let attempt = 1; ; attempt++) {
      try {
        const { Body } = await client.send(command, signal());
        const bytes = await Body?.transformToByteArray();
        if (bytes?.length === to - from) return bytes;
        throw new Error(`received ${bytes?.length ?? 'no'} bytes of ${objectName(version)}, asked for ${to - from}`);
      } catch (error) {
        if (isGone(error)) {
          throw new BadObject(`${objectName(version)} was replaced or deleted while it was read`, { cause: error });
        }
        if (attempt >= ATTEMPTS_MAX) throw error;
      }
    }
  }

  async function* read(version: ObjectVersion, from: number, to: number): AsyncGenerator<Uint8Array> {
    const fetchAt = (at: number): Promise<Uint8Array> | undefined => {
      if (at >= to) return undefined;
      const range = fetchRange(version, at, Math.min(at + rangeBytes, to));
      // A failure is met when the range is asked for, which may be never.
      range.catch(() => {});
      return range;
    };
    let next = fetchAt(from);
    for (let at = from; next !== undefined; at += rangeBytes) {
      const bytes = await next;
      next = fetchAt(at + rangeBytes);
      yield bytes;
    }
  }

  return {
    async find(bucket, key, versionId) {
      try {
        const found = await client.send(
          new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }),
          signal(),
        );
        const { VersionId, ETag, ContentLength } = found;
        if (ETag === undefined || ContentLength === undefined) throw new Error(`${key}: received no ETag or no length`);
        // `null` names what was put before the bucket kept versions.
        const version = VersionId === 'null' ? undefined : VersionId;
        return { bucket, key, versionId: version, etag: ETag.replaceAll('"', ''), sizeBytes: ContentLength };
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    },
    async *list(bucket, prefix, after) {
      const request = { Bucket: bucket, Prefix: prefix, ...(after !== undefined && { StartAfter: after }) };
      for await (const page of paginateListObjectsV2({ client }, request)) {
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
      }
    },
    open: (version) => ({
      key: version.key,
      sizeBytes: version.sizeBytes,
      read: (from, to = version.sizeBytes) => read(version, from, Math.min(to, version.sizeBytes)),
    }),
  };
}

function isGone(error: unknown): boolean {
  return error instanceof S3ServiceException && GONE.has(error.$metadata.httpStatusCode);
}
