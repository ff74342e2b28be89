import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { datasetFolders, generate } from './generate.ts';

const root = path.join(import.meta.dirname, '..');
let copy = '';

beforeEach(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'generate-'));
  for (const part of ['schemas', 'tools/generate.ts', 'package.json'])
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

const run = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(copy, 'tools/generate.ts'), ...args], { encoding: 'utf8' });

describe('npm run generate', () => {
  it.each(datasetFolders())('has been run for %s', (name) => {
    expect(readFileSync(path.join(root, 'schemas', name, `${name}.gen.ts`), 'utf8')).toBe(generate(name));
  });

  it('finds a changed source stale, naming the file and the command that mends it; then mends it', () => {
    const schema = path.join(copy, 'schemas/flights/schema.avsc');
    writeFileSync(schema, readFileSync(schema, 'utf8').replace('Delay on arrival', 'Late by'));

    const stale = run('--check');
    const mended = run();
    const fresh = run('--check');

    expect(stale.status).toBe(1);
    expect(stale.stderr).toBe('schemas/flights/flights.gen.ts is stale: run npm run generate\n');
    expect(mended.stdout).toBe('wrote schemas/flights/flights.gen.ts\n');
    expect(fresh).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('cannot be broken out of by documentation', () => {
    const schema = path.join(copy, 'schemas/flights/schema.avsc');
    writeFileSync(schema, readFileSync(schema, 'utf8').replace('Delay on arrival', '*/ throw 1; /*'));

    expect(generate('flights', path.join(copy, 'schemas'))).toContain('/** *\\/ throw 1; /*');
  });
});
