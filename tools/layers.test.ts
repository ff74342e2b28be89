/** That the checks find what they are there for: each plants a violation in a copy, and sees the check fail. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { tidy } from './tidy.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** Stand-ins, since the real packages would lie outside the copy. */
const PACKAGES = ['rxjs', 'avsc', '@aws-sdk/client-firehose', '@aws-sdk/client-s3', '@aws-lambda-powertools/batch'];
let copy = '';

function makeCopy(): void {
  copy = mkdtempSync(path.join(tmpdir(), 'layers-'));
  copyFileSync(path.join(ROOT, '.dependency-cruiser.cjs'), path.join(copy, '.dependency-cruiser.cjs'));
  for (const name of PACKAGES) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    write(`node_modules/${name}/index.js`, 'exports.planted = 1;');
  }
  write('package.json', JSON.stringify({ dependencies: Object.fromEntries(PACKAGES.map((name) => [name, '1.0.0'])) }));
  write('schemas/timestamp.ts', 'export const format = (ms: number): string => String(ms);');
  write('streams/position.ts', importing('node:crypto'));
  write('processors/adapters/clock.ts', 'export const now = (): number => Date.now();');
  write('processors/stages/other.ts', importing('node:buffer'));
  write('bench/allowed.ts', importing('../processors/adapters/clock.ts', '../streams/position.ts', 'rxjs'));
  write(
    'processors/stages/allowed.ts',
    importing('../../schemas/timestamp.ts', '../../streams/position.ts', './other.ts'),
  );
}

function removeCopy(): void {
  rmSync(copy, { recursive: true });
}

function write(file: string, source: string): void {
  mkdirSync(path.join(copy, path.dirname(file)), { recursive: true });
  writeFileSync(path.join(copy, file), `${source}\n`);
}

function importing(...modules: readonly string[]): string {
  const lines = modules.map((module, index) => `import * as planted${index} from '${module}';`);
  return [...lines, `export const use = [${modules.map((_, index) => `planted${index}`).join(', ')}];`].join('\n');
}

/** Runs dependency-cruiser as `npm run check` does. */
function cruise(): { readonly status: number | null; readonly output: string } {
  const bin = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const folders = ['schemas', 'streams', 'processors', 'bench'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [bin, '--config', '.dependency-cruiser.cjs', ...folders],
    {
      cwd: copy,
      encoding: 'utf8',
    },
  );
  return { status, output: `${stdout}${stderr}` };
}

const FORBIDDEN_TO_STAGES = [
  ...PACKAGES,
  'node:crypto',
  'crypto',
  'node:fs',
  'node:process',
  'node:timers/promises',
  'node:perf_hooks',
  '../adapters/clock.ts',
];
const FORBIDDEN = [
  { rule: 'composition-knows-ports-only', file: 'processors/planted-1.ts', module: './adapters/clock.ts' },
  { rule: 'composition-knows-ports-only', file: 'processors/planted-2.ts', module: '@aws-sdk/client-firehose' },
  { rule: 'schemas-import-avsc-only', file: 'schemas/planted.ts', module: 'rxjs' },
  { rule: 'streams-know-no-later-layer', file: 'streams/planted.ts', module: '../processors/adapters/clock.ts' },
  { rule: 'runtime-knows-no-shell', file: 'processors/adapters/planted.ts', module: '../../bench/allowed.ts' },
];

describe('the layers', () => {
  let before: ReturnType<typeof cruise>;
  let after: ReturnType<typeof cruise>;

  beforeAll(() => {
    makeCopy();
    before = cruise();
    FORBIDDEN_TO_STAGES.forEach((module, index) => {
      write(`processors/stages/planted-${index}.ts`, importing(module));
    });
    for (const { file, module } of FORBIDDEN) write(file, importing(module));
    after = cruise();
  });
  afterAll(removeCopy);

  it('let a stage know schemas, streams, other stages and Buffer, and a benchmark all of the runtime', () => {
    expect(before).toMatchObject({ status: 0 });
  });

  it('fail the check when they are broken', () => {
    expect(after.status).not.toBe(0);
  });

  it.each(FORBIDDEN_TO_STAGES.map((module, index) => ({ module, index })))(
    'forbid that a stage imports $module',
    ({ index }) => {
      expect(after.output).toContain(`stages-are-pure: processors/stages/planted-${index}.ts`);
    },
  );

  it.each(FORBIDDEN)('forbid by $rule that $file imports $module', ({ rule, file }) => {
    expect(after.output).toContain(`${rule}: ${file}`);
  });
});

describe('tidy', () => {
  const stage = (source: string): void => write('processors/stages/planted.ts', source);

  beforeEach(() => {
    makeCopy();
    spawnSync('git', ['init', '--quiet'], { cwd: copy });
    write('.gitignore', 'node_modules');
  });
  afterEach(removeCopy);

  it('finds nothing in a stage that computes from its arguments', () => {
    stage('/** Says nothing of Date, in code. */\nexport const double = (value: number): number => value * 2;');

    expect(tidy(copy)).toEqual([]);
  });

  it.each([
    'Date.now()',
    'new Date()',
    'new Date(0)',
    'Math.random()',
    'performance.now()',
    'process.env.NAME',
    'process.hrtime()',
    'crypto.randomUUID()',
    'globalThis.crypto.getRandomValues(new Uint8Array(1))',
    'setTimeout(() => {}, 1)',
    'Promise.resolve(1)',
    'async () => 1',
    'fetch("http://127.0.0.1")',
  ])('finds %s in a stage, by file and line', (expression) => {
    stage(`export const fine = 1;\nexport const planted = ${expression};`);

    expect(tidy(copy)).toContainEqual(expect.stringMatching(/^processors\/stages\/planted\.ts:2: a /));
  });

  it.each(['schemas/planted.ts', 'streams/codecs/planted.ts'])('finds a clock in %s, which is as pure', (file) => {
    write(file, 'export const planted = Date.now();');

    expect(tidy(copy)).toContainEqual(expect.stringContaining(`${file}:1: a pure layer reads no clock`));
  });
});
