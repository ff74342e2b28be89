import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { ServiceRequest } from '../service.ts';
import { readS3Request } from './s3-request.ts';

function request(line: string, headers: Readonly<Record<string, string>> = {}): ServiceRequest {
  const [method = '', target = ''] = line.split(' ');
  const [path = '', query] = target.split('?');
  return { id: 'request', method, path, query: new URLSearchParams(query), headers, body: Readable.from([]) };
}

describe('readS3Request', () => {
  it.each([
    ['GET /', 'ListBuckets'],
    ['GET /b', 'ListObjects'],
    ['GET /b/?list-type=2&prefix=a%2F', 'ListObjectsV2'],
    ['GET /b?location', 'GetBucketLocation'],
    ['HEAD /b', 'HeadBucket'],
    ['PUT /b', 'CreateBucket'],
    ['DELETE /b/', 'DeleteBucket'],
    ['POST /b?delete=', 'DeleteObjects'],
    ['GET /b/k?x-id=GetObject', 'GetObject'],
    ['GET /b/k?response-content-type=a', 'GetObject'],
    ['GET /b/k?X-Amz-Signature=0&X-Amz-Expires=1', 'GetObject'],
    ['GET /b/k?tagging', 'GetObjectTagging'],
    ['HEAD /b/k', 'HeadObject'],
    ['PUT /b/k', 'PutObject'],
    ['DELETE /b/k', 'DeleteObject'],
    ['POST /b/k?uploads', 'CreateMultipartUpload'],
    ['PUT /b/k?partNumber=1&uploadId=u', 'UploadPart'],
    ['POST /b/k?uploadId=u', 'CompleteMultipartUpload'],
    ['DELETE /b/k?uploadId=u', 'AbortMultipartUpload'],
  ])('takes %s for %s', (line, operation) => {
    expect(readS3Request(request(line)).operation).toBe(operation);
  });

  it('takes a PUT with a source for a copy', () => {
    const headers = { 'x-amz-copy-source': '/b/other' };

    expect(readS3Request(request('PUT /b/k', headers)).operation).toBe('CopyObject');
    expect(readS3Request(request('PUT /b/k?partNumber=1&uploadId=u', headers)).operation).toBe('UploadPartCopy');
  });

  it.each([
    ['/b/a%20b%2Fc%2B+d', 'a b/c++d'],
    ['/b//x', '/x'],
    ['/b/../x', '../x'],
    ['/b/x/', 'x/'],
    ['/b/%F0%9F%98%80', '😀'],
  ])('reads the key of %s', (path, key) => {
    expect(readS3Request(request(`GET ${path}`))).toMatchObject({ bucket: 'b', key });
  });

  it.each([
    ['GET /b?versioning', 'GetBucketVersioning'],
    ['PUT /b?notification', 'PutBucketNotificationConfiguration'],
    ['DELETE /b?lifecycle', 'DeleteBucketLifecycleConfiguration'],
    ['GET /b?versions', 'ListObjectVersions'],
    ['GET /b?uploads', 'ListMultipartUploads'],
    ['PUT /b/k?tagging', 'PutObjectTagging'],
    ['GET /b/k?acl', 'GetObjectAcl'],
    ['GET /b/k?uploadId=u', 'ListParts'],
    ['GET /b/k?versionId=1', 'GetObject of a version'],
    ['GET /b/k?partNumber=1', 'GetObject of one part'],
    ['POST /b/k?select&select-type=2', 'PostObjectSelect'],
  ])('refuses %s by the name %s', (line, name) => {
    expect(() => readS3Request(request(line))).toThrow(
      expect.objectContaining({ code: 'NotImplemented', status: 501, message: expect.stringContaining(name) }),
    );
  });

  it('refuses a path that is not UTF-8', () => {
    expect(() => readS3Request(request('GET /b/%ff'))).toThrow(expect.objectContaining({ code: 'InvalidURI' }));
  });
});
