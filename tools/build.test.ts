import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { buildHandlers } from './build.ts';

function folderWith(source: string): { root: string; outdir: string; handlers: { echo: string } } {
  const root = mkdtempSync(path.join(tmpdir(), 'build-'));
  writeFileSync(path.join(root, 'echo.ts'), source);
  return { root, outdir: path.join(root, 'build/lambda'), handlers: { echo: 'echo.ts' } };
}

const ECHO = `import { from, map, toArray, firstValueFrom } from 'rxjs';
export const handler = (event: { values: number[] }) =>
  firstValueFrom(from(event.values).pipe(map((value: number) => value * 2), toArray()));`;

describe('buildHandlers', () => {
  it('makes a bundle that Node runs without node_modules', async () => {
    const [built] = await buildHandlers(folderWith(ECHO));

    const call = `require(${JSON.stringify(built?.file)}).handler({ values: [1, 2] }).then((r) => console.log(JSON.stringify(r)))`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', call], { encoding: 'utf8', cwd: tmpdir() });

    expect({ stdout, stderr }).toEqual({ stdout: '[2,4]\n', stderr: '' });
  });

  it('takes the ESM variant of rxjs, which can be shaken of what is not used', async () => {
    const [built] = await buildHandlers(folderWith(ECHO));

    expect(built?.bytes).toBeLessThan(40_000);
    expect(readFileSync(built?.file ?? '', 'utf8')).not.toContain('__esModule",{value:!0}),exports.Observable');
  });

  it('keeps source maps out of what is deployed', async () => {
    const options = folderWith(ECHO);

    await buildHandlers(options);

    expect(existsSync(path.join(options.root, 'build/maps/echo.map'))).toBe(true);
    expect(existsSync(path.join(options.outdir, 'echo/index.cjs.map'))).toBe(false);
  });

  it('leaves a bundle alone that has not changed', async () => {
    const options = folderWith(ECHO);
    const [first] = await buildHandlers(options);
    const before = statSync(first?.file ?? '').ino;

    await buildHandlers(options);

    expect(statSync(first?.file ?? '').ino).toBe(before);
  });

  it('fails if an entry does not exist, naming it and where it is listed', async () => {
    const options = { ...folderWith(ECHO), handlers: { echo: 'echo.ts', lost: 'handlers/lost.ts' } };

    await expect(buildHandlers(options)).rejects.toThrow(
      'no such handler: handlers/lost.ts (listed in infra/handlers.ts)',
    );
  });

  it('fails if a handler reads import.meta, which a CommonJS bundle does not have', async () => {
    const options = folderWith('export const handler = () => import.meta.url;');

    await expect(buildHandlers(options)).rejects.toThrow('import.meta');
  });
});
