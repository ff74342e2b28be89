/** Entry of `npm run pipeline`. Whatever goes wrong is one line on standard error, and an exit code that is not 0. */
import { createOutput } from './pipeline/create-output.ts';
import { describeError } from './pipeline/describe-error.ts';
import { put } from './pipeline/put.ts';
import { reconcile } from './pipeline/reconcile.ts';
import { redrive } from './pipeline/redrive.ts';
import { replay } from './pipeline/replay.ts';
import { run } from './pipeline/run.ts';
import { runs } from './pipeline/runs.ts';
import { tape } from './pipeline/tape.ts';
import { trace } from './pipeline/trace.ts';
import { UsageError, type Verb } from './pipeline/verb.ts';

const VERBS: readonly Verb[] = [put, replay, runs, run, reconcile, trace, redrive, tape];

const HELP = `npm run pipeline -- <verb> [options]

${VERBS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}

Each verb has --help and --json, asks AWS or, with AWS_ENDPOINT_URL or --endpoint-url, whatever else answers as it does, and
exits with another code than 0 and one line on failure. What goes on is told on standard error: on a terminal at once, elsewhere
a line now and then.`;

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(HELP);
    return name === undefined ? 2 : 0;
  }
  const verb = VERBS.find((each) => each.name === name);
  if (!verb) throw new UsageError(`received ${name}, allowed: ${VERBS.map((each) => each.name).join(', ')}`);
  if (args.includes('--help') || args.includes('-h')) {
    console.log(verb.help);
    return 0;
  }
  return verb.run(args, createOutput({ out: process.stdout, err: process.stderr }));
}

// A pager that was closed has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`pipeline: ${describeError(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
