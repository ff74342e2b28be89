import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';
import { type ChecksumAlgorithm, createChecksum } from './checksum.ts';

const Key = 'large/object';
const MEBIBYTE = 1024 * 1024;
const PARTS = [Buffer.alloc(5 * MEBIBYTE, 'a'), Buffer.from('the end')] as const;
const WHOLE = Buffer.concat(PARTS);

let s3: S3Endpoint;

async function create(rest: object = {}): Promise<string> {
  const { UploadId = '' } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key, ...rest }));
  return UploadId;
}

async function upload(UploadId: string, PartNumber: number, Body: Buffer, rest: object = {}): Promise<CompletedPart> {
  const part = { Bucket: BUCKET, Key, UploadId, PartNumber, Body, ...rest };
  const { $metadata, ServerSideEncryption, ...uploaded } = await s3.client.send(new UploadPartCommand(part));
  return { PartNumber, ...uploaded };
}

const uploadAll = (UploadId: string, rest: object = {}): Promise<CompletedPart[]> =>
  Promise.all(PARTS.map((body, at) => upload(UploadId, at + 1, body, rest)));

const complete = (UploadId: string, Parts: CompletedPart[], rest: object = {}) =>
  s3.client.send(
    new CompleteMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId, MultipartUpload: { Parts }, ...rest }),
  );

const head = () => s3.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: 'ENABLED' }));

async function content(): Promise<Buffer> {
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

function digest(algorithm: ChecksumAlgorithm | 'md5', bytes: Buffer): Buffer {
  const checksum = createChecksum(algorithm);
  checksum.update(bytes);
  return checksum.digest();
}

const composite = (algorithm: ChecksumAlgorithm | 'md5'): Buffer =>
  digest(algorithm, Buffer.concat(PARTS.map((part) => digest(algorithm, part))));

describe('a multipart upload', () => {
  beforeEach(async () => {
    s3 = await openS3Endpoint();
  });

  afterEach(() => s3.close());

  it('becomes one object with the ETag of its parts, and leaves nothing else', async () => {
    const id = await create({ ContentType: 'text/plain', Metadata: { a: 'b' } });
    const parts = await uploadAll(id);

    const { ETag, Location } = await complete(id, parts);

    expect(ETag).toBe(`"${composite('md5').toString('hex')}-2"`);
    expect(Location).toBe(`${s3.url}/${BUCKET}/large/object`);
    expect((await content()).equals(WHOLE)).toBe(true);
    expect(await head()).toMatchObject({ ContentType: 'text/plain', Metadata: { a: 'b' }, ETag });
    expect(readdirSync(path.join(s3.folder, '.uploads'))).toEqual([]);
    expect(readdirSync(path.join(s3.folder, '.incoming'))).toEqual([]);
  });

  it('says to EventBridge once that the object is there', async () => {
    const id = await create();
    const parts = await uploadAll(id);
    expect(s3.events).toEqual([]);

    await complete(id, parts);

    expect(s3.events).toMatchObject([
      { detail: { reason: 'CompleteMultipartUpload', object: { key: Key, size: WHOLE.length } } },
    ]);
  });

  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)(
    'has a composite %s unless asked otherwise',
    async (ChecksumAlgorithm) => {
      const algorithm = ({ CRC32: 'crc32', CRC32C: 'crc32c', SHA1: 'sha1', SHA256: 'sha256' } as const)[
        ChecksumAlgorithm
      ];
      const id = await create({ ChecksumAlgorithm });
      const parts = await uploadAll(id, { ChecksumAlgorithm });

      const answer = await complete(id, parts);

      const expected = {
        [`Checksum${ChecksumAlgorithm}`]: `${composite(algorithm).toString('base64')}-2`,
        ChecksumType: 'COMPOSITE',
      };
      expect(answer).toMatchObject(expected);
      expect(await head()).toMatchObject(expected);
    },
  );

  it.each([
    ['CRC32', 'crc32'],
    ['CRC32C', 'crc32c'],
    ['CRC64NVME', 'crc64nvme'],
  ] as const)('has a %s of all of it when asked', async (ChecksumAlgorithm, algorithm) => {
    const id = await create({ ChecksumAlgorithm, ChecksumType: 'FULL_OBJECT' });
    const parts = await uploadAll(id, { ChecksumAlgorithm });
    const checksum = { [`Checksum${ChecksumAlgorithm}`]: digest(algorithm, WHOLE).toString('base64') };

    const answer = await complete(id, parts, { ...checksum, ChecksumType: 'FULL_OBJECT', MpuObjectSize: WHOLE.length });

    expect(answer).toMatchObject({ ...checksum, ChecksumType: 'FULL_OBJECT' });
    // The client compares it with what it reads.
    expect((await content()).equals(WHOLE)).toBe(true);
  });

  it('takes the last of the parts of one number, and only the parts that are listed', async () => {
    const id = await create();
    await upload(id, 1, Buffer.from('replaced'));
    const first = await upload(id, 1, PARTS[0]);
    await upload(id, 2, Buffer.from('left out'));
    const last = await upload(id, 9, PARTS[1]);

    await complete(id, [first, last]);

    expect((await content()).equals(Buffer.concat([PARTS[0], PARTS[1]]))).toBe(true);
  });

  it('goes on after a restart', async () => {
    const id = await create();
    const first = await upload(id, 1, PARTS[0]);
    await s3.restart();
    const last = await upload(id, 2, PARTS[1]);

    await complete(id, [first, last]);

    expect((await content()).equals(Buffer.concat([PARTS[0], PARTS[1]]))).toBe(true);
  });

  it('copies parts from objects', async () => {
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'source', Body: WHOLE }));
    const id = await create();
    const target = { Bucket: BUCKET, Key, UploadId: id, CopySource: `${BUCKET}/source` };
    const copyPart = async (PartNumber: number, CopySourceRange: string): Promise<CompletedPart> => {
      const command = new UploadPartCopyCommand({ ...target, PartNumber, CopySourceRange });
      const { CopyPartResult } = await s3.client.send(command);
      return { PartNumber, ETag: CopyPartResult?.ETag };
    };
    const middle = 5 * MEBIBYTE + 1;

    const parts = [
      await copyPart(1, `bytes=0-${middle - 1}`),
      await copyPart(2, `bytes=${middle}-${WHOLE.length - 1}`),
    ];
    await complete(id, parts);

    expect((await content()).equals(WHOLE)).toBe(true);
  });

  it('can be aborted, which leaves nothing', async () => {
    const id = await create();
    const part = await upload(id, 1, PARTS[1]);

    await s3.client.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId: id }));

    await expect(complete(id, [part])).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(upload(id, 1, PARTS[1])).rejects.toMatchObject({ name: 'NoSuchUpload' });
    expect(readdirSync(path.join(s3.folder, '.uploads'))).toEqual([]);
    expect(readdirSync(path.join(s3.folder, '.incoming'))).toEqual([]);
  });

  it('is completed by one of two requests', async () => {
    const id = await create();
    const parts = await uploadAll(id);

    const attempts = await Promise.allSettled([complete(id, parts), complete(id, parts)]);

    expect(attempts.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(s3.events).toHaveLength(1);
    expect((await content()).equals(WHOLE)).toBe(true);
  });

  it('is not completed over an object that is there, when it is not to be', async () => {
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'first' }));
    const id = await create();
    const parts = await uploadAll(id);

    await expect(complete(id, parts, { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect((await content()).toString()).toBe('first');
  });

  it('has parts of at least 5 MiB, but for the last', async () => {
    const id = await create();
    const parts = [await upload(id, 1, PARTS[0].subarray(1)), await upload(id, 2, PARTS[1])];

    await expect(complete(id, parts)).rejects.toMatchObject({ name: 'EntityTooSmall' });
  });

  it('refuses part numbers beyond 1 to 10,000, and checksums that its algorithm does not have', async () => {
    const id = await create();

    await expect(upload(id, 0, PARTS[1])).rejects.toMatchObject({ name: 'InvalidArgument' });
    await expect(upload(id, 10_001, PARTS[1])).rejects.toMatchObject({ name: 'InvalidArgument' });
    await expect(upload(id, 1, PARTS[1], { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(create({ ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    await expect(s3.client.send(new ListPartsCommand({ Bucket: BUCKET, Key, UploadId: id }))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining('ListParts'),
    });
  });

  it('has an ETag that differs from the MD5 of its content', async () => {
    const id = await create();
    await complete(id, [await upload(id, 1, PARTS[1])]);

    const md5 = createHash('md5').update(PARTS[1]).digest();

    expect((await head()).ETag).toBe(`"${createHash('md5').update(md5).digest('hex')}-1"`);
  });
});

describe('completing a multipart upload', () => {
  let id: string;
  let parts: CompletedPart[];

  beforeAll(async () => {
    s3 = await openS3Endpoint();
    id = await create({ ChecksumAlgorithm: 'CRC32' });
    parts = await uploadAll(id);
  });

  // What was refused can be put right.
  afterAll(async () => {
    await expect(complete(id, parts)).resolves.toMatchObject({ Key });
    await s3.close();
  });

  it.each<[string, (parts: CompletedPart[]) => CompletedPart[], object, string]>([
    ['parts out of order', (parts) => parts.toReversed(), {}, 'InvalidPartOrder'],
    ['a part twice', ([one = {}]) => [one, one], {}, 'InvalidPartOrder'],
    ['a part that is not there', (parts) => [...parts, { PartNumber: 7, ETag: '"x"' }], {}, 'InvalidPart'],
    ['a part of another ETag', ([one]) => [{ ...one, ETag: '"x"' }], {}, 'InvalidPart'],
    ['a part of another checksum', ([one]) => [{ ...one, ChecksumCRC32: 'AAAAAA==' }], {}, 'InvalidPart'],
    ['no parts', () => [], {}, 'MalformedXML'],
    ['another size', (parts) => parts, { MpuObjectSize: 1 }, 'InvalidRequest'],
    ['another type of checksum', (parts) => parts, { ChecksumType: 'FULL_OBJECT' }, 'InvalidRequest'],
    ['another checksum', (parts) => parts, { ChecksumCRC32: 'AAAAAA==' }, 'BadDigest'],
    ['another key', (parts) => parts, { Key: 'another' }, 'NoSuchUpload'],
  ])('is refused with %s', async (_claim, change, rest, name) => {
    await expect(complete(id, change(parts), rest)).rejects.toMatchObject({ name });
    expect(s3.service().keys(BUCKET, '')).toEqual([]);
  });
});
