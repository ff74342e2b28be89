/**
 * ListObjectsV2, and ListObjects for older tools.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
import type { ServiceResponse } from '../service.ts';
import { type ListPage, listPage, startAfter, startAfterMarker } from './list-page.ts';
import { quoted } from './object-headers.ts';
import type { StoredObject } from './object-index.ts';
import { invalidArgument } from './s3-error.ts';
import type { S3Context, S3Operation } from './s3-operation.ts';
import type { S3Request } from './s3-request.ts';
import { type XmlContent, xmlAnswer } from './xml.ts';

/** Also the default (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html). */
const KEYS_MAX = 1_000;

interface Listing {
  readonly prefix: string;
  readonly delimiter: string;
  readonly keysMax: number;
  readonly encodes: boolean;
}

export const listObjectsV2: S3Operation = (request, context) => {
  const { query } = request.http;
  const listing = readListing(query);
  const token = query.get('continuation-token');
  const after = query.get('start-after');
  const from = token !== null ? readToken(token) : after !== null ? startAfter(after) : Buffer.of();
  const page = pageOf(request, context, listing, from);
  return answer(request, listing, page, {
    owner: query.get('fetch-owner') === 'true' ? context.account : undefined,
    members: {
      KeyCount: page.contents.length + page.commonPrefixes.length,
      ContinuationToken: token ?? undefined,
      NextContinuationToken: page.next && Buffer.from(page.next).toString('base64url'),
      StartAfter: after === null ? undefined : encoded(after, listing),
    },
  });
};

export const listObjects: S3Operation = (request, context) => {
  const { query } = request.http;
  const listing = readListing(query);
  const marker = query.get('marker') ?? '';
  const from = marker === '' ? Buffer.of() : startAfterMarker(marker, listing.prefix, listing.delimiter);
  const page = pageOf(request, context, listing, from);
  // Without a delimiter a client goes on from the last key.
  const next = page.next && listing.delimiter !== '' ? page.last : undefined;
  return answer(request, listing, page, {
    owner: context.account,
    members: { Marker: encoded(marker, listing), NextMarker: next && encoded(next, listing) },
  });
};

function readListing(query: URLSearchParams): Listing {
  const encoding = query.get('encoding-type');
  if (encoding !== null && encoding !== 'url') throw invalidArgument(`encoding-type is url, received ${encoding}.`);
  const keysMax = query.get('max-keys') ?? String(KEYS_MAX);
  if (!/^\d{1,9}$/.test(keysMax)) throw invalidArgument(`max-keys is a whole number, received ${keysMax}.`);
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    keysMax: Math.min(Number(keysMax), KEYS_MAX),
    encodes: encoding === 'url',
  };
}

function readToken(token: string): Uint8Array {
  if (/^[\w-]+$/.test(token)) return Buffer.from(token, 'base64url');
  throw invalidArgument(`The continuation token is not one that a listing gave: ${token}`);
}

function pageOf({ bucket }: S3Request, { store }: S3Context, listing: Listing, from: Uint8Array) {
  store.bucket(bucket);
  return listPage((first, end, limit) => store.index.range(bucket, first, end, limit), { ...listing, from });
}

function answer(
  { bucket }: S3Request,
  listing: Listing,
  page: ListPage<StoredObject>,
  rest: { readonly owner: string | undefined; readonly members: Readonly<Record<string, XmlContent | undefined>> },
): ServiceResponse {
  const owner = rest.owner === undefined ? undefined : { ID: rest.owner };
  return xmlAnswer('ListBucketResult', {
    Name: bucket,
    Prefix: encoded(listing.prefix, listing),
    Delimiter: listing.delimiter === '' ? undefined : encoded(listing.delimiter, listing),
    MaxKeys: listing.keysMax,
    EncodingType: listing.encodes ? 'url' : undefined,
    IsTruncated: page.next !== undefined,
    ...rest.members,
    Contents: page.contents.map(({ key, modifiedAtMs, etag, size, checksums }) => ({
      Key: encoded(key, listing),
      LastModified: new Date(modifiedAtMs).toISOString(),
      ETag: quoted(etag),
      ChecksumAlgorithm: Object.keys(checksums.values).map((algorithm) => algorithm.toUpperCase()),
      ChecksumType: Object.keys(checksums.values).length > 0 ? checksums.type : undefined,
      Size: size,
      Owner: owner,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encoded(prefix, listing) })),
  });
}

/** As forms are encoded, but for the slash: what S3 sends and clients decode. */
function encoded(text: string, { encodes }: Listing): string {
  if (!encodes) return text;
  const plain = encodeURIComponent(text.toWellFormed()).replaceAll('%2F', '/').replaceAll('%20', '+');
  return plain.replace(/[!'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
