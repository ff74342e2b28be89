/**
 * `npm run test:million`: flights through the whole local pipeline while every service fails now and then, to the end and
 * with residual 0; then a row, a journal entry and a tape object are taken away, one at a time, and each must be named.
 * A line a phase; exit code 1 when anything is missed.
 */
import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/start/options.ts';
import { type MillionReport, runMillion } from './run-million.ts';

const EVENTS_MAX = 3_000_000;

const HELP = `npm run test:million [-- options]

  --events N   flights that are put, 1,000 to ${EVENTS_MAX} (default 1,000,000)
  --json       one JSON object; the lines of the phases go to standard error
  --help       this text`;

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '1000000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const events = Number(values.events);
  if (!Number.isInteger(events) || events < 1_000 || events > EVENTS_MAX) {
    throw new UsageError(`--events: received ${values.events}, allowed a whole number from 1000 to ${EVENTS_MAX}`);
  }
  const report = await runMillion(events, values.json ? console.error : console.log);
  if (values.json) console.log(JSON.stringify(report));
  else for (const line of render(report)) console.log(line);
  if (report.missed.length > 0) process.exitCode = 1;
}

function render({ missed, node, cpu, date }: MillionReport): readonly string[] {
  const verdict = missed.length === 0 ? ['nothing is missed'] : missed.map((what) => `MISSED: ${what}`);
  return [...verdict, `${node}, ${cpu}, ${date}`];
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError;
  console.error(`test:million: ${Error.isError(error) ? (isUsage ? error.message : error.stack) : String(error)}`);
  process.exitCode = isUsage ? 2 : 1;
}
