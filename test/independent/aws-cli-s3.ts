/** `aws s3` with objects in parts, copies, and keys that have to be escaped: against any S3 endpoint. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AwsCli } from './aws-cli-commands.ts';

/** Eight parts of the CLI, whose own threshold and part size are 8 MB; the last one is short. */
const LARGE_BYTES = 60_000_000;

/** Names of files on a disk that are hard for a URL, for XML, or for a percent-encoder. */
const NAMES = [
  'plain.txt',
  'two words.txt',
  '1+1=2.txt',
  '100%.txt',
  '%41%2F.txt',
  'grün ‒ 日本 🌍.txt',
  'e\u0301 decomposed.txt',
  "it's (a) 'quote'!.txt",
  'a&b<c>d"e.txt',
  'what?x=1#y;z,@$.txt',
  '[brackets]{braces}~^`|.txt',
];

export async function checkS3({ aws, ask, check, folder }: AwsCli, from: string, to: string): Promise<void> {
  const large = path.join(folder, 'large.bin');
  const down = path.join(folder, 'down.bin');
  writeFileSync(large, patterned(LARGE_BYTES));
  const head = (bucket: string, key: string): Promise<unknown> =>
    ask('[ContentLength, ETag]', 's3api', 'head-object', '--bucket', bucket, '--key', key);

  await check('s3 cp of 60 MB goes up in parts, and comes down the same', async () => {
    await aws('s3', 'cp', large, `s3://${from}/large/a b+c%.bin`, '--quiet');
    const [bytes, etag] = listOf(await head(from, 'large/a b+c%.bin'));
    assert.equal(bytes, LARGE_BYTES);
    assert.match(String(etag), /-8"$/);
    await aws('s3', 'cp', `s3://${from}/large/a b+c%.bin`, down, '--quiet');
    assert.ok(readFileSync(down).equals(readFileSync(large)));
  });

  await check('s3 cp from bucket to bucket copies 60 MB in parts', async () => {
    await aws('s3', 'cp', `s3://${from}/large/a b+c%.bin`, `s3://${to}/copy/ä&b.bin`, '--quiet');
    assert.deepEqual(await head(to, 'copy/ä&b.bin'), await head(from, 'large/a b+c%.bin'));
    await aws('s3', 'cp', `s3://${to}/copy/ä&b.bin`, down, '--quiet');
    assert.ok(readFileSync(down).equals(readFileSync(large)));
  });

  await check('s3 mv from bucket to bucket leaves nothing behind', async () => {
    await aws('s3', 'mv', `s3://${to}/copy/ä&b.bin`, `s3://${from}/moved/100%+ä.bin`, '--quiet');
    assert.deepEqual(listOf(await head(from, 'moved/100%+ä.bin'))[0], LARGE_BYTES);
    await assert.rejects(aws('s3', 'ls', `s3://${to}/copy/`));
    await aws('s3', 'rm', '--recursive', `s3://${from}/moved/`, '--quiet');
    await aws('s3', 'rm', '--recursive', `s3://${from}/large/`, '--quiet');
    await assert.rejects(aws('s3', 'ls', `s3://${from}/large/`));
  });

  const files = path.join(folder, 'files');
  mkdirSync(files);
  for (const name of NAMES) writeFileSync(path.join(files, name), `this is ${name}\n`);

  await check('s3 cp, cp from bucket to bucket, mv, ls and cp back keep every name', async () => {
    const back = path.join(folder, 'back');
    await aws('s3', 'cp', '--recursive', files, `s3://${from}/one/`, '--quiet');
    await aws('s3', 'cp', '--recursive', `s3://${from}/one/`, `s3://${to}/two+ %/`, '--quiet');
    await aws('s3', 'mv', '--recursive', `s3://${to}/two+ %/`, `s3://${to}/three/`, '--quiet');
    const listed = (await aws('s3', 'ls', `s3://${to}/three/`)).trimEnd().split('\n');
    // Date, time and size stand before the name.
    assert.deepEqual(listed.map((line) => line.slice(31)).toSorted(), NAMES.toSorted());
    await aws('s3', 'cp', '--recursive', `s3://${to}/three/`, back, '--quiet');
    assert.deepEqual(contentsOf(back), contentsOf(files));
    await assert.rejects(aws('s3', 'ls', `s3://${to}/two+ %/`));
  });

  for (const name of NAMES.filter((candidate) => /[ %+]|grün/.test(candidate)).slice(0, 4)) {
    await check(`s3 cp, mv and rm of ${JSON.stringify(name)} alone`, async () => {
      const [first, second] = [`s3://${from}/alone/${name}`, `s3://${to}/alone/${name}`];
      await aws('s3', 'cp', path.join(files, name), first, '--quiet');
      await aws('s3', 'mv', first, second, '--quiet');
      assert.ok((await aws('s3', 'ls', second)).endsWith(` ${name}\n`));
      await aws('s3', 'rm', second, '--quiet');
      await assert.rejects(aws('s3', 'ls', second));
    });
  }

  await check('s3 sync puts what is new and removes what is gone, up, across and down', async () => {
    const back = path.join(folder, 'synced');
    await aws('s3', 'sync', files, `s3://${from}/sync/`, '--quiet');
    assert.equal(await aws('s3', 'sync', files, `s3://${from}/sync/`), '');
    rmSync(path.join(files, NAMES[0] ?? ''));
    writeFileSync(path.join(files, 'new.txt'), 'new');
    await aws('s3', 'sync', files, `s3://${from}/sync/`, '--delete', '--quiet');
    await aws('s3', 'sync', `s3://${from}/sync/`, `s3://${to}/sync+/`, '--quiet');
    await aws('s3', 'sync', `s3://${to}/sync+/`, back, '--quiet');
    assert.deepEqual(contentsOf(back), contentsOf(files));
  });

  await check('s3 rm --recursive removes them all', async () => {
    for (const below of [`${from}/sync/`, `${from}/one/`, `${to}/three/`, `${to}/sync+/`]) {
      await aws('s3', 'rm', '--recursive', `s3://${below}`, '--quiet');
      await assert.rejects(aws('s3', 'ls', `s3://${below}`));
    }
  });
}

/** Bytes that differ from part to part, so that parts in a wrong order would be found. */
function patterned(length: number): Buffer {
  const bytes = Buffer.alloc(length, 'sixty megabytes of text ');
  for (let at = 0; at + 4 <= length; at += 65_536) bytes.writeUInt32BE(at, at);
  return bytes;
}

function listOf(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value));
  return value;
}

function contentsOf(folder: string): readonly [string, string][] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]);
}
