import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { checkFile } from './check-file.ts';
import { UsageError } from './verb.ts';

it('takes a file, and refuses a folder and what is not there, in one line', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'check-file-'));
  const file = path.join(folder, 'a.json');
  writeFileSync(file, '');

  checkFile('put', file);
  expect(() => checkFile('put', folder)).toThrow(
    new UsageError(`put: received ${folder}, which is a folder; allowed: a file`),
  );
  expect(() => checkFile('replay', `${file}l`)).toThrow(
    new UsageError(`replay: received ${file}l, and there is no such file`),
  );
});
