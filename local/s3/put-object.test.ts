import { readdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

let s3: S3Endpoint;

beforeEach(async () => {
  s3 = await openS3Endpoint();
});

afterEach(() => s3.close());

const put = (Key: string, Body: string | Buffer | Readable, rest: object = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...rest }));

async function read(Key: string): Promise<string> {
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: 'ENABLED' }));
  return Body?.transformToString() ?? '';
}

/** Nothing is stored, and nothing lies about. */
function expectNothing(): void {
  expect(s3.service().keys(BUCKET, '')).toEqual([]);
  expect(readdirSync(path.join(s3.folder, '.incoming'))).toEqual([]);
  expect(s3.events).toEqual([]);
}

const chunked = (trailer: string): string => `5\r\nhello\r\n0\r\n${trailer}\r\n\r\n`;
const CHUNKED_HEADERS = {
  'content-encoding': 'aws-chunked',
  'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'x-amz-decoded-content-length': '5',
  'x-amz-trailer': 'x-amz-checksum-crc32',
};
const CRC32_OF_HELLO = 'NhCmhg==';

describe('PutObject', () => {
  it('keeps content, headers and metadata', async () => {
    const { ETag } = await put('a.csv', 'hello', {
      ContentType: 'text/csv',
      ContentEncoding: 'identity',
      CacheControl: 'no-store',
      ContentDisposition: 'attachment',
      ContentLanguage: 'de',
      Metadata: { source: 'sensor 1' },
    });

    expect(ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
    expect(await read('a.csv')).toBe('hello');
    expect(await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'a.csv' }))).toMatchObject({
      ETag,
      ContentLength: 5,
      ContentType: 'text/csv',
      ContentEncoding: 'identity',
      CacheControl: 'no-store',
      ContentDisposition: 'attachment',
      ContentLanguage: 'de',
      Metadata: { source: 'sensor 1' },
    });
  });

  it('takes streams, whose checksum comes as a trailer, and keeps no trace of the framing', async () => {
    const parts = [...Array(50)].map((_, at) => Buffer.alloc(10_000, at));

    const { ChecksumCRC32 } = await put('stream', Readable.from(parts), { ContentLength: 500_000 });

    expect(ChecksumCRC32).toMatch(/^.{6}==$/);
    const found = await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'stream' }));
    expect(found.ContentEncoding).toBeUndefined();
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(Buffer.concat(parts))).toBe(true);
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'checks and keeps a %s of the client',
    async (ChecksumAlgorithm) => {
      const sums = {
        CRC32: CRC32_OF_HELLO,
        CRC32C: 'mnG7TA==',
        CRC64NVME: 'M3eFcAZSQlc=',
        SHA1: 'qvTGHdzF6KLavt4PO0gs2a6pQ00=',
        SHA256: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
      };

      await put('a', 'hello', { [`Checksum${ChecksumAlgorithm}`]: sums[ChecksumAlgorithm] });
      const found = await s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'a', ChecksumMode: 'ENABLED' }));

      expect(found).toMatchObject({
        [`Checksum${ChecksumAlgorithm}`]: sums[ChecksumAlgorithm],
        ChecksumType: 'FULL_OBJECT',
      });
    },
  );

  it('computes a CRC64NVME when the client sends no checksum', async () => {
    const answer = await s3.send({ method: 'PUT', path: `/${BUCKET}/a`, body: '123456789' });

    expect(answer.status).toBe(200);
    expect(answer.headers['x-amz-checksum-crc64nvme']).toBe(Buffer.from('ae8b14860a799888', 'hex').toString('base64'));
  });

  it.each<[string, Record<string, string>, string, string]>([
    ['another CRC32', { 'x-amz-checksum-crc32': 'AAAAAA==' }, 'hello', 'BadDigest'],
    ['another MD5', { 'content-md5': 'XUFAKrxLKna5cZ2REBfFkg==' }, 'hullo', 'BadDigest'],
    ['an MD5 that is none', { 'content-md5': 'abc' }, 'hello', 'InvalidDigest'],
    [
      'another SHA-256 of the payload',
      { 'x-amz-content-sha256': '0'.repeat(64) },
      'hello',
      'XAmzContentSHA256Mismatch',
    ],
    ['an unknown checksum', { 'x-amz-checksum-xxhash3': 'AAAA' }, 'hello', 'InvalidRequest'],
    ['another trailer', CHUNKED_HEADERS, chunked('x-amz-checksum-crc32:AAAAAA=='), 'BadDigest'],
    ['no trailer though one was announced', CHUNKED_HEADERS, '5\r\nhello\r\n0\r\n\r\n', 'MalformedTrailerError'],
    [
      'fewer bytes than declared',
      { ...CHUNKED_HEADERS, 'x-amz-decoded-content-length': '6' },
      chunked(`x-amz-checksum-crc32:${CRC32_OF_HELLO}`),
      'IncompleteBody',
    ],
    ['framing that breaks off', CHUNKED_HEADERS, '5\r\nhel', 'IncompleteBody'],
  ])('leaves nothing of a body with %s', async (_claim, headers, body, code) => {
    const answer = await s3.send({ method: 'PUT', path: `/${BUCKET}/a`, headers, body });

    expect(answer.status).toBe(400);
    expect(answer.body).toContain(`<Code>${code}</Code>`);
    expectNothing();
  });

  it('takes the same framing when its trailer is right', async () => {
    const body = chunked(`x-amz-checksum-crc32:${CRC32_OF_HELLO}`);

    const answer = await s3.send({ method: 'PUT', path: `/${BUCKET}/a`, headers: CHUNKED_HEADERS, body });

    expect(answer).toMatchObject({ status: 200, headers: { 'x-amz-checksum-crc32': CRC32_OF_HELLO } });
    expect(await read('a')).toBe('hello');
  });

  it('leaves nothing when the connection breaks off', async () => {
    const request = http.request(s3.url, {
      method: 'PUT',
      path: `/${BUCKET}/a`,
      headers: { 'content-length': '1000000' },
    });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(100_000));
    while (readdirSync(path.join(s3.folder, '.incoming')).length === 0) await new Promise(setImmediate);

    request.destroy();
    while (readdirSync(path.join(s3.folder, '.incoming')).length > 0) await new Promise(setImmediate);

    expectNothing();
  });

  it('creates only what is not there with If-None-Match: *', async () => {
    await put('a', 'first', { IfNoneMatch: '*' });

    await expect(put('a', 'second', { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(await read('a')).toBe('first');
  });

  it('lets one of many writers create an object', async () => {
    const attempts = await Promise.allSettled(
      [...Array(8)].map((_, at) => put('a', `writer ${at}`, { IfNoneMatch: '*' })),
    );

    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(s3.events).toHaveLength(1);
  });

  it('replaces only what is known with If-Match', async () => {
    const { ETag } = await put('a', 'first');
    await put('a', 'second', { IfMatch: ETag });

    await expect(put('a', 'third', { IfMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put('b', 'first', { IfMatch: ETag })).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await read('a')).toBe('second');
  });

  it.each([
    ['tags', { Tagging: 'a=b' }, 'NotImplemented'],
    ['keys of the customer', { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'a' }, 'NotImplemented'],
    ['object locks', { ObjectLockMode: 'GOVERNANCE' }, 'NotImplemented'],
    ['other storage classes', { StorageClass: 'GLACIER' }, 'NotImplemented'],
    ['a condition other than *', { IfNoneMatch: '"a"' }, 'NotImplemented'],
    ['access control lists', { ACL: 'public-read' }, 'AccessControlListNotSupported'],
    ['metadata over 2 KB', { Metadata: { a: 'x'.repeat(2_048) } }, 'MetadataTooLarge'],
    ['a key over 1,024 bytes', { Key: 'ä'.repeat(513) }, 'KeyTooLongError'],
    ['a bucket that is not there', { Bucket: 'nowhere' }, 'NoSuchBucket'],
  ])('refuses %s', async (_claim, rest, name) => {
    await expect(put('a', 'hello', rest)).rejects.toMatchObject({ name });
    expectNothing();
  });

  it('keeps a replaced object whole for whoever is reading it', async () => {
    const first = Buffer.alloc(4_000_000, 'a');
    await put('a', first);
    const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a' }));

    await put('a', Buffer.alloc(4_000_000, 'b'));

    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(first)).toBe(true);
    expect((await read('a')).startsWith('bbbb')).toBe(true);
  });
});

describe('keys', () => {
  const KEYS = [
    'a',
    'a/b',
    'a/b/c',
    'a/',
    '/a',
    'a//b',
    '.',
    '../../outside',
    'a/../b',
    '.keys/a',
    ' ',
    'a b+c%20&d=e?f#g',
    'é',
    'e\u0301',
    '😀',
    '\u0001\n\t',
    '<&>"\'',
    'x'.repeat(1_024),
    `${'y'.repeat(255)}/${'y'.repeat(255)}`,
  ];

  it.each([
    ['one way', KEYS],
    ['the other way round', KEYS.toReversed()],
  ])('are all stored beside each other, put %s', async (_claim, keys) => {
    for (const key of keys) await put(key, `content of ${key}`);

    for (const key of keys) expect(await read(key)).toBe(`content of ${key}`);
    expect(s3.service().keys(BUCKET, '')).toEqual(
      keys.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
    );
    expect(readdirSync(s3.folder).toSorted()).toEqual(
      expect.arrayContaining(['.incoming', '.index.sqlite', '.uploads', BUCKET]),
    );
    expect(readdirSync(path.dirname(s3.folder))).toEqual(['s3']);
  });

  it('do not lead out of the bucket in a path that no client would send', async () => {
    await s3.send({ method: 'PUT', path: `/${BUCKET}/../../../outside`, body: 'x' });
    await s3.send({ method: 'PUT', path: `/${BUCKET}/..%2F..%2Foutside`, body: 'x' });

    expect(s3.service().keys(BUCKET, '')).toEqual(['../../../outside', '../../outside']);
    expect(readdirSync(path.dirname(s3.folder))).toEqual(['s3']);
    expect(readdirSync(path.join(s3.folder, BUCKET))).toEqual(['.keys']);
  });
});
