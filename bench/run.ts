/** `npm run bench -- <name>`: runs one benchmark. Results go to standard output, progress to standard error. */
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';

interface Entry {
  readonly about: string;
  readonly load: () => Promise<{ readonly default: Benchmark }>;
}

/** Every benchmark, by name; loaded only when it is asked for. */
const BENCHMARKS: Readonly<Record<string, Entry>> = {
  kernel: {
    about: 'the processor without its network, against the least that JSON costs',
    load: () => import('./kernel.ts'),
  },
  e2e: {
    about: 'all 3 million flights through the whole local pipeline, and what came out compared row by row',
    load: () => import('./e2e.ts'),
  },
  replay: {
    about:
      'a gzip of NDJSON read into chunks, against decompressing and parsing it alone (--bytes: plain, default 256 MiB)',
    load: () => import('./replay.ts'),
  },
};

const HELP = `npm run bench -- <name> [options]

${Object.entries(BENCHMARKS)
  .map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`)
  .join('\n')}

  --json   one JSON object
  --bytes  how much, for benchmarks that can be told
  --help`;

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      bytes: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const [name = '', ...more] = positionals;
  const entry = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (entry === undefined || more.length > 0) {
    throw new Error(
      `received ${JSON.stringify(positionals.join(' '))}, allowed: one of ${Object.keys(BENCHMARKS).join(', ')}`,
    );
  }
  const bytes = values.bytes === undefined ? undefined : Number(values.bytes);
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && bytes > 0)) {
    throw new Error(`--bytes: received ${JSON.stringify(values.bytes)}, allowed: a whole number of bytes`);
  }
  const { default: benchmark } = await entry.load();
  const { json, text } = await benchmark((line) => console.error(line), { bytes });
  console.log(values.json ? JSON.stringify(json) : text);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
