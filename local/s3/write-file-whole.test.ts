import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { writeFileWhole } from './write-file-whole.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'write-file-whole-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function* bytes(failsWith?: Error): AsyncGenerator<Buffer> {
  yield Buffer.from('hello');
  if (failsWith) throw failsWith;
}

it('writes what comes', async () => {
  const file = path.join(folder, 'whole');

  await writeFileWhole(file, (save) => save(bytes()));

  expect(readFileSync(file, 'utf8')).toBe('hello');
});

it('leaves nothing of content that breaks off', async () => {
  const writing = writeFileWhole(path.join(folder, 'whole'), (save) => save(bytes(new Error('no more'))));

  await expect(writing).rejects.toThrow('no more');
  expect(readdirSync(folder)).toEqual([]);
});

it('leaves nothing when what follows the content fails', async () => {
  const writing = writeFileWhole(path.join(folder, 'whole'), async (save) => {
    await save(bytes());
    throw new Error('the condition no longer holds');
  });

  await expect(writing).rejects.toThrow('the condition no longer holds');
  expect(readdirSync(folder)).toEqual([]);
});
