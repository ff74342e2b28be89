/**
 * `npm run check`: everything that can be told without running the product. Types, lint and format, layers, generated
 * files, and the rules that no linter has (`tidy`). Each check prints one line; a failing one prints why and what mends it.
 */
import { spawnSync } from 'node:child_process';
import { tidy } from './tidy.ts';

interface Check {
  readonly name: string;
  /** What to run to mend a failure, where a command can. */
  readonly mend?: string;
  readonly run: () => { ok: boolean; output: string };
}

const node = (script: string, ...args: string[]) => command(process.execPath, [script, ...args]);

const checks: readonly Check[] = [
  { name: 'types', run: () => node('node_modules/typescript/bin/tsc', '-p', '.') },
  {
    name: 'lint and format',
    mend: 'npm run format',
    run: () =>
      node('node_modules/@biomejs/biome/bin/biome', 'check', '--max-diagnostics=40', '--error-on-warnings', '.'),
  },
  {
    name: 'layers',
    run: () =>
      node(
        'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
        '--config',
        '.dependency-cruiser.cjs',
        ...['schemas', 'streams', 'processors', 'batch', 'infra', 'local', 'cli', 'bench', 'tools', 'test'],
      ),
  },
  { name: 'generated files', mend: 'npm run generate', run: () => node('tools/generate.ts', '--check') },
  { name: 'local coverage', mend: 'npm run generate', run: () => node('tools/local-coverage.ts', '--check') },
  {
    name: 'tidy',
    run: () => {
      const findings = tidy(process.cwd());
      return { ok: findings.length === 0, output: findings.join('\n') };
    },
  },
];

function command(program: string, args: readonly string[]): { ok: boolean; output: string } {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.error) return { ok: false, output: result.error.message };
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}`.trim() };
}

let failed = 0;
for (const check of checks) {
  const startedAt = performance.now();
  const { ok, output } = check.run();
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${check.name} (${Math.round(performance.now() - startedAt)} ms)`);
  if (ok) continue;
  failed += 1;
  console.log(output);
  if (check.mend) console.log(`       mend with: ${check.mend}`);
}
if (failed > 0) {
  console.error(`${failed} of ${checks.length} checks failed`);
  process.exitCode = 1;
}
