/**
 * The headers of an object: which a write keeps, which it refuses, and what a read gives back. Pure.
 * Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html and API_GetObject.html
 */
import { AwsError } from '../service.ts';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import type { StoredChecksums, StoredHeaders, StoredObject } from './object-index.ts';
import { invalidArgument, notImplemented } from './s3-error.ts';

export type Headers = Readonly<Record<string, string>>;

const KEPT = ['cache-control', 'content-disposition', 'content-language', 'content-type', 'expires'];
const METADATA_PREFIX = 'x-amz-meta-';
/** Bytes of names and values together (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html). */
const METADATA_BYTES_MAX = 2048;
/** What S3 calls content of which nobody said what it is. */
const CONTENT_TYPE_BY_DEFAULT = 'binary/octet-stream';

/** Settings that a write may ask for and that would change how the object behaves, by the beginning of their headers. */
const REFUSED: Readonly<Record<string, string>> = {
  'x-amz-grant-': 'access control lists',
  'x-amz-object-lock-': 'object locks',
  'x-amz-server-side-encryption-customer-': 'encryption with a key of the customer',
  'x-amz-tagging': 'tags of objects',
  'x-amz-website-redirect-location': 'website redirects',
  'x-amz-write-offset-bytes': 'appending to an object',
};

/** Overrides of a GET, and the header that each one sets. */
const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** What the object keeps of a write's headers. @throws AwsError `NotImplemented`, `MetadataTooLarge` */
export function headersToKeep(headers: Headers): StoredHeaders {
  refuseSettings(headers);
  const kept: Record<string, string> = { 'content-type': CONTENT_TYPE_BY_DEFAULT };
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(METADATA_PREFIX)) {
      metadataBytes += name.length - METADATA_PREFIX.length + value.length;
      kept[name] = value;
    } else if (KEPT.includes(name) && value !== '') {
      kept[name] = value;
    }
  }
  if (metadataBytes > METADATA_BYTES_MAX) {
    const message = `The metadata have ${metadataBytes} bytes; ${METADATA_BYTES_MAX} are allowed.`;
    throw new AwsError('MetadataTooLarge', message, 400);
  }
  const encoding = contentEncoding(headers['content-encoding']);
  if (encoding !== '') kept['content-encoding'] = encoding;
  return kept;
}

/** What a GET or HEAD of the whole object says of it. @throws AwsError `InvalidArgument` for an override that is no header */
export function headersOf(object: StoredObject, query: URLSearchParams): Record<string, string> {
  const headers: Record<string, string> = {
    ...object.headers,
    'accept-ranges': 'bytes',
    'content-length': String(object.size),
    etag: quoted(object.etag),
    'last-modified': new Date(object.modifiedAtMs).toUTCString(),
  };
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`);
    if (value === null) continue;
    if (!isHeaderText(value)) throw invalidArgument(`response-${name} cannot be the value of a header.`);
    headers[name] = value;
  }
  return headers;
}

export function checksumHeaders({ type, values }: StoredChecksums): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = values[algorithm];
    if (value !== undefined) headers[`x-amz-checksum-${algorithm}`] = value;
  }
  return Object.keys(headers).length === 0 ? {} : { ...headers, 'x-amz-checksum-type': type };
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

function refuseSettings(headers: Headers): void {
  for (const name of Object.keys(headers)) {
    const found = Object.entries(REFUSED).find(([beginning]) => name.startsWith(beginning));
    if (found) throw notImplemented(`${found[1]} (${name})`);
  }
  const storageClass = headers['x-amz-storage-class'] ?? 'STANDARD';
  if (storageClass !== 'STANDARD') throw notImplemented(`the storage class ${storageClass}; there is STANDARD`);
  const acl = headers['x-amz-acl'] ?? 'bucket-owner-full-control';
  if (acl !== 'bucket-owner-full-control') {
    throw new AwsError('AccessControlListNotSupported', `The bucket does not allow ACLs, received ${acl}.`, 400);
  }
}

/** Without `aws-chunked`, which is of the transfer and not of the content. */
function contentEncoding(header = ''): string {
  const encodings = header.split(',').map((encoding) => encoding.trim());
  return encodings.filter((encoding) => encoding !== '' && encoding.toLowerCase() !== 'aws-chunked').join(',');
}

function isHeaderText(value: string): boolean {
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    if (code > 0xff || code === 0x7f || (code < 0x20 && character !== '\t')) return false;
  }
  return true;
}
