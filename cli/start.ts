/** Entry of `npm start`. Whatever goes wrong is one line on standard error, and an exit code that is not 0. */
import { runLive } from './start/live.ts';
import { renderReport, runOnce } from './start/once.ts';
import { parseStartOptions, START_HELP, type StartOptions, UsageError } from './start/options.ts';

async function main(args: readonly string[]): Promise<void> {
  const options = parseStartOptions(args);
  if (options === 'help') {
    console.log(START_HELP);
    return;
  }
  if (options.once) await once(options);
  else await live(options);
}

async function once(options: StartOptions): Promise<void> {
  const report = await runOnce(options, (line) => void process.stderr.write(`${line}\n`));
  console.log(options.json ? JSON.stringify(report) : renderReport(report).join('\n'));
  if (report.residual !== 0 || report.reconciled.residual !== 0) process.exitCode = 1;
}

async function live(options: StartOptions): Promise<void> {
  const stopping = new AbortController();
  const stop = (): void => {
    // A second Ctrl-C ends at once: what was accepted is on disk all the same.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  await runLive(options, stopping.signal);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const message = Error.isError(error) ? error.message : String(error);
  console.error(`start: ${message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
