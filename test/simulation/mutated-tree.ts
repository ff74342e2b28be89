/** A copy of what the simulation runs, in which bugs are planted one at a time. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Mutation } from './mutations.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const FOLDERS = ['schemas', 'streams', 'processors', 'batch', 'local', 'test/simulation', 'test/support'];

export interface FoundViolation {
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
}

export interface MutatedTree {
  /**
   * Plants a bug, runs seeds until one breaks a promise, and takes the bug out again.
   * @returns undefined when none of the seeds did
   * @throws Error when the bug cannot be planted, or the run ends in another way
   */
  firstViolation(mutation: Mutation | undefined, from: number, seeds: number): Promise<FoundViolation | undefined>;
  remove(): void;
}

export function createMutatedTree(): MutatedTree {
  const root = mkdtempSync(path.join(tmpdir(), 'mutation-'));
  for (const folder of FOLDERS) {
    cpSync(path.join(ROOT, folder), path.join(root, folder), {
      recursive: true,
      filter: (source) => !source.endsWith('.test.ts'),
    });
  }
  cpSync(path.join(ROOT, 'package.json'), path.join(root, 'package.json'));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'));

  function plant({ file, find, replace, bug }: Mutation): () => void {
    const place = path.join(root, file);
    const text = readFileSync(place, 'utf8');
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`"${bug}": its text stands ${count} times in ${file}, allowed: once`);
    writeFileSync(
      place,
      text.replace(find, () => replace),
    );
    return () => writeFileSync(place, text);
  }

  function run(from: number, seeds: number): Promise<FoundViolation | undefined> {
    const script = path.join(root, 'test/simulation/first-violation.ts');
    const args = ['--disable-warning=ExperimentalWarning', script, String(from), String(seeds)];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve(undefined);
        // An exit code alone could be of a bug that keeps the code from being loaded.
        else if (code === 1 && output.startsWith('{')) resolve(JSON.parse(output));
        else reject(new Error(`the simulation ended with ${code}: ${errors.slice(-2_000)}`));
      });
    });
  }

  return {
    async firstViolation(mutation, from, seeds) {
      const restore = mutation && plant(mutation);
      try {
        return await run(from, seeds);
      } finally {
        restore?.();
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
