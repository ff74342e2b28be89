/** Which operation a request asks for, on which bucket and key. Pure. What is not supported is refused by its AWS name. */
import { AwsError, type ServiceRequest } from '../service.ts';
import { notImplemented } from './s3-error.ts';

export interface S3Request {
  /** AWS's name of the operation, such as `PutObject`. */
  readonly operation: string;
  /** Empty for operations on no bucket. */
  readonly bucket: string;
  /** Empty for operations on a bucket. */
  readonly key: string;
  readonly http: ServiceRequest;
}

/** Query parameters that say nothing of the operation: the SDK's own name for it, and presigned URLs. */
const PASSED_OVER = /^(x-id$|x-amz-|awsaccesskeyid$|signature$|expires$|response-|list-type$)/i;

/** Parameters of operations that are kept, by operation. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  AbortMultipartUpload: ['uploadId'],
  CompleteMultipartUpload: ['uploadId'],
  CreateMultipartUpload: ['uploads'],
  DeleteObjects: ['delete'],
  GetBucketLocation: ['location'],
  GetObjectTagging: ['tagging'],
  ListObjects: ['prefix', 'delimiter', 'max-keys', 'marker', 'encoding-type'],
  ListObjectsV2: [
    'prefix',
    'delimiter',
    'max-keys',
    'continuation-token',
    'start-after',
    'encoding-type',
    'fetch-owner',
  ],
  UploadPart: ['uploadId', 'partNumber'],
  UploadPartCopy: ['uploadId', 'partNumber'],
};

/** Sub-resources whose operations have other names than `<verb><Bucket or Object><Sub-resource>`. */
const SUBRESOURCES: Readonly<Record<string, string>> = {
  accelerate: 'AccelerateConfiguration',
  analytics: 'AnalyticsConfiguration',
  'intelligent-tiering': 'IntelligentTieringConfiguration',
  inventory: 'InventoryConfiguration',
  'legal-hold': 'LegalHold',
  lifecycle: 'LifecycleConfiguration',
  metrics: 'MetricsConfiguration',
  notification: 'NotificationConfiguration',
  'object-lock': 'LockConfiguration',
  requestPayment: 'RequestPayment',
};

const VERBS: Readonly<Record<string, string>> = {
  GET: 'Get',
  HEAD: 'Head',
  PUT: 'Put',
  DELETE: 'Delete',
  POST: 'Post',
};

/** @throws AwsError `InvalidURI`, `NotImplemented` */
export function readS3Request(http: ServiceRequest): S3Request {
  const slash = http.path.indexOf('/', 1);
  const bucket = decode(http.path.slice(1, slash < 0 ? undefined : slash));
  const key = slash < 0 ? '' : decode(http.path.slice(slash + 1));
  const operation = operationOf(http, bucket, key);
  const known = PARAMETERS[operation] ?? [];
  const unknown = [...http.query.keys()].filter((name) => !PASSED_OVER.test(name) && !known.includes(name));
  const [first] = unknown;
  if (first === 'versionId') throw notImplemented(`${operation} of a version (?versionId): one version is kept`);
  if (first === 'partNumber') throw notImplemented(`${operation} of one part (?partNumber)`);
  if (first !== undefined) throw notImplemented(`${refusedName(http, bucket, key, first)} (?${first})`);
  return { operation, bucket, key, http };
}

function operationOf({ method, query, headers }: ServiceRequest, bucket: string, key: string): string {
  const copies = headers['x-amz-copy-source'] !== undefined;
  if (bucket === '') return method === 'GET' && key === '' ? 'ListBuckets' : `${method} without a bucket`;
  if (key === '') {
    if (method === 'GET' && query.has('location')) return 'GetBucketLocation';
    if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : 'PostObject';
    return { PUT: 'CreateBucket', HEAD: 'HeadBucket', DELETE: 'DeleteBucket' }[method] ?? method;
  }
  if (query.has('uploads') && method === 'POST') return 'CreateMultipartUpload';
  if (query.has('uploadId')) {
    if (method === 'PUT' && copies) return 'UploadPartCopy';
    const operations = { PUT: 'UploadPart', POST: 'CompleteMultipartUpload', DELETE: 'AbortMultipartUpload' };
    return { ...operations, GET: 'ListParts' }[method] ?? method;
  }
  if (method === 'GET' && query.has('tagging')) return 'GetObjectTagging';
  if (method === 'PUT') return copies ? 'CopyObject' : 'PutObject';
  return { GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }[method] ?? `${method} of an object`;
}

function refusedName({ method }: ServiceRequest, bucket: string, key: string, subresource: string): string {
  if (subresource === 'uploads') return 'ListMultipartUploads';
  if (subresource === 'uploadId') return 'ListParts';
  if (subresource === 'versions') return 'ListObjectVersions';
  const noun = bucket === '' ? '' : key === '' ? 'Bucket' : 'Object';
  const capital = subresource.charAt(0).toUpperCase() + subresource.slice(1);
  return `${VERBS[method] ?? method}${noun}${SUBRESOURCES[subresource] ?? capital}`;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new AwsError('InvalidURI', `The path is not percent-encoded UTF-8: ${path}`, 400);
  }
}
