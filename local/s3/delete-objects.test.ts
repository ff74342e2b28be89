import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DeleteObjectCommand, DeleteObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

let s3: S3Endpoint;

beforeEach(async () => {
  s3 = await openS3Endpoint();
});

afterEach(() => s3.close());

const put = (Key: string) => s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }));
const remove = (Key: string, rest: object = {}) =>
  s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key, ...rest }));
const removeAll = (Objects: { Key: string; VersionId?: string; ETag?: string }[], Quiet = false) =>
  s3.client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet } }));

describe('DeleteObject', () => {
  it('deletes content and empty folders, and leaves the others', async () => {
    await put('a/b/c');
    await put('a/d');

    await remove('a/b/c');

    expect(s3.service().keys(BUCKET, '')).toEqual(['a/d']);
    expect(readdirSync(path.join(s3.folder, BUCKET, 'a'))).toEqual(['d']);
  });

  it('succeeds for what is not there, and says nothing to EventBridge', async () => {
    await expect(remove('nothing')).resolves.toMatchObject({ $metadata: { httpStatusCode: 204 } });
    expect(s3.events).toEqual([]);
  });

  it('deletes only what is known with If-Match', async () => {
    const { ETag } = await put('a');

    await expect(remove('a', { IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await remove('a', { IfMatch: ETag });

    expect(s3.service().keys(BUCKET, '')).toEqual([]);
  });
});

describe('DeleteObjects', () => {
  it('deletes keys of any kind, there or not', async () => {
    const keys = ['a', 'a/b', '<&>"', '\u0001', '\r\n', ' x ', '😀', '../x'];
    for (const key of keys) await put(key);

    const { Deleted } = await removeAll([...keys, 'nothing'].map((Key) => ({ Key })));

    expect(Deleted).toHaveLength(keys.length + 1);
    expect(s3.service().keys(BUCKET, '')).toEqual([]);
    expect(existsSync(path.join(s3.folder, BUCKET, '.keys'))).toBe(false);
  });

  it('names each that it does not delete', async () => {
    await put('a');
    await put('b');

    const { Deleted, Errors } = await removeAll([
      { Key: 'a', VersionId: 'v1' },
      { Key: 'b', ETag: '"x"' },
      { Key: 'c' },
    ]);

    expect(Deleted).toEqual([{ Key: 'c' }]);
    expect(Errors).toMatchObject([
      { Key: 'a', Code: 'NotImplemented' },
      { Key: 'b', Code: 'PreconditionFailed' },
    ]);
    expect(s3.service().keys(BUCKET, '')).toEqual(['a', 'b']);
  });

  it('names no successes when it is to be quiet', async () => {
    await put('a');

    expect((await removeAll([{ Key: 'a' }], true)).Deleted).toBeUndefined();
    expect(s3.service().keys(BUCKET, '')).toEqual([]);
  });

  it('takes a thousand keys, and no more', async () => {
    const keys = [...Array(1_001)].map((_, at) => ({ Key: `key ${at}` }));

    await expect(removeAll(keys)).rejects.toMatchObject({ name: 'MalformedXML' });
    await expect(removeAll(keys.slice(1))).resolves.toMatchObject({ Deleted: expect.any(Array) });
  });

  it('refuses a body that is not what its checksum says', async () => {
    await put('a');
    const body = '<Delete><Object><Key>a</Key></Object></Delete>';

    const answer = await s3.send({
      ...{ method: 'POST', path: `/${BUCKET}?delete`, body },
      headers: { 'content-md5': 'XUFAKrxLKna5cZ2REBfFkg==' },
    });

    expect(answer.body).toContain('<Code>BadDigest</Code>');
    expect(s3.service().keys(BUCKET, '')).toEqual(['a']);
  });

  it('refuses a body that has no checksum', async () => {
    await put('a');
    const body = '<Delete><Object><Key>a</Key></Object></Delete>';

    const answer = await s3.send({ method: 'POST', path: `/${BUCKET}?delete`, body });

    expect(answer.status).toBe(400);
    expect(answer.body).toContain('<Code>InvalidRequest</Code>');
    expect(s3.service().keys(BUCKET, '')).toEqual(['a']);
  });

  it('takes a Content-MD5, as older clients send', async () => {
    await put('a');
    const body = '<Delete><Object><Key>a</Key></Object></Delete>';
    const md5 = createHash('md5').update(body).digest('base64');

    await s3.send({ method: 'POST', path: `/${BUCKET}?delete`, body, headers: { 'content-md5': md5 } });

    expect(s3.service().keys(BUCKET, '')).toEqual([]);
  });
});
