/**
 * GetObject, HeadObject and GetObjectTagging.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
import { closeSync } from 'node:fs';
import type { ServiceResponse } from '../service.ts';
import { type ByteRange, byteRange } from './byte-range.ts';
import { checksumHeaders, headersOf } from './object-headers.ts';
import type { StoredObject } from './object-index.ts';
import { failedCondition } from './read-conditions.ts';
import { readContent } from './read-content.ts';
import { preconditionFailed } from './s3-error.ts';
import type { S3Context, S3Operation } from './s3-operation.ts';
import type { S3Request } from './s3-request.ts';
import { xmlAnswer } from './xml.ts';

interface Described {
  readonly response: ServiceResponse;
  readonly object: StoredObject;
  /** Undefined when nothing is to be sent. */
  readonly range: ByteRange | undefined;
}

export const headObject: S3Operation = (request, context) => describe(request, context).response;

export const getObject: S3Operation = (request, context) => {
  const { response, object, range } = describe(request, context);
  if (!range) return response;
  const fd = context.store.open(request.bucket, object);
  if (object.size === 0) {
    closeSync(fd);
    return response;
  }
  return { ...response, body: readContent(fd, range) };
};

/** No object has tags, because writes that give them are refused. The AWS CLI asks before it copies in parts. */
export const getObjectTagging: S3Operation = ({ bucket, key }, { store }) => {
  store.object(bucket, key);
  return xmlAnswer('Tagging', { TagSet: '' });
};

function describe({ bucket, key, http }: S3Request, { store }: S3Context): Described {
  const { headers } = http;
  const object = store.object(bucket, key);
  const failed = failedCondition(
    {
      ifMatch: headers['if-match'],
      ifNoneMatch: headers['if-none-match'],
      ifModifiedSince: headers['if-modified-since'],
      ifUnmodifiedSince: headers['if-unmodified-since'],
    },
    object,
  );
  if (failed === 'If-Match' || failed === 'If-Unmodified-Since') throw preconditionFailed(failed);
  const described = headersOf(object, http.query);
  if (failed) {
    const { etag = '', 'last-modified': modified = '' } = described;
    return { response: { status: 304, headers: { etag, 'last-modified': modified } }, object, range: undefined };
  }
  const range = byteRange(headers.range, object.size);
  if (range) {
    const partial = {
      ...described,
      'content-length': String(range.last - range.first + 1),
      'content-range': `bytes ${range.first}-${range.last}/${object.size}`,
    };
    return { response: { status: 206, headers: partial }, object, range };
  }
  // A checksum is of all of the object: with a part of it a client would find it wrong.
  const checksums =
    headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED' ? checksumHeaders(object.checksums) : {};
  const response = { status: 200, headers: { ...described, ...checksums } };
  return { response, object, range: { first: 0, last: object.size - 1 } };
}
