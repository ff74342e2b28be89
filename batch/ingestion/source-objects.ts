/** The objects that runs read, and how each version of one is named on the stream. */
import type { SourceObject } from '../../streams/ingest/source-object.ts';

/** One version of an object. */
export interface ObjectVersion {
  readonly bucket: string;
  readonly key: string;
  /** Absent where the bucket keeps no versions. */
  readonly versionId?: string | undefined;
  /** Without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
}

export interface SourceObjectsPort {
  /** @returns the version asked for, by default the one that stands; undefined when there is none */
  find(bucket: string, key: string, versionId?: string): Promise<ObjectVersion | undefined>;
  /** Keys with the prefix, in the order of their UTF-8 bytes. @param after only those that come after this key */
  list(bucket: string, prefix: string, after?: string): AsyncIterable<string>;
  /** Its `read` throws BadObject once that version is not there any more. */
  open(version: ObjectVersion): SourceObject;
}

/** CloudEvents `source`: a URI of this very version. Two ways to the same version give the same one. */
export function objectSource({ bucket, key, versionId, etag }: Omit<ObjectVersion, 'sizeBytes'>): string {
  const path = key.split('/').map(encodeURIComponent).join('/');
  const version = versionId === undefined ? ['etag', etag] : ['versionId', versionId];
  return `s3://${bucket}/${path}?${version.map(encodeURIComponent).join('=')}`;
}

/** As people write it, for messages. */
export function objectName({ bucket, key }: Pick<ObjectVersion, 'bucket' | 'key'>): string {
  return `s3://${bucket}/${key}`;
}

/** What consoles and Hadoop make to show a folder: it holds no records. */
export function isFolderMarker(key: string, sizeBytes: number): boolean {
  return key.endsWith('/') || (sizeBytes === 0 && key.endsWith('_$folder$'));
}

/** An object that is larger than one function after another should read. */
export class LeftToBackfill extends Error {
  readonly object: ObjectVersion;

  constructor(object: ObjectVersion, bytesMax: number) {
    super(
      `${objectName(object)} has ${object.sizeBytes} bytes; objects over ${bytesMax} bytes are left to the backfill, which there is not yet`,
    );
    this.name = 'LeftToBackfill';
    this.object = object;
  }
}
