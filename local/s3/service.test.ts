import { existsSync, linkSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

let s3: S3Endpoint;

beforeEach(async () => {
  s3 = await openS3Endpoint();
});

afterEach(() => s3.close());

const put = (Key: string, Body: string) => s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
const get = (Key: string) => s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: 'ENABLED' }));

function fileWith(content: string): string {
  const file = path.join(s3.folder, '..', 'outgoing');
  writeFileSync(file, content);
  return file;
}

const Detail = z.object({ object: z.object({ key: z.string(), sequencer: z.string() }) });
const objectsTold = () => s3.events.map(({ detail }) => Detail.parse(detail).object);

describe('the object store', () => {
  it('moves a file into place, as if a client had put it', async () => {
    const file = fileWith('parquet');

    const stored = await s3
      .service()
      .put({ bucket: BUCKET, key: 'dt=1/a', content: { file }, contentType: 'text/csv' });

    expect(stored).toEqual({ etag: '5c8844a97bf2298a6724856911dde080', size: 7 });
    expect(existsSync(file)).toBe(false);
    const found = await get('dt=1/a');
    expect(found).toMatchObject({ ETag: `"${stored.etag}"`, ContentType: 'text/csv', ChecksumType: 'FULL_OBJECT' });
    expect(await found.Body?.transformToString()).toBe('parquet');
    expect(s3.events).toMatchObject([{ detailType: 'Object Created', detail: { reason: 'PutObject' } }]);
  });

  it('leaves a file where it is until the object is there, so that a killed process can put it again', async () => {
    const file = fileWith('accepted');
    const seen: string[] = [];
    s3.onEvent = () => {
      seen.push(readFileSync(file, 'utf8'));
      // What a process leaves that is killed here.
      linkSync(file, `${file}-left`);
    };
    await s3.service().put({ bucket: BUCKET, key: 'a', content: { file } });
    expect(seen).toEqual(['accepted']);
    s3.onEvent = () => undefined;
    renameSync(`${file}-left`, file);

    await s3.restart();
    await s3.service().put({ bucket: BUCKET, key: 'a', content: { file } });

    expect(await (await get('a')).Body?.transformToString()).toBe('accepted');
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(path.join(s3.folder, '.incoming'))).toEqual([]);
  });

  it('takes bytes as well', async () => {
    await s3.service().put({ bucket: BUCKET, key: 'a', content: Buffer.from('bytes') });

    expect((await s3.service().get(BUCKET, 'a')).toString()).toBe('bytes');
  });

  it('leaves a file where it is when it refuses it', async () => {
    const file = fileWith('kept');

    for (const [bucket, key, code] of [
      ['nowhere', 'a', 'NoSuchBucket'],
      [BUCKET, '', 'InvalidArgument'],
      [BUCKET, 'x'.repeat(1_025), 'KeyTooLongError'],
    ] as const) {
      await expect(s3.service().put({ bucket, key, content: { file } })).rejects.toMatchObject({ code });
    }

    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  it('leaves a file where it is when it cannot put it in place', async () => {
    const file = fileWith('kept');
    writeFileSync(path.join(s3.folder, BUCKET, '.keys'), 'in the way of keys that are no paths');

    await expect(s3.service().put({ bucket: BUCKET, key: '../a', content: { file } })).rejects.toThrow(
      /EEXIST|ENOTDIR/,
    );

    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(s3.service().keys(BUCKET, '')).toEqual([]);
  });

  it('gives the path of the content, for readers of files', async () => {
    await put('dt=2026-11-23/a.parquet', 'content');

    const file = s3.service().fileOf(BUCKET, 'dt=2026-11-23/a.parquet') ?? '';

    expect(file).toBe(path.join(s3.folder, BUCKET, 'dt=2026-11-23', 'a.parquet'));
    expect(readFileSync(file, 'utf8')).toBe('content');
    expect(s3.service().fileOf(BUCKET, 'nothing')).toBeUndefined();
    expect(s3.service().fileOf('nowhere', 'a')).toBeUndefined();
  });

  it('lists keys in UTF-8 order, and adds them up', async () => {
    for (const key of ['b', 'a/2', 'a/10', '😀', '\uffff']) await put(key, key);

    expect(s3.service().keys(BUCKET, '')).toEqual(['a/10', 'a/2', 'b', '\uffff', '😀']);
    expect(s3.service().keys(BUCKET, 'a/')).toEqual(['a/10', 'a/2']);
    expect(s3.service().usage(BUCKET, 'a/')).toEqual({ objects: 2, bytes: 7 });
    expect(s3.service().usage(BUCKET, 'nothing')).toEqual({ objects: 0, bytes: 0 });
  });

  it('names what is not there', async () => {
    await expect(s3.service().get(BUCKET, 'a')).rejects.toMatchObject({ code: 'NoSuchKey' });
    await expect(s3.service().get('nowhere', 'a')).rejects.toMatchObject({ code: 'NoSuchBucket' });
    expect(() => s3.service().keys('nowhere', '')).toThrow(expect.objectContaining({ code: 'NoSuchBucket' }));
  });
});

describe('events', () => {
  it('are as documented', async () => {
    await put('a b', 'hello');
    await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'a b' }));

    const common = {
      version: '0',
      bucket: { name: BUCKET },
      'request-id': expect.stringMatching(/./),
      requester: '123456789012',
      'source-ip-address': '127.0.0.1',
    };
    const sequencer = expect.stringMatching(/^[0-9A-F]{18}$/);
    expect(s3.events).toEqual([
      {
        source: 'aws.s3',
        detailType: 'Object Created',
        resources: [`arn:aws:s3:::${BUCKET}`],
        detail: {
          ...common,
          object: { key: 'a b', size: 5, etag: '5d41402abc4b2a76b9719d911017c592', sequencer },
          reason: 'PutObject',
        },
      },
      {
        source: 'aws.s3',
        detailType: 'Object Deleted',
        resources: [`arn:aws:s3:::${BUCKET}`],
        detail: {
          ...common,
          object: { key: 'a b', sequencer },
          reason: 'DeleteObject',
          'deletion-type': 'Permanently Deleted',
        },
      },
    ]);
  });

  it('come in the order of the changes, also over a restart', async () => {
    for (const key of ['a', 'b', 'a']) await put(key, key);
    await s3.restart();
    for (const key of ['c', 'a']) await put(key, key);

    expect(objectsTold().map(({ key }) => key)).toEqual(['a', 'b', 'a', 'c', 'a']);
    const sequencers = objectsTold().map(({ sequencer }) => sequencer);
    expect(sequencers.toSorted()).toEqual(sequencers);
    expect(new Set(sequencers).size).toBe(sequencers.length);
  });

  it('come when the object can be read', async () => {
    const seen: (string | undefined)[] = [];
    s3.onEvent = () => seen.push(s3.service().fileOf(BUCKET, 'a'));

    await put('a', 'hello');

    expect(seen.map((file) => readFileSync(file ?? '', 'utf8'))).toEqual(['hello']);
  });
});

describe('a restart', () => {
  it('keeps buckets, objects and what is known of them', async () => {
    await put('a', 'hello');
    await put('../b', 'escaped');
    const before = await get('a');

    await s3.restart();

    const { $metadata, Body, ...described } = await get('a');
    expect(before).toMatchObject(described);
    expect(await Body?.transformToString()).toBe('hello');
    expect(await (await get('../b')).Body?.transformToString()).toBe('escaped');
    expect((await s3.client.send(new ListBucketsCommand())).Buckets).toMatchObject([{ Name: BUCKET }]);
  });
});

describe('faults', () => {
  it('hold for other services as for clients, and end', async () => {
    const file = fileWith('kept');
    s3.service().faults.set({ errorRate: 1 });

    const failure = { code: 'InternalError', status: 500 };
    await expect(put('a', 'x')).rejects.toMatchObject({ name: 'InternalError', $metadata: { httpStatusCode: 500 } });
    await expect(s3.service().put({ bucket: BUCKET, key: 'a', content: { file } })).rejects.toMatchObject(failure);
    await expect(s3.service().get(BUCKET, 'a')).rejects.toMatchObject(failure);
    expect(existsSync(file)).toBe(true);
    s3.service().faults.clear();

    await s3.service().put({ bucket: BUCKET, key: 'a', content: { file } });
    expect(s3.service().keys(BUCKET, '')).toEqual(['a']);
  });

  it('that lose the answer to another service leave its file, so that it can put it again', async () => {
    const file = fileWith('kept');
    s3.service().faults.set({ lostAnswerRate: 1, operations: ['PutObject'] });

    const lost = s3.service().put({ bucket: BUCKET, key: 'a', content: { file } });
    await expect(lost).rejects.toMatchObject({ code: 'InternalError', status: 500 });
    expect((await s3.service().get(BUCKET, 'a')).toString()).toBe('kept');
    s3.service().faults.clear();
    await s3.service().put({ bucket: BUCKET, key: 'a', content: { file } });

    expect((await s3.service().get(BUCKET, 'a')).toString()).toBe('kept');
    expect(existsSync(file)).toBe(false);
  });

  it('fail keys of DeleteObjects one by one', async () => {
    for (const key of ['a', 'b']) await put(key, key);
    const draws = [0, 0.9];
    s3.service().faults.set({ partialRate: 0.5 }, () => draws.shift() ?? 1);

    const Objects = [{ Key: 'a' }, { Key: 'b' }];
    const answer = await s3.client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));

    expect(answer).toMatchObject({ Deleted: [{ Key: 'b' }], Errors: [{ Key: 'a', Code: 'InternalError' }] });
    expect(s3.service().keys(BUCKET, '')).toEqual(['a']);
  });
});
