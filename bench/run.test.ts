import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const run = (...args: string[]) =>
  spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'run.ts'), ...args],
    {
      encoding: 'utf8',
    },
  );

describe('npm run bench', () => {
  it('lists every benchmark with --help', () => {
    const { status, stdout } = run('--help');

    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}kernel {2,}\S/m);
  });

  it.each([[['nothing']], [[]], [['kernel', 'kernel']], [['constructor']]])(
    'refuses %j, naming what is allowed',
    (args) => {
      const { status, stderr } = run(...args);

      expect(status).toBe(1);
      expect(stderr).toMatch(/^bench: received ".*", allowed: one of .*kernel/);
    },
  );

  it('refuses an unknown option in one line', () => {
    const { status, stderr } = run('kernel', '--fast');

    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
