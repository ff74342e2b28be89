import {
  DeleteObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';

const KEYS = ['a b+c.txt', 'dt=1/x', 'dt=1/y', 'dt=2/x', 'dt=2/z/1', 'é/1', 'z', '😀'];

let s3: S3Endpoint;

beforeAll(async () => {
  s3 = await openS3Endpoint();
  for (const Key of KEYS) await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }));
});

afterAll(() => s3.close());

const list = (rest: object = {}) => s3.client.send(new ListObjectsV2Command({ Bucket: BUCKET, ...rest }));
const listOld = (rest: object = {}) => s3.client.send(new ListObjectsCommand({ Bucket: BUCKET, ...rest }));
const keysOf = ({ Contents = [] }: { Contents?: readonly { Key?: string | undefined }[] | undefined }) =>
  Contents.map(({ Key }) => Key);

const inOrder = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));
const SORTED = KEYS.toSorted(inOrder);

describe('ListObjectsV2', () => {
  it('lists keys in UTF-8 order, each with what is known of it', async () => {
    const listed = await list();

    expect(keysOf(listed)).toEqual(SORTED);
    expect(listed).toMatchObject({
      KeyCount: KEYS.length,
      MaxKeys: 1_000,
      IsTruncated: false,
      Name: BUCKET,
      Prefix: '',
    });
    expect(listed.Contents?.[0]).toMatchObject({
      Size: 9,
      ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      LastModified: expect.any(Date),
      StorageClass: 'STANDARD',
      ChecksumAlgorithm: ['CRC32'],
      ChecksumType: 'FULL_OBJECT',
    });
  });

  it('rolls keys up into common prefixes', async () => {
    const listed = await list({ Delimiter: '/' });

    expect(keysOf(listed)).toEqual(['a b+c.txt', 'z', '😀']);
    expect(listed.CommonPrefixes).toEqual([{ Prefix: 'dt=1/' }, { Prefix: 'dt=2/' }, { Prefix: 'é/' }]);
    expect(listed.KeyCount).toBe(6);
  });

  it.each([1, 2, 3])('gives everything once in pages of %i', async (pageSize) => {
    const keys: (string | undefined)[] = [];
    const prefixes: (string | undefined)[] = [];

    for await (const page of paginateListObjectsV2(
      { client: s3.client, pageSize },
      { Bucket: BUCKET, Delimiter: '/' },
    )) {
      expect(page.KeyCount).toBeLessThanOrEqual(pageSize);
      keys.push(...keysOf(page));
      prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
    }

    expect(keys).toEqual(['a b+c.txt', 'z', '😀']);
    expect(prefixes).toEqual(['dt=1/', 'dt=2/', 'é/']);
  });

  it('lists below a prefix and after a key', async () => {
    expect(keysOf(await list({ Prefix: 'dt=' }))).toEqual(['dt=1/x', 'dt=1/y', 'dt=2/x', 'dt=2/z/1']);
    expect(keysOf(await list({ Prefix: 'dt=', StartAfter: 'dt=1/y' }))).toEqual(['dt=2/x', 'dt=2/z/1']);
    expect(await list({ Prefix: 'dt=2/', Delimiter: '/' })).toMatchObject({
      Contents: [{ Key: 'dt=2/x' }],
      CommonPrefixes: [{ Prefix: 'dt=2/z/' }],
    });
    expect(await list({ Prefix: 'nothing' })).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  it('goes on from a token also when what it ended with is gone', async () => {
    const Key = 'c';
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Buffer.of() }));
    const first = await list({ MaxKeys: 2 });

    await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
    const second = await list({ MaxKeys: 2, ContinuationToken: first.NextContinuationToken });

    expect(keysOf(first)).toEqual(['a b+c.txt', 'c']);
    expect(keysOf(second)).toEqual(['dt=1/x', 'dt=1/y']);
  });

  it('encodes keys on demand', async () => {
    const listed = await list({ EncodingType: 'url', Delimiter: '/', StartAfter: 'a' });

    expect(listed).toMatchObject({ EncodingType: 'url', StartAfter: 'a' });
    expect(keysOf(listed)).toEqual(['a+b%2Bc.txt', 'z', '%F0%9F%98%80']);
    expect(listed.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['dt%3D1/', 'dt%3D2/', '%C3%A9/']);
  });

  it('names the owner to those who ask', async () => {
    expect((await list({ FetchOwner: true })).Contents?.[0]?.Owner).toEqual({ ID: '123456789012' });
    expect((await list()).Contents?.[0]?.Owner).toBeUndefined();
  });

  it('gives none when none are wanted, and at most a thousand', async () => {
    expect(await list({ MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
    expect(await list({ MaxKeys: 5_000 })).toMatchObject({ MaxKeys: 1_000 });
  });

  it.each([
    ['a negative number of keys', { MaxKeys: -1 }],
    ['a token of its own making', { ContinuationToken: 'not a token' }],
    ['another encoding', { EncodingType: 'base64' }],
  ])('refuses %s', async (_claim, rest) => {
    await expect(list(rest)).rejects.toMatchObject({ name: 'InvalidArgument' });
  });

  it('names a bucket that is not there', async () => {
    await expect(list({ Bucket: 'nowhere' })).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });
});

describe('ListObjects', () => {
  it('goes on from the marker that it gave, with a delimiter', async () => {
    const items: (string | undefined)[] = [];
    let Marker: string | undefined;

    do {
      const page = await listOld({ Delimiter: '/', MaxKeys: 2, Marker });
      items.push(...keysOf(page), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
      Marker = page.NextMarker;
    } while (Marker !== undefined);

    expect(items.toSorted()).toEqual(['a b+c.txt', 'dt=1/', 'dt=2/', 'é/', 'z', '😀'].toSorted());
  });

  it('goes on from the last key, without one', async () => {
    const first = await listOld({ MaxKeys: 3 });
    const second = await listOld({ Marker: keysOf(first).at(-1) });

    expect(first).toMatchObject({ IsTruncated: true });
    expect(first.NextMarker).toBeUndefined();
    expect([...keysOf(first), ...keysOf(second)]).toEqual(SORTED);
  });
});
