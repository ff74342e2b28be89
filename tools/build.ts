/**
 * `npm run build`: bundles every Lambda handler to `build/lambda/<name>/index.cjs`, all in one pass. A bundle holds all
 * that it needs, the AWS SDK too, so that what was tested is what runs. Source maps go to `build/maps/`, outside the
 * deployed assets: with them a minified stack trace can be read, and no function pays for loading them.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { BUNDLE_FILE, BUNDLES, HANDLERS } from '../infra/handlers.ts';

const ROOT = path.join(import.meta.dirname, '..');

export interface BuiltHandler {
  readonly name: string;
  /** Absolute path of the bundle. */
  readonly file: string;
  readonly bytes: number;
}

export interface BuildOptions {
  /** Entry file by name, from `root`. Default: the handlers of infra/handlers.ts. */
  readonly handlers?: Readonly<Record<string, string>>;
  /** Folder that entries are found in. Default: the repository. */
  readonly root?: string;
  /** Folder for a bundle folder for each handler. Default: `build/lambda`. */
  readonly outdir?: string;
}

/**
 * A bundle that has not changed is not written again, so that a running local pipeline is not disturbed.
 * @throws Error naming each entry that does not exist, or what esbuild says is wrong
 */
export async function buildHandlers(options: BuildOptions = {}): Promise<readonly BuiltHandler[]> {
  const { handlers = HANDLERS, root = ROOT, outdir = path.join(ROOT, BUNDLES) } = options;
  const missing = Object.values(handlers).filter((entry) => !existsSync(path.join(root, entry)));
  if (missing.length > 0) throw new Error(`no such handler: ${missing.join(', ')} (listed in infra/handlers.ts)`);

  const { outputFiles } = await build({
    entryPoints: Object.entries(handlers).map(([name, entry]) => ({
      in: path.join(root, entry),
      out: path.join(name, path.parse(BUNDLE_FILE).name),
    })),
    outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // ESM variants where packages have them: only those can be shaken of what is not used.
    mainFields: ['module', 'main'],
    // rxjs gives Node its CommonJS variant whatever mainFields says; by path it loads in 2 ms and not in 15.
    alias: { rxjs: path.join(ROOT, 'node_modules/rxjs/dist/esm/index.js') },
    legalComments: 'none',
    sourcemap: 'external',
    // A CommonJS bundle has no import.meta: what reads it would fail in Lambda only.
    logOverride: { 'empty-import-meta': 'error' },
    logLevel: 'silent',
    write: false,
  });
  const maps = path.join(path.dirname(outdir), 'maps');
  const built: BuiltHandler[] = [];
  for (const { path: file, contents } of outputFiles) {
    const name = path.basename(path.dirname(file));
    if (file.endsWith('.map')) writeWhenChanged(path.join(maps, `${name}.map`), contents);
    else {
      writeWhenChanged(file, contents);
      built.push({ name, file, bytes: contents.length });
    }
  }
  return built;
}

/** Renamed into place, so that nobody reads half a bundle. */
function writeWhenChanged(file: string, contents: Uint8Array): void {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, contents);
  renameSync(partial, file);
}

async function main(args: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  const built = await buildHandlers();
  if (!args.includes('--verbose')) return;
  for (const { name, file, bytes } of built) {
    console.log(`${name.padEnd(12)} ${`${Math.round(bytes / 1024)} KiB`.padStart(9)}  ${path.relative(ROOT, file)}`);
  }
  console.log(`built in ${Math.round(performance.now() - startedAt)} ms`);
}

if (process.argv[1] === import.meta.filename) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(`build: ${Error.isError(error) ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
