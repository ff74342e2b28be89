import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetObjectCommand, NoSuchUpload, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';
import { uploadFile } from './upload-file.ts';

const MIB = 1_024 * 1_024;

let s3: S3Endpoint;
const folder = mkdtempSync(path.join(tmpdir(), 'upload-'));

beforeAll(async () => {
  s3 = await openS3Endpoint();
});
afterAll(async () => {
  await s3.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, bytes: number): { readonly path: string; readonly content: Buffer } {
  const content = Buffer.alloc(bytes, 'no two parts of it are alike');
  writeFileSync(path.join(folder, name), content);
  return { path: path.join(folder, name), content };
}

it.each([
  ['an empty file', 0],
  ['a small one', 1_000],
  ['one in parts, the last of which is short', 5 * MIB + 7],
])('puts %s whole, says how far it is, and which version it became', async (_, bytes) => {
  const given = file('given', bytes);
  const told: number[] = [];
  const onProgress = (done: number, total: number): void => void told.push(done, total);

  const upload = { file: given.path, bucket: BUCKET, key: 'incoming/a b+ü', partBytes: 5 * MIB, onProgress };
  const { etag } = await uploadFile(s3.client, upload);

  const { Body, ETag } = await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: upload.key }));
  expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(given.content)).toBe(true);
  expect(ETag).toBe(`"${etag}"`);
  expect(told.slice(0, 2)).toEqual([0, bytes]);
  expect(told.slice(-2)).toEqual([bytes, bytes]);
});

it('leaves nothing of an upload that fails', async () => {
  const given = file('given', 6 * MIB);
  const uploadIds: (string | undefined)[] = [];
  s3.client.middlewareStack.add((next) => async (args) => {
    const answer = await next(args);
    if ('UploadId' in answer.output) uploadIds.push(answer.output.UploadId);
    return answer;
  });
  // After the first part that has gone.
  const onProgress = (done: number): void => {
    if (done > 0) throw new Error('the line is cut');
  };

  const upload = { file: given.path, bucket: BUCKET, key: 'gone', partBytes: 5 * MIB, onProgress };
  await expect(uploadFile(s3.client, upload)).rejects.toThrow('the line is cut');

  const place = { Bucket: BUCKET, Key: 'gone', UploadId: uploadIds.at(-1), PartNumber: 1 };
  await expect(s3.client.send(new UploadPartCommand({ ...place, Body: 'x' }))).rejects.toThrow(NoSuchUpload);
});
