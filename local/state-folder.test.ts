import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { emptyState, isEmptyState, lockState } from './state-folder.ts';

let folder: string;

beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'state-')), 'state');
});

describe('lockState', () => {
  it('refuses a second pipeline with one line that says what to do', () => {
    const lock = lockState(folder);

    expect(() => lockState(folder)).toThrow(
      /^The state folder .* is in use by another running pipeline\. .*--state\.$/,
    );

    lock.release();
    lockState(folder).release();
  });

  it('is not put into a folder that holds something else, which could then be emptied', () => {
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'thesis.tex'), 'x');

    expect(() => lockState(folder)).toThrow(/holds something else than the state of a pipeline/);

    expect(readdirSync(folder)).toEqual(['thesis.tex']);
  });

  it.each([lockState, isEmptyState, emptyState])('refuses a file in one line: %p', (use) => {
    writeFileSync(folder, '');

    expect(() => use(folder)).toThrow(/^\/.* is a file, and state is kept in a folder\. Name a folder with --state\.$/);
  });

  it('is given back when a process is killed', async () => {
    const script = `import { lockState } from ${JSON.stringify(path.join(import.meta.dirname, 'state-folder.ts'))};
      lockState(process.argv[1]); console.log('locked'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script, folder]);
    await new Promise((resolve) => child.stdout.once('data', resolve));

    expect(() => lockState(folder)).toThrow(/in use/);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));

    lockState(folder).release();
  });

  it('makes the folders above it', () => {
    const deep = path.join(folder, 'a', 'b');

    lockState(deep).release();

    expect(existsSync(deep)).toBe(true);
  });

  it('says in one line that a file system takes no folders', () => {
    if (existsSync('/proc')) {
      expect(() => lockState('/proc/nope/state')).toThrow(
        /^The state folder \/proc\/nope\/state cannot be written: .*$/,
      );
    }
  });

  it('says in one line that a folder cannot be made', () => {
    const file = path.join(path.dirname(folder), 'file');
    writeFileSync(file, '');

    expect(() => lockState(path.join(file, 'state'))).toThrow(/^The state folder .* cannot be written: ENOTDIR.*$/);
  });
});

describe('emptyState', () => {
  it('empties a state folder', () => {
    lockState(folder).release();
    mkdirSync(path.join(folder, 's3'));
    writeFileSync(path.join(folder, 's3', 'object'), 'x');

    emptyState(folder);

    expect(existsSync(path.join(folder, 's3'))).toBe(false);
  });

  it('takes a folder that is not there, or empty', () => {
    emptyState(folder);
    mkdirSync(folder);
    emptyState(folder);

    expect(existsSync(folder)).toBe(true);
  });

  it('leaves a folder alone that holds something else', () => {
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'thesis.tex'), 'x');

    expect(() => emptyState(folder)).toThrow(/holds something else than the state of a pipeline/);
    expect(existsSync(path.join(folder, 'thesis.tex'))).toBe(true);
  });

  it('leaves the folder of a running pipeline alone', () => {
    const lock = lockState(folder);
    writeFileSync(path.join(folder, 'object'), 'x');

    expect(() => emptyState(folder)).toThrow(/in use/);

    expect(existsSync(path.join(folder, 'object'))).toBe(true);
    lock.release();
  });
});
