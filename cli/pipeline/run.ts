/** `run`: one run, once or until it has ended. */
import { CONNECTION_HELP, clientSettings, parseVerb } from './connection.ts';
import { askForRun, followRun } from './follow-run.ts';
import { exitCodeOf, renderRun } from './shown-run.ts';
import { UsageError, type Verb } from './verb.ts';

export const run: Verb = {
  name: 'run',
  summary: 'show a run, and wait for its end',
  help: `npm run pipeline -- run <id> [options]

Shows what a run has produced and what came of it. Exits 1 if the run failed or was stopped. What came of
records is counted once a minute, and a run ends when its rows have landed: 1 to 2 minutes after the last was put, in production
about 6.

  --follow             until it has ended, with its counts, or what it waits for
${CONNECTION_HELP}`,
  async run(args, output) {
    const { values, positionals } = parseVerb('run', args, { follow: { type: 'boolean', default: false } });
    const [id, ...others] = positionals;
    if (id === undefined || others.length > 0) {
      throw new UsageError(`run takes one id, received ${positionals.length}. See npm run pipeline -- run --help`);
    }
    const settings = clientSettings(values);
    const asked = await (values.follow ? followRun : askForRun)(id, settings, output);
    for (const line of values.json ? [JSON.stringify(asked.answer)] : renderRun(asked.run)) output.print(line);
    return exitCodeOf(asked.run);
  },
};
